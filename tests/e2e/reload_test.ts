/**
 * Reloads under load: nothing is lost. The big run is `bench/reload.ts`.
 *
 * @module
 */
import assert from "node:assert/strict";
import { echoUpstream } from "../support/echo.ts";
import { freePort } from "../support/free_port.ts";
import { NumberedSocket, RequestLoad } from "../support/numbered.ts";
import { startSameorigin, urlOf } from "../support/process.ts";

for (const workers of Deno.build.os === "linux" ? [1, 2] : [1]) {
  Deno.test({
    name:
      `20 reloads under load lose no request and no message, workers: ${workers}`,
    // There are no signals there that a process could be sent.
    ignore: Deno.build.os === "windows",
    async fn() {
      await using one = echoUpstream();
      await using two = echoUpstream();
      const other = freePort();
      const servers = [one, two].map(({ port }) => `127.0.0.1:${port}`);
      /** Listeners, servers and locations that differ from turn to turn. */
      const config = (turn: number) =>
        JSON.stringify({
          listen: ["127.0.0.1:0"]
            .concat(turn % 2 === 1 ? [`127.0.0.1:${other}`] : []),
          workers,
          access_log: false,
          upstreams: {
            echo: { servers: servers.slice(turn % 3 === 0 ? 1 : 0) },
          },
          locations: Object.fromEntries(
            // So many that each turn can be told by their number.
            ["/", ...Array.from({ length: turn }, (_, i) => `/${i}`)]
              .map((prefix) => [prefix, "http://echo"]),
          ),
        });
      const path = await Deno.makeTempFile({ suffix: ".yaml" });
      await Deno.writeTextFile(path, config(0));
      await using running = await startSameorigin(["-c", path]);
      const url = await urlOf(running);

      const load = new RequestLoad(Number(new URL(url).port), 16, 2);
      const sockets = Array.from(
        { length: 50 },
        () => new NumberedSocket(url, 50),
      );
      await Promise.all(sockets.map(({ opened }) => opened));
      for (let turn = 1; turn <= 20; turn++) {
        const broken = turn % 5 === 0;
        const text = broken ? `broken_${turn}: on` : config(turn);
        await Deno.writeTextFile(path, text);
        running.kill("SIGHUP");
        const [said] = await running.until(
          broken ? new RegExp(`broken_${turn}: [^]*keeps running`) : new RegExp(
            `is in effect: ${turn + 1} loc|cannot listen.*|.*in use`,
          ),
        );
        assert(broken || said.startsWith("is in effect"), said);
        if (broken || turn % 2 === 0) continue;
        // Its listener goes with the next turn, it stays.
        const socket = new NumberedSocket(`http://127.0.0.1:${other}`, 50);
        await socket.opened;
        sockets.push(socket);
      }
      await load.stop();
      await Promise.all(sockets.map((socket) => socket.close()));
      assert.deepEqual([...load.failures], []);
      assert(load.answered > 100, `${load.answered} requests`);
      for (const { lost, wrong, sent, received } of sockets) {
        assert.deepEqual([lost, wrong, received], [null, 0, sent]);
        assert(sent > 0);
      }
      running.kill("SIGTERM");
      assert.equal((await running.ended).code, 0);
      await Deno.remove(path);
    },
  });
}
