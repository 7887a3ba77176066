import assert from "node:assert/strict";
import { PartFailed } from "../../tools/stack/running_part.ts";
import { startStack } from "../../tools/stack/start_stack.ts";
import { statusOf } from "../support/backends.ts";
import { startSameorigin } from "../support/process.ts";
import { testUnless } from "../support/skip.ts";
import { whyNoStack } from "../support/stack.ts";

const RUNNER = new URL("../../tools/stack.ts", import.meta.url).href;

/** Logs alice in, as the page does. */
async function login(
  origin: string,
  { username, password }: { username: string; password: string },
): Promise<unknown> {
  const session = await fetch(`${origin}/api/session/`);
  await session.body?.cancel();
  const csrf = /csrftoken=(\w+)/.exec(session.headers.get("set-cookie") ?? "");
  const answer = await fetch(`${origin}/api/login/`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "cookie": `csrftoken=${csrf?.[1]}`,
      "origin": origin,
      "x-csrftoken": csrf?.[1] ?? "",
    },
    body: JSON.stringify({ username, password }),
  });
  return await answer.json();
}

testUnless(
  await whyNoStack(true),
  "deno task stack runs the chat, says where and who may log in, and leaves nothing at Ctrl-C",
  async () => {
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const data = await Deno.makeTempDir();
    await using stack = await startSameorigin(
      ["--port", String(taken.addr.port), "--data", data],
      { module: RUNNER, permissions: ["--allow-run", "--allow-write"] },
    );
    const [said] = await stack.until(/[^]*Ctrl-C stops all\.\n/);
    assert.match(
      said,
      new RegExp(
        `^ {2}port ${taken.addr.port} is taken: choosing another$`,
        "m",
      ),
    );
    assert.match(said, /^ {2}✓ all parts answer +\d+ s$/m);
    assert.ok(!said.includes("\x1b"));

    const [origin = ""] = /http:\/\/localhost:\d+/.exec(said) ?? [];
    const page = await fetch(origin, { headers: { accept: "text/html" } });
    assert.match(await page.text(), /\/@vite\/client/);
    assert.equal(await statusOf(`${origin}/static/admin/css/base.css`), 200);
    const [, username = "", password = ""] =
      /^ {2}(alice) +(\S+)$/m.exec(said) ?? [];
    const answer = await login(origin, { username, password });
    assert.equal(
      (answer as { user: { username: string } }).user.username,
      "alice",
    );

    const addresses = Array.from(
      said.matchAll(/^ {2}(?:backend|frontend|centrifugo) +(\S+)/gm),
      ([, address]) => address,
    );
    assert.equal(addresses.length, 3);
    stack.kill("SIGINT");
    assert.equal((await stack.ended).code, 0);
    for (const address of [new URL(origin).host, ...addresses]) {
      await assert.rejects(fetch(`http://${address}`), address);
    }
    await Deno.remove(data, { recursive: true });
  },
);

testUnless(
  await whyNoStack(),
  "a part that does not start is named with its last words, and the others are ended",
  async () => {
    const env = { backend: { DJANGO_SETTINGS_MODULE: "no_such_settings" } };
    await assert.rejects(
      startStack({ frontend: "none", env }),
      /No module named 'no_such_settings'/,
    );
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    await assert.rejects(
      startStack({ frontend: "none", port: taken.addr.port }),
      (error) => {
        assert.ok(error instanceof PartFailed);
        assert.equal(error.part, "proxy");
        assert.match(
          error.message,
          /^proxy ended with code 1 before it answered:\n[^]*in use/,
        );
        return true;
      },
    );
  },
);
