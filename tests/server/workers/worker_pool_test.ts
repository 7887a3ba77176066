/**
 * Several workers on one address.
 *
 * @module
 */
import assert from "node:assert/strict";
import { planned } from "../../../lib/cli/config_reader.ts";
import { PROOF_HEADER, RELOAD } from "../../../lib/request/control.ts";
import { ListenError } from "../../../lib/server/server.ts";
import { WorkerPool } from "../../../lib/server/workers/worker_pool.ts";
import { WorkerThread } from "../../../lib/server/workers/worker_thread.ts";
import { echoClient, echoUpstream } from "../../support/echo.ts";
import { freePort } from "../../support/free_port.ts";
import { rawExchange } from "../../support/raw_upstream.ts";

/** Only there threads can share a port. */
const ignore = Deno.build.os !== "linux";

const MORTAL = new URL("mortal_worker.ts", import.meta.url);

const loaded = (document: Record<string, unknown>) =>
  planned({
    content: { document: { listen: "127.0.0.1:0", workers: 3, ...document } },
    name: "test",
    overrides: {},
    files: new Map(),
  });

/** A pool of workers that can be told to die. */
async function startPool(document: Record<string, unknown>, module = MORTAL) {
  const said: string[] = [];
  const news = new EventTarget();
  let log = "";
  const pool = await WorkerPool.start(loaded(document), {
    writeLog: async (lines) => {
      // In two parts, which would mix with those of others if they could.
      const text = new TextDecoder().decode(lines);
      log += text.slice(0, 10);
      await new Promise((resolve) => setTimeout(resolve, 60));
      log += text.slice(10);
    },
    errorLog: (line) => {
      said.push(line);
      news.dispatchEvent(new Event("line"));
    },
    control: (proof) => Promise.resolve(proof === "right" ? '{"a":1}' : null),
  }, module);
  const url = (pool.addresses[0]?.url ?? "").replace("localhost", "127.0.0.1");
  return {
    pool,
    url,
    port: Number(new URL(url).port),
    said,
    lines: () => log.split("\n").slice(0, -1),
    async until(pattern: RegExp) {
      while (!said.some((line) => pattern.test(line))) {
        await new Promise((resolve) =>
          news.addEventListener("line", resolve, { once: true })
        );
      }
    },
    /** Which workers there are, asked so often that none is missed. */
    async who() {
      const numbers = new Set<string>();
      for (let i = 0; i < 60; i++) numbers.add(await ask(url, "/who"));
      return numbers;
    },
    async [Symbol.asyncDispose]() {
      await pool.abort();
      await pool.finished;
    },
  };
}

/** On a connection of its own, which may be any worker's. */
async function ask(url: string, path: string): Promise<string> {
  const request =
    `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`;
  const answer = await rawExchange(Number(new URL(url).port), request);
  return answer.slice(answer.indexOf("\r\n\r\n") + 4);
}

const to = (port: number) => `http://127.0.0.1:${port}`;

Deno.test({
  name: "workers share the connections of one address, and one access log",
  ignore,
  async fn() {
    await using echo = echoUpstream();
    const proxy = await startPool({ locations: { "/": to(echo.port) } });
    await using _ = proxy;
    assert.equal((await proxy.who()).size, 3);
    const paths = Array.from({ length: 90 }, (_, i) => `/${i}`);
    const answers = await Promise.all(paths.map((p) => ask(proxy.url, p)));
    assert.deepEqual(answers, paths);
    await proxy.pool.shutdown();
    await proxy.pool.finished;
    const logged = proxy.lines()
      .map((line) =>
        /^127\.0\.0\.1 - - \[\S+ \+0000\] "GET (\/\d+) HTTP\/1\.1" 200 /.exec(
          line,
        )?.[1]
      );
    assert.deepEqual(logged.toSorted(), paths.toSorted());
    await assert.rejects(fetch(proxy.url));
    assert.deepEqual(proxy.said, []);
  },
});

Deno.test({
  name: "a worker that dies is replaced, and the others go on",
  ignore,
  async fn() {
    await using echo = echoUpstream();
    const proxy = await startPool({ locations: { "/": to(echo.port) } });
    await using _ = proxy;
    const before = await proxy.who();
    const clients = await Promise.all(
      Array.from({ length: 30 }, () => echoClient(proxy.url)),
    );
    const lost: number[] = [];
    clients.forEach(({ closed }, i) => closed.then(() => lost.push(i)));
    await ask(proxy.url, "/die").catch(() => {});
    await proxy.until(/^worker \d ended \(exit code 7\) and is restarted$/);
    while ((await proxy.who()).size < 3);
    const after = await proxy.who();
    assert.equal([...before].filter((one) => after.has(one)).length, 2);
    // Those of the two others.
    assert(lost.length > 0 && lost.length < 30, `${lost.length} lost`);
    for (const [i, client] of clients.entries()) {
      if (lost.includes(i)) continue;
      assert.equal(await client.echo("still there"), "still there");
      await client.close();
    }
    assert.equal(proxy.said.length, 1);
    // The new one takes part in what comes.
    await proxy.pool.reload(loaded({ locations: { "/new": to(echo.port) } }));
    for (let i = 0; i < 30; i++) {
      assert.equal(await ask(proxy.url, "/new/x"), "/new/x");
    }
  },
});

