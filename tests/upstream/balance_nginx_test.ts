/**
 * The balancing methods beside those of a real nginx.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import type { Peer } from "../../lib/upstream/balance/method.ts";
import {
  type Balance,
  createBalancer,
} from "../../lib/upstream/balance/balancer.ts";
import { startNginx } from "../route/nginx.ts";
import { RawConnection } from "../support/raw_upstream.ts";
import { testNeeding } from "../support/skip.ts";
import { nginxPicks } from "./balance_nginx.ts";
import { ourPicks, type Scenario } from "./balance_scenario.ts";
import { always, ANYBODY, client, peer, seeded } from "./balance_support.ts";
import { picksOf, VECTORS } from "./balance_vectors.ts";

testNeeding(["nginx"], "nginx still does what the vectors say", async () => {
  const picks = await nginxPicks(VECTORS);
  VECTORS.forEach((vector, i) => {
    deepStrictEqual(picks[i], picksOf(vector), vector.title);
  });
});

const clients = fc.array(
  fc.record({
    remoteAddr: fc.oneof(
      fc.ipV4().filter((address) => address !== "255.255.255.255"),
      // As a socket's address is written: nginx reads not every other form.
      fc.ipV6().map((address) =>
        new URL(`http://[${address}]`).hostname.slice(1, -1)
      ),
      fc.constant("unix:"),
    ),
    key: fc.array(
      fc.integer({ min: 0x21, max: 0xff }).filter((code) => code !== 0x7f)
        .map((code) => String.fromCharCode(code)),
      { maxLength: 12 },
    ).map((chars) => chars.join("")),
  }).map(client),
  { minLength: 20, maxLength: 60 },
);

/**
 * Tried again with these two methods only among few equals: for a further try
 * nginx counts on from the servers drawn in vain, and does not count those it
 * has sent the request to, so that after 20 it goes by round robin a little
 * later than we do.
 */
function scenario(balance: Balance): fc.Arbitrary<Scenario> {
  const draws = balance.kind === "ip_hash" ||
    balance.kind === "hash" && !balance.consistent;
  return fc.boolean().chain((retry) =>
    fc.record({
      title: fc.constant(JSON.stringify(balance)),
      balance: fc.constant(balance),
      retry: fc.constant(retry),
      clients,
      servers: fc.array(
        fc.record({
          weight: fc.integer({ min: 1, max: draws && retry ? 1 : 20 }),
          down: fc.nat(3).map((n) => n === 0),
        }),
        { minLength: 1, maxLength: draws && retry ? 4 : 12 },
      ).filter((servers) => servers.some(({ down }) => !down)).map((servers) =>
        servers.map((server, i) => ({ name: `127.0.0.1:${i + 1}`, ...server }))
      ),
    })
  );
}

testNeeding(
  ["nginx"],
  "in random scenarios each method takes the servers that nginx takes",
  async () => {
    const methods: Balance[] = [
      { kind: "round_robin" },
      { kind: "least_conn" },
      { kind: "ip_hash" },
      { kind: "hash", consistent: false },
      { kind: "hash", consistent: true },
    ];
    const scenarios = methods.flatMap((balance) =>
      fc.sample(scenario(balance), 12)
    );
    const picks = await nginxPicks(scenarios);
    scenarios.forEach((one, i) => {
      deepStrictEqual(ourPicks(one), picks[i], JSON.stringify(one));
    });
  },
);

testNeeding(
  ["nginx"],
  "least_conn takes the servers that nginx takes, with requests in flight",
  async () => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const random = seeded(seed);
    for (const weights of [[1, 1, 1], [5, 1, 2, 3]]) {
      await inFlight(weights, random, `seed ${seed}`);
    }
  },
);

/** Begins and ends requests at random, through nginx and by our own counts. */
async function inFlight(
  weights: readonly number[],
  random: () => number,
  message: string,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "sameorigin_balance_" });
  const listeners = weights.map((_, i) =>
    Deno.listen({ transport: "unix", path: `${dir}/${i}` })
  );
  const arrived: ((of: { at: number; conn: Deno.Conn }) => void)[] = [];
  const accepting = listeners.map(async (listener, at) => {
    for await (const conn of listener) arrived.shift()?.({ at, conn });
  });
  const servers = weights.map((weight, i) =>
    `server unix:${dir}/${i} weight=${weight};`
  );
  const running: { from: RawConnection; to: RawConnection; peer: Peer }[] = [];
  try {
    await using _nginx = await startNginx(`
      upstream servers { least_conn; ${servers.join(" ")} }
      server {
        listen unix:${dir}/proxy;
        location / { proxy_pass http://servers; }
      }`);
    const peers = weights.map((weight, i) => peer(String(i), weight));
    const balancer = createBalancer({ kind: "least_conn" }, peers);
    const end = async (i: number) => {
      for (const { from, to, peer } of running.splice(i, 1)) {
        await to.readHead();
        await to.conn.write(new TextEncoder().encode("HTTP/1.0 204 x\r\n\r\n"));
        to.conn.close();
        // nginx has forgotten the request before it closes this one.
        while (await from.read());
        from.conn.close();
        peer.active--;
      }
    };
    for (let step = 0; step < 300; step++) {
      if (running.length > 0 && random() < running.length / 24) {
        await end(Math.floor(random() * running.length));
        continue;
      }
      const { promise, resolve } = Promise.withResolvers<
        { at: number; conn: Deno.Conn }
      >();
      arrived.push(resolve);
      const from = await Deno.connect({
        transport: "unix",
        path: `${dir}/proxy`,
      });
      await from.write(new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"));
      const { at, conn } = await promise;
      const ours = balancer.pick(ANYBODY, always);
      strictEqual(ours?.name, String(at), `${message}, step ${step}`);
      ours.active++;
      running.push({
        from: new RawConnection(from),
        to: new RawConnection(conn),
        peer: ours,
      });
    }
    while (running.length > 0) await end(0);
  } finally {
    for (const { from, to } of running) {
      from.conn.close();
      to.conn.close();
    }
    for (const listener of listeners) listener.close();
    await Promise.all(accepting);
    await Deno.remove(dir, { recursive: true });
  }
}
