/**
 * `explain --recorded`: a request that was, by another config.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Explanation } from "../../lib/cli/explanation.ts";
import type { Recording } from "../../lib/observe/recorder/recording.ts";
import { watch, type Watcher } from "../admin/watch.ts";
import { backend } from "../support/backends.ts";
import { freePort } from "../support/free_port.ts";
import { sameorigin, startSameorigin, urlOf } from "../support/process.ts";
import { command } from "../support/terminal.ts";

interface Case {
  /** Of the proxy: `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** The config that it runs with, and another one. */
  readonly file: string;
  readonly proposed: string;
  /** The upstream's address. */
  readonly address: string;
  readonly admin: number;
  readonly page: Watcher;
  /** How many requests the upstream has had. */
  asked(): number;
}

/** Runs a proxy that somebody looks at. */
async function withProxy(
  token: string | null,
  proposed: (address: string) => string,
  fn: (it: Case) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  const file = `${directory}/config.yaml`;
  const admin = freePort();
  const shown = token === null ? "" : `, token: ${token}`;
  const adminLine = `admin: { listen: ${admin}${shown} }\n`;
  try {
    await using app = backend("app", () =>
      new Response("app", {
        headers: { "set-cookie": "session=secret-answered" },
      }));
    await Deno.writeTextFile(
      file,
      `${adminLine}listen: 127.0.0.1:0\n` +
        `locations: { /: "http://${app.address}" }\n`,
    );
    const other = `${directory}/proposed.yaml`;
    await Deno.writeTextFile(other, adminLine + proposed(app.address));
    await using proxy = await startSameorigin(["run", "-c", file]);
    const url = await urlOf(proxy);
    await using page = await watch(
      `http://127.0.0.1:${admin}`,
      token === null ? {} : { authorization: `Bearer ${token}` },
    );
    await fn({
      ...{ url, file, proposed: other, address: app.address, admin, page },
      asked: () => app.seen.length,
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const SECRET = {
  cookie: "sid=secret-cookie; theme=secret-theme",
  authorization: "Basic c2VjcmV0LWJhc2lj",
  "x-api-key": "secret-key",
  "x-request-id": "mine",
};

Deno.test("explain --recorded says what another config would do, beside what was done", async () => {
  const token = "0123456789abcdef";
  const proposed = (address: string) =>
    `locations:\n  /: "http://${address}"\n` +
    `  /api/: { proxy_pass: "http://next:81/v2/", ` +
    `proxy_set_header: { X-Stage: next } }\n`;
  await withProxy(token, proposed, async (it) => {
    const asked = `${it.url}/api/me?page=2&token=secret-query`;
    await (await fetch(asked, { headers: SECRET })).text();
    await it.page.find(({ id }) => id === "mine");

    const { code, stdout, stderr } = await sameorigin([
      ...["explain", "--recorded", "mine", "-c", it.proposed],
    ]);
    assert.equal(code, 0, stderr);
    const [title, , ...rest] = stdout.split("\n");
    assert.match(
      title ?? "",
      /^GET \/api\/me\?page=2&token=••• at [\d:]{8} from 127\.0\.0\.1 \(mine\)$/,
    );
    const words = rest.map((line) => line.trim().split(/ {2,}/));
    assert.deepEqual(words.slice(0, 6), [
      ["as it was", `by ${it.proposed}`],
      ["server", "–", "the same"],
      ["location", "/", "/api/"],
      ["upstream", it.address, "next:81"],
      ["target", "/api/me?page=2&token=•••", "/v2/me?page=2&token=•••"],
      ["status", "200", "the upstream's"],
    ]);
    assert.match(stdout, /^\+ x-stage: next$/im);
    assert.doesNotMatch(stdout, /^[+-] (cookie|x-request-id|accept):/im);
    assert.match(stdout, /^ +location +\/api\/ +longest prefix/m);
    assert.match(stdout, /secrets are masked/);
    assert.ok(!/secret-|c2Vjc/.test(stdout + stderr), stdout);

    // One that the proxy has named.
    await (await fetch(`${it.url}/own`)).text();
    const { id } = await it.page.find(({ target }) => target === "/own");
    const own = await command("explain", "--recorded", id, "-c", it.file);
    assert.match(own.output, /location +\/ +the same/);
    assert.match(own.output, /upstream +\S+ +the same/);
    assert.match(own.output, /The same fields are sent upstream\./);
    // Nothing is sent.
    assert.equal(it.asked(), 2);
  });
});

Deno.test("explain --recorded --json has the recording and the explanation, without secrets", async () => {
  const proposed = () => `locations: { /: { return: 410 } }\n`;
  await withProxy(null, proposed, async (it) => {
    await (await fetch(`${it.url}/a?code=secret-code`, { headers: SECRET }))
      .text();
    await it.page.find(({ id }) => id === "mine");
    const { code, output, notes } = await command(
      ...["explain", "--json", "--recorded", "mine", "-c", it.proposed],
    );
    assert.equal(code, 0, notes);
    const { recorded, explanation }: {
      recorded: Recording;
      explanation: Explanation;
    } = JSON.parse(output);
    assert.deepEqual(
      [recorded.id, recorded.status, recorded.location],
      ["mine", 200, "/"],
    );
    assert.equal(explanation.answer?.status, 410);
    assert.equal(explanation.upstream, null);
    assert.ok(!/secret-|c2Vjc/.test(output), output);
  });
});

Deno.test("explain --recorded has the client's address, and no judgement on a masked password", async () => {
  const proposed = () =>
    "locations:\n" +
    '  /: { proxy_pass: "http://a:1", access: [{ deny: 127.0.0.1 }, { allow: all }] }\n' +
    '  /b/: { proxy_pass: "http://a:1", auth_basic: Staff, auth_basic_user_file: users }\n';
  await withProxy(null, proposed, async (it) => {
    const users = it.proposed.replace("proposed.yaml", "users");
    await Deno.writeTextFile(users, "");
    const asked = [["/a", "a"], ["/b/", "b"]] as const;
    for (const [path, id] of asked) {
      const headers = { ...SECRET, "x-request-id": id };
      await (await fetch(it.url + path, { headers })).text();
    }
    for (const [, id] of asked) await it.page.find((one) => one.id === id);
    const denied = await command(
      ...["explain", "--recorded", "a", "-c", it.proposed],
    );
    assert.match(denied.output, /status +200 +403/, denied.notes);
    const masked = await command(
      ...["explain", "--recorded", "b", "-c", it.proposed],
    );
    assert.match(masked.output, /asks +for a password .*: it is masked/);
  });
});

Deno.test("explain --recorded says why it can't tell", async () => {
  const proposed = () => "locations: { /: { return: 204 } }\n";
  await withProxy(null, proposed, async (it) => {
    const explain = (...argv: string[]) =>
      command("explain", "--recorded", ...argv);
    const unknown = await explain("nobody", "-c", it.proposed);
    assert.deepEqual([unknown.code, unknown.output], [1, ""]);
    assert.match(unknown.notes, /keeps no such request: .*looks at the live/);

    const bare = `${it.proposed}.bare`;
    await Deno.writeTextFile(bare, proposed());
    const without = await explain("mine", "-c", bare);
    assert.equal(without.code, 1);
    assert.match(without.notes, /has no admin.*\nStart it with --admin 9001/);
    await (await fetch(it.url, { headers: SECRET })).text();
    await it.page.find(({ id }) => id === "mine");
    const named = await explain("mine", "-c", bare, "--admin", `${it.admin}`);
    assert.equal(named.code, 0, named.notes);

    const nobody = ["-c", bare, "--admin", `${freePort()}`];
    const refused = await explain("mine", ...nobody);
    assert.equal(refused.code, 1);
    assert.match(refused.notes, /refuses the connection: nothing listens/);

    // Another program has the port.
    for (const answer of ["[1]", '{"a":1}', "null", "{", "<p>"]) {
      await using other = backend("other", () =>
        new Response(answer, {
          headers: { "content-type": "application/json" },
        }));
      const port = ["-c", bare, "--admin", `${other.port}`];
      const { code, notes } = await explain("mine", ...port);
      assert.equal(code, 1, notes);
      assert.match(notes, /is no admin listener of this version \(200\)/);
    }

    for (const more of [["-H", "A: b"], ["--from", "192.0.2.1"]]) {
      const { code, notes } = await explain("mine", "-c", it.proposed, ...more);
      assert.equal(code, 2);
      assert.match(notes, /--recorded takes neither --header nor --from/);
    }
    const both = await explain("mine", "-c", it.proposed, "GET", "/");
    assert.equal(both.code, 2);
    assert.match(both.notes, /GET/);
  });
});