Deno.test({
  name: "a reload is in effect in all workers, or in none",
  ignore,
  async fn() {
    await using echo = echoUpstream();
    const proxy = await startPool({ locations: { "/a": to(echo.port) } });
    await using _ = proxy;
    const clients = await Promise.all(
      Array.from({ length: 12 }, () => echoClient(`${proxy.url}/a`)),
    );
    const both = await proxy.pool.reload(loaded({
      listen: ["127.0.0.1:0", "127.0.0.2:0"],
      locations: { "/b": to(echo.port) },
    }));
    assert.deepEqual(both.added, ["127.0.0.2:0"]);
    const [, second] = proxy.pool.addresses;
    const hostname = "127.0.0.2";
    for (let i = 0; i < 20; i++) {
      assert.equal(await ask(proxy.url, "/b/x"), "/b/x");
      assert.match(await ask(proxy.url, "/a/x"), /^[^]*404 Not Found/);
      // Workers all listen on the port that the first was given.
      const connection = await Deno.connect({
        hostname,
        port: second?.port ?? 0,
      });
      connection.close();
    }
    using taken = Deno.listen({ hostname, port: 0 });
    await assert.rejects(
      proxy.pool.reload(loaded({
        listen: ["127.0.0.1:0", `127.0.0.2:${taken.addr.port}`],
        locations: { "/c": to(echo.port) },
      })),
      (error) => error instanceof ListenError && error.kind === "in use",
    );
    for (let i = 0; i < 20; i++) {
      assert.equal(await ask(proxy.url, "/b/x"), "/b/x");
    }
    for (const client of clients) {
      assert.equal(await client.echo("still there"), "still there");
      await client.close();
    }
    const { removed, notes } = await proxy.pool.reload(
      loaded({ workers: 2, locations: { "/b": to(echo.port) } }),
    );
    assert.deepEqual(removed, ["127.0.0.2:0"]);
    assert.deepEqual(notes, ["workers: 2 needs a restart"]);
    const isOpen = () =>
      Deno.connect({ hostname, port: second?.port ?? 0 })
        .then((connection) => (connection.close(), true), () => false);
    while (await isOpen());
  },
});

Deno.test({
  name: "an address that one worker can't have is closed by the others again",
  ignore,
  async fn() {
    await using echo = echoUpstream();
    const proxy = await startPool({ locations: { "/a": to(echo.port) } });
    await using _ = proxy;
    // In turn it is another worker, the one that is asked first among them.
    for (const hostname of ["127.0.1.1", "127.0.1.2", "127.0.1.3"]) {
      const port = freePort();
      await assert.rejects(
        proxy.pool.reload(loaded({
          listen: ["127.0.0.1:0", `${hostname}:${port}`],
          locations: { "/b": to(echo.port) },
        })),
        (error) => error instanceof ListenError && error.kind === "in use",
      );
      const isOpen = () =>
        Deno.connect({ hostname, port })
          .then((connection) => (connection.close(), true), () => false);
      while (await isOpen());
      for (let i = 0; i < 10; i++) {
        assert.equal(await ask(proxy.url, "/a/x"), "/a/x");
      }
    }
    await proxy.pool.reload(loaded({ locations: { "/b": to(echo.port) } }));
    for (let i = 0; i < 10; i++) {
      assert.equal(await ask(proxy.url, "/b/x"), "/b/x");
    }
  },
});

Deno.test({
  name: "at the end all workers close their WebSockets with 1012",
  ignore,
  async fn() {
    await using echo = echoUpstream();
    const proxy = await startPool({
      locations: { "/": to(echo.port) },
      websocket_drain: "200ms",
    });
    const clients = await Promise.all(
      Array.from({ length: 30 }, () => echoClient(proxy.url)),
    );
    await Promise.all([
      proxy.pool.shutdown(),
      ...clients.map(async ({ closed }) => {
        assert.equal((await closed).code, 1012);
      }),
    ]);
    await proxy.pool.finished;
  },
});

Deno.test({
  name: "every worker asks the main thread about RELOAD",
  ignore,
  async fn() {
    const proxy = await startPool({ locations: { "/": to(81) } });
    await using _ = proxy;
    const reload = (proof: string) =>
      rawExchange(
        proxy.port,
        `${RELOAD} / HTTP/1.1\r\nhost: x\r\n${PROOF_HEADER}: ${proof}\r\n` +
          "connection: close\r\n\r\n",
      );
    for (let i = 0; i < 12; i++) {
      assert.match(await reload("right"), /^HTTP\/1\.1 200 [^]*\{"a":1\}$/);
      assert.match(await reload("wrong"), /^HTTP\/1\.1 405 /);
    }
  },
});

Deno.test({
  name: "workers share their port with nobody else",
  ignore,
  async fn() {
    const first = await startPool({ locations: { "/": to(81) } });
    await using _ = first;
    await assert.rejects(
      startPool({
        listen: `127.0.0.1:${first.port}`,
        locations: { "/": to(81) },
      }),
      (error) => error instanceof ListenError && error.kind === "in use",
    );
  },
});

Deno.test({
  name: "a worker out of memory ends alone",
  ignore,
  async fn() {
    const module = new URL("greedy_worker.ts", import.meta.url);
    const none = () => Promise.reject(new Error("not to be called"));
    const main = { writeLog: none, logError() {}, control: none };
    const thread = new WorkerThread(1, module, main, 32);
    assert.match(await thread.ended, /memory/);
  },
});
