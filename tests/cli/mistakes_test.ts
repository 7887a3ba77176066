/**
 * Typical mistakes of a new user, and what is said about each. The messages are
 * kept in mistakes.txt, to be read as a whole: with `SAMEORIGIN_UPDATE=1` this
 * test writes them anew.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { command } from "../support/terminal.ts";

interface Mistake {
  /** What the user has misunderstood, or mistyped. */
  readonly what: string;
  readonly command: readonly string[];
  /** The content of config.yaml; none where it is not read. */
  readonly config?: string;
}

const CHECK = ["check", "-c", "config.yaml"];
const GOOD = "locations:\n  /: http://localhost:5173\n";

const MISTAKES: readonly Mistake[] = [
  // The command line.
  { what: "A command is mistyped", command: ["chekc"] },
  { what: "A command has another program's name", command: ["start"] },
  {
    what: "A task of the repository is given as a command",
    command: ["trust"],
  },
  { what: "A config is given as a command", command: ["my.yaml"] },
  { what: "A target is given as a command", command: ["localhost:8000"] },
  { what: "The config is not there", command: ["-c", "nope.yaml"] },
  { what: "An option is mistyped", command: ["--lisen", "9001"] },
  {
    what: "An option has another program's name",
    command: ["--port", "9001"],
  },
  { what: "An option has no value", command: ["run", "--listen"] },
  {
    what: "An option is another command's",
    command: ["check", "--watch"],
  },
  { what: "--to has no prefix", command: ["--to", "localhost:8000"] },
  { what: "--to has only a port", command: ["--to", "/api=8000"] },
  { what: "explain is not told the method", command: ["explain", "/api/"] },
  {
    what: "The path does not begin with a slash",
    command: ["explain", "GET", "api/", "-c", "config.yaml"],
    config: GOOD,
  },
  {
    what: "doctor is not told the scheme",
    command: ["doctor", "localhost:9000", "-c", "config.yaml"],
    config: GOOD,
  },
  // The file.
  { what: "The config is empty", command: CHECK, config: "" },
  {
    what: "The config is nginx's",
    command: CHECK,
    config:
      "server {\n  listen 80;\n  location / { proxy_pass http://localhost:5173; }\n}\n",
  },
  {
    what: "A line is indented with a tab",
    command: CHECK,
    config: "locations:\n  /:\n\tproxy_pass: http://localhost:5173\n",
  },
  {
    what: "A line is indented otherwise than its neighbours",
    command: CHECK,
    config: "locations:\n  /: http://localhost:5173\n dev: true\n",
  },
  {
    what: "A location is there twice",
    command: CHECK,
    config: `${GOOD}  /: http://localhost:5174\n`,
  },
  {
    what: "A directive is mistyped",
    command: CHECK,
    config: "locations:\n  /:\n    proxy_pas: http://localhost:5173\n",
  },
  {
    what: "A directive of nginx is written as there",
    command: CHECK,
    config: "location:\n  /: http://localhost:5173\n",
  },
  {
    what: "A directive is in the wrong place",
    command: CHECK,
    config: "proxy_pass: http://localhost:5173\n",
  },
  {
    what: "An address has no scheme",
    command: CHECK,
    config: "locations:\n  /: localhost:5173\n",
  },
  {
    what: "An address has half a scheme",
    command: CHECK,
    config: "locations:\n  /: http//localhost:5173\n",
  },
  {
    what: "An address is only a port",
    command: CHECK,
    config: "locations:\n  /: 5173\n",
  },
  {
    what: "A WebSocket is proxied to ws://",
    command: CHECK,
    config: "locations:\n  /ws: ws://localhost:8000\n",
  },
  {
    what: "An upstream is not there",
    command: CHECK,
    config:
      "upstreams: {backend: localhost:8000}\nlocations:\n  /: http://backned\n",
  },
  {
    what: "A variable of the environment is not set",
    command: CHECK,
    config: "locations:\n  /: http://${SURELY_NOT_SET}:8000\n",
  },
  {
    what: "A variable is mistyped",
    command: CHECK,
    config: `proxy_set_header: {Host: $hots}\n${GOOD}`,
  },
  {
    what: "A header is written outside of proxy_set_header",
    command: CHECK,
    config:
      "locations:\n  /:\n    proxy_pass: http://localhost:5173\n    Host: $host\n",
  },
  {
    what: "A size and a time have other units",
    command: CHECK,
    config: `client_max_body_size: 10MB\nproxy_read_timeout: 60 s\n${GOOD}`,
  },
  {
    what: "A port does not exist",
    command: CHECK,
    config: `listen: 90000\n${GOOD}`,
  },
  {
    what: "There is TLS, but no certificate",
    command: CHECK,
    config: `listen: 443 ssl\n${GOOD}`,
  },
  {
    what: "The admin listener has the port of a server",
    command: CHECK,
    config: `listen: 9000\nadmin: 9000\n${GOOD}`,
  },
  {
    what: "The admin listener is open to everybody",
    command: CHECK,
    config: `admin: 0.0.0.0:9001\n${GOOD}`,
  },
];

/**
 * The place of a YAML error, which is not quite the same with `tools/std/` as
 * with @std/yaml.
 */
const PLACE = /(?<=^config\.yaml:\d):\d+(?=:)|\n {2}\d \| .*\n +\| +\^/gm;

/** A mistake, with what comes of it. */
async function shown(
  { what, command: words, config }: Mistake,
  folder: string,
): Promise<string> {
  const path = join(folder, "config.yaml");
  if (config !== undefined) await Deno.writeTextFile(path, config);
  const run = await command(
    ...words.map((word) => word === "config.yaml" ? path : word),
  );
  assert.equal(run.code, 2, what);
  assert.equal(run.output, "", what);
  const file = config === undefined
    ? ""
    : config.replace(/^(?=.)/gm, "    ").replaceAll("\t", "<tab>");
  const said = run.notes.replaceAll(path, "config.yaml")
    .replace(PLACE, "");
  return `## ${what}\n\n${file}$ sameorigin ${words.join(" ")}\n${said}`;
}

Deno.test("typical mistakes are told in these words", async () => {
  const folder = await Deno.makeTempDir();
  const kept = new URL("./mistakes.txt", import.meta.url);
  try {
    const all: string[] = [];
    for (const mistake of MISTAKES) all.push(await shown(mistake, folder));
    const text = all.join("\n");
    if (Deno.env.get("SAMEORIGIN_UPDATE") === "1") {
      await Deno.writeTextFile(kept, text);
    }
    assert.equal(text, await Deno.readTextFile(kept));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
