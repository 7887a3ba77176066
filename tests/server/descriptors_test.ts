/**
 * Out of descriptors: a process that may open 256 files.
 *
 * @module
 */
import assert from "node:assert/strict";
import { echoClient, echoUpstream } from "../support/echo.ts";
import { startSameorigin, urlOf } from "../support/process.ts";
import { rawClient } from "../support/raw_upstream.ts";

Deno.test({
  name:
    "out of descriptors it serves the connections it has, says so once, and accepts again later",
  // The limit is set by a shell.
  ignore: Deno.build.os === "windows",
  async fn() {
    await using echo = echoUpstream();
    await using running = await startSameorigin(
      ["--to", `/=127.0.0.1:${echo.port}`, "--listen", "127.0.0.1:0"],
      { openFiles: 256 },
    );
    const url = await urlOf(running);
    const port = Number(new URL(url).port);
    const kept = await rawClient(port);
    const ask = async (path: string) => {
      await kept.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
      assert.match(await kept.readHead(), /^HTTP\/1\.1 200 /);
      assert.equal(await kept.readExactly(path.length), path);
    };
    await ask("/before");
    const socket = await echoClient(url);

    for (let round = 0; round < 2; round++) {
      const many: Deno.Conn[] = [];
      const open = async () => {
        const hostname = "127.0.0.1";
        for (;;) many.push(await Deno.connect({ hostname, port }));
      };
      // When it has closed its listening socket, for a while.
      await assert.rejects(open);
      assert(many.length > 150, `${many.length} connections`);
      // It does not try again before there are some.
      for (let i = 0; i < 20; i++) {
        await assert.rejects(Deno.connect({ hostname: "127.0.0.1", port }));
        await new Promise((resolve) => setTimeout(resolve, 15));
      }
      await ask(`/during${round}`);
      assert.equal(await socket.echo("during"), "during");

      for (const connection of many) connection.close();
      let answer: Response | undefined;
      while (answer === undefined) {
        answer = await fetch(`${url}/after`).catch(() => undefined);
      }
      assert.equal(await answer.text(), "/after");
      await ask(`/after${round}`);
    }

    await socket.close();
    kept.close();
    running.kill("SIGTERM");
    const { code, stderr } = await running.ended;
    assert.equal(code, 0);
    const said = stderr.match(/^sameorigin: .*$/gm);
    assert.deepEqual(said, [
      `sameorigin: cannot accept on 127.0.0.1:0: Too many open files (os ` +
      `error 24); open connections are served, new ones when some are ` +
      `closed (raise ulimit -n)`,
      `sameorigin: accepting on 127.0.0.1:0 again`,
    ]);
  },
});
