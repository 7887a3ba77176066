import assert from "node:assert/strict";
import { PartFailed } from "../../tools/stack/running_part.ts";
import { type Stack, startStack } from "../../tools/stack/start_stack.ts";
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

async function status(url: string): Promise<number> {
  const answer = await fetch(url);
  await answer.body?.cancel();
  return answer.status;
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
    // deno-lint-ignore no-control-regex -- it must not be there.
    assert.doesNotMatch(said, /\x1b/);

    const [origin = ""] = /http:\/\/localhost:\d+/.exec(said) ?? [];
    const page = await fetch(origin, { headers: { accept: "text/html" } });
    assert.match(await page.text(), /\/@vite\/client/);
    assert.equal(await status(`${origin}/static/admin/css/base.css`), 200);
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
  "the parts are stopped and started one by one, and the proxy with another config",
  async () => {
    let folder = "";
    {
      await using stack = await startStack({ frontend: "none" });
      folder = stack.folder;
      await stopAndStart(stack);

      const config = await Deno.readTextFile(
        new URL("../../examples/chat/config.yaml", import.meta.url),
      );
      await stack.replaceConfig(config.replace("  /static:", "  /files:"));
      assert.notEqual(await status(`${stack.origin}/static/admin/`), 404);
      await stack.replaceConfig(config);
      assert.equal(await status(`${stack.origin}/static/admin/`), 404);

      // What ends by itself is told to whoever watches.
      Deno.kill(stack.pid("centrifugo") ?? 0, "SIGKILL");
      await assert.rejects(stack.failed, (error) => {
        assert.ok(error instanceof PartFailed);
        assert.equal(error.part, "centrifugo");
        assert.match(error.message, /^centrifugo has ended with code 137:\n/);
        return true;
      });
      assert.equal(stack.pid("centrifugo"), null);
    }
    await assert.rejects(Deno.stat(folder), Deno.errors.NotFound);
  },
);

async function stopAndStart(stack: Stack): Promise<void> {
  const api = `${stack.origin}/api/session/`;
  assert.equal(await status(api), 200);
  await stack.stop("backend");
  assert.equal(stack.pid("backend"), null);
  assert.equal(await status(api), 502);
  await stack.start("backend");
  assert.equal(await status(api), 200);
  await assert.rejects(stack.start("backend"), /runs already/);
  await assert.rejects(stack.start("frontend"), /no frontend/);
  const before = stack.pid("proxy");
  await stack.restart("proxy");
  assert.notEqual(stack.pid("proxy"), before);
  assert.equal(await status(api), 200);
}

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
