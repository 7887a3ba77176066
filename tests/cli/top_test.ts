/**
 * `sameorigin top`.
 *
 * @module
 */
import assert from "node:assert/strict";
import { percentile } from "../../lib/cli/top/view.ts";
import { backend } from "../support/backends.ts";
import { freePort } from "../support/free_port.ts";
import {
  sameoriginCommand,
  startSameorigin,
  urlOf,
} from "../support/process.ts";
import { testNeeding } from "../support/skip.ts";
import { soon } from "../support/soon.ts";
import { command } from "../support/terminal.ts";

/** Runs a proxy with a config, before a server that answers 500 to `/bad`. */
async function withProxy(
  rest: string,
  fn: (file: string, url: string, address: string) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  const file = `${directory}/config.yaml`;
  try {
    await using service = backend(
      "one",
      ({ target }) =>
        new Response("one", { status: target === "/bad" ? 500 : 200 }),
    );
    await Deno.writeTextFile(
      file,
      `listen: 127.0.0.1:0\nupstreams: { back: "${service.address}" }\n` +
        `locations: { /: http://back, /files/: { return: 204 } }\n${rest}\n`,
    );
    await using proxy = await startSameorigin(["run", "-c", file]);
    await fn(file, await urlOf(proxy), service.address);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Asks for pages until it is stopped. */
function asking(urls: readonly string[]): AsyncDisposable {
  let on = true;
  const all = urls.map(async (url) => {
    while (on) await (await fetch(url)).text();
  });
  return {
    async [Symbol.asyncDispose]() {
      on = false;
      await Promise.all(all);
    },
  };
}

Deno.test("top tells what locations and servers did within a second", async () => {
  const admin = freePort();
  await withProxy(`admin: ${admin}`, async (file, url, address) => {
    await using _ = asking([`${url}/good`, `${url}/bad`, `${url}/files/a`]);
    const json = await command("top", "--json", "-c", file);
    assert.equal(json.code, 0, json.notes);
    const view = JSON.parse(json.output);
    const { total, locations, upstreams: [server] } = view;
    assert(view.over >= 1 && view.over < 10, `${view.over}`);
    assert(total.rate > 1, json.output);
    assert(total.serverErrors > 0 && total.serverErrors < 1);
    assert(total.p95 >= total.median);
    // "" is what no location takes.
    assert.deepEqual(
      locations.map((one: { location: string }) => one.location).toSorted(),
      ["", "/", "/files/"],
    );
    assert.equal(server.address, address);
    assert.equal(server.up, 1);
    assert(server.rate > 1);
    const text = await command("top", "-c", file);
    assert.equal(text.code, 0);
    assert.match(text.output, /^sameorigin \S+ .*config\.yaml .*1 worker /);
    assert.match(text.output, /\d requests\/s {2}median .* 5xx \d/);
    assert.match(text.output, new RegExp(`^back +${address} +yes`, "m"));
    assert.match(text.output, /^\/files\/ /m);
  });
});

Deno.test("top knows the token of the config, and says so if the proxy has another", async () => {
  const admin = freePort();
  const tokened = (token: string) =>
    `admin: { listen: ${admin}, token: "${token}" }`;
  await withProxy(tokened("0123456789abcdef"), async (file) => {
    assert.equal((await command("top", "-c", file)).code, 0);
    const other = file.replace("config", "other");
    await Deno.writeTextFile(
      other,
      `locations: { /: { return: 204 } }\n${tokened("fedcba9876543210")}\n`,
    );
    const { code, notes, output } = await command("top", "-c", other);
    assert.equal(code, 1);
    assert.equal(output, "");
    assert.match(notes, /127\.0\.0\.1:\d+ wants another token/);
  });
});

Deno.test("top says why there is nothing to see", async () => {
  const nobody = freePort();
  await withProxy("", async (file) => {
    const without = await command("top", "-c", file);
    assert.equal(without.code, 1);
    assert.match(without.notes, /has no admin.*\nStart it with --admin 9001/);
    const refused = await command("top", "-c", file, "--admin", `${nobody}`);
    assert.equal(refused.code, 1);
    assert.match(refused.notes, /refuses the connection: nothing listens/);
  });
});

testNeeding(
  ["script"],
  "in a terminal, top draws again until Ctrl-C",
  async () => {
    const admin = freePort();
    await withProxy(`admin: ${admin}`, async (file) => {
      const words = [...await sameoriginCommand(), "top", "-c", file];
      const quoted = words.map((word) => `'${word}'`).join(" ");
      const child = new Deno.Command("script", {
        args: ["-qec", `stty rows 24 cols 100; exec ${quoted}`, "/dev/null"],
        env: { NO_COLOR: "1", TERM: "xterm" },
        stdin: "piped",
        stdout: "piped",
      }).spawn();
      const writer = child.stdin.getWriter();
      let shown = "";
      const decoder = new TextDecoder();
      for await (const chunk of child.stdout) {
        const before = shown.split("requests/s").length;
        shown += decoder.decode(chunk, { stream: true });
        const now = shown.split("requests/s").length;
        // The third picture has come.
        if (before < 4 && now >= 4) await writer.write(new Uint8Array([3]));
      }
      const { code } = await soon("the end", child.status);
      await writer.close().catch(() => {});
      assert.equal(code, 0, shown);
      assert(shown.includes("\x1b[?1049h"), "the other screen");
      assert(shown.endsWith("\x1b[?25h\x1b[?1049l"), JSON.stringify(shown));
      assert.match(shown, /Ctrl-C ends/);
    });
  },
);

Deno.test("a percentile lies within its bucket, as Prometheus has it", () => {
  const bounds = [0.001, 0.01, 0.1];
  const of = (counts: number[], share: number) =>
    percentile(bounds, { counts, sum: 0 }, share);
  assert.equal(of([0, 0, 0, 0], 0.5), null);
  assert.equal(of([4, 0, 0, 0], 0.5), 0.5);
  assert.equal(of([2, 2, 0, 0], 0.5), 1);
  assert.equal(of([0, 10, 0, 0], 0.9), 9.1);
  // Beyond the last bound nothing is known.
  assert.equal(of([0, 0, 0, 3], 0.5), 100);
});
