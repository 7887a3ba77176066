/**
 * The proxy with several workers, with the executable's permissions.
 *
 * @module
 */
import assert from "node:assert/strict";
import { echoClient, echoUpstream } from "../support/echo.ts";
import { sameorigin, startSameorigin, urlOf } from "../support/process.ts";
import { rawExchange, rawUpstream } from "../support/raw_upstream.ts";

/** Only there threads can share a port. */
const ignore = Deno.build.os !== "linux";

/** A config file with two workers. */
async function configFile(rest: string) {
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  const write = (rest: string) =>
    Deno.writeTextFile(path, `listen: 127.0.0.1:0\nworkers: 2\n${rest}`);
  await write(rest);
  return { path, write, [Symbol.asyncDispose]: () => Deno.remove(path) };
}

const location = (name: string, port: number) =>
  `locations: {${name}: "http://127.0.0.1:${port}"}\n`;

Deno.test({
  name: "two workers: one block at the start, reloads, one log, a calm end",
  ignore,
  async fn() {
    await using echo = echoUpstream();
    await using file = await configFile(
      location("/a", echo.port) + "websocket_drain: 200ms\n",
    );
    await using running = await startSameorigin(["-c", file.path]);
    const url = await urlOf(running);
    const clients = await Promise.all(
      Array.from({ length: 20 }, () => echoClient(`${url}/a`)),
    );

    await file.write("locations: 7\n");
    running.kill("SIGHUP");
    await running.until(
      /locations: .*\n.*SIGHUP: not used: .*\n.*SIGHUP: the proxy keeps/,
    );
    await file.write(
      location("/b", echo.port) + "log_format: json\nwebsocket_drain: 200ms\n",
    );
    const args = ["reload", "-c", file.path, "--listen", new URL(url).host];
    const reloaded = await sameorigin(args);
    assert.deepEqual([reloaded.code, reloaded.stderr], [0, ""]);
    const port = Number(new URL(url).port);
    const request = "GET /b HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    for (let i = 0; i < 20; i++) {
      assert.match(await rawExchange(port, request), /^HTTP\/1\.1 200 /);
    }
    for (const client of clients) {
      assert.equal(await client.echo("still there"), "still there");
    }

    running.kill("SIGTERM");
    const closed = await Promise.all(clients.map(({ closed }) => closed));
    assert.deepEqual(
      new Set(closed.map(({ code }) => code)),
      new Set([1012]),
    );
    const { code, stdout, stderr } = await running.ended;
    assert.equal(code, 0);
    assert.equal(stderr.match(/http:\/\/localhost/g)?.length, 1);
    const lines = stdout.trimEnd().split("\n");
    const requests = lines.filter((line) => line.includes('"event":"request"'));
    assert.equal(requests.length, 20, stdout);
    // Each opened by one format, and closed by the other or the same.
    assert.equal(lines.length, 20 + 2 * clients.length);
  },
});

Deno.test({
  name:
    "two workers: a request in flight is finished, a second signal ends it at once",
  ignore,
  async fn() {
    const arrived = Promise.withResolvers<void>();
    await using upstream = rawUpstream(async (connection) => {
      await connection.readHead();
      arrived.resolve();
      await connection.readToEnd();
    });
    await using file = await configFile(location("/", upstream.port));
    await using running = await startSameorigin(["-c", file.path]);
    const answer = assert.rejects(fetch(await urlOf(running)));
    await arrived.promise;
    running.kill("SIGTERM");
    await running.until(/SIGTERM: waiting/);
    running.kill("SIGTERM");
    const { code } = await running.ended;
    assert.equal(code, 143);
    await answer;
  },
});

Deno.test({
  name: "two workers: an address that is taken is named, with exit code 1",
  ignore,
  async fn() {
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const listen = `127.0.0.1:${taken.addr.port}`;
    await using file = await configFile(location("/", 81));
    const args = ["-c", file.path, "--listen", listen];
    const { code, stderr } = await sameorigin(args);
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`port ${taken.addr.port} is in use`));
  },
});
