import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import type { Balancer, Peer } from "../../lib/upstream/balance/method.ts";
import { createBalancer } from "../../lib/upstream/balance/balancer.ts";
import { always, client, peer } from "./balance_support.ts";

const CONSISTENT = { kind: "hash", consistent: true } as const;

/** A point of the ring, and whose it is. */
type Point = [hash: number, owner: Peer];

/** ketama told simply, with zlib's CRC-32. */
function ring(peers: readonly Peer[]): Point[] {
  const points: Point[] = [];
  for (const owner of peers) {
    const colon = owner.name.lastIndexOf(":");
    const base = owner.name.startsWith("unix:")
      ? `${owner.name.slice(5)}\0`
      : `${owner.name.slice(0, colon)}\0${owner.name.slice(colon + 1)}`;
    const previous = new DataView(new ArrayBuffer(4));
    for (let i = 0; i < owner.weight * 160; i++) {
      const hash = crc32(new Uint8Array(previous.buffer), crc32(base));
      points.push([hash, owner]);
      previous.setUint32(0, hash, true);
    }
  }
  return points.sort(([a], [b]) => a - b);
}

function ownerOf(points: readonly Point[], key: string): Peer | undefined {
  const hash = crc32(Uint8Array.from(key, (char) => char.charCodeAt(0)));
  const point = points.find(([at]) => at >= hash) ?? points[0];
  return point?.[1];
}

function hosts(count: number, weight = 1): Peer[] {
  return Array.from(
    { length: count },
    (_, i) => peer(`backend-${i}:8000`, weight),
  );
}

/** For each of 100,000 keys the name of its server. */
function owners(
  balancer: Balancer,
  usable: (peer: Peer) => boolean = always,
): (string | undefined)[] {
  return Array.from(
    { length: 100_000 },
    (_, i) => balancer.pick(client({ key: `user:${i}` }), usable)?.name,
  );
}

const name = fc.oneof(
  fc.tuple(fc.domain(), fc.integer({ min: 1, max: 65535 })).map(
    ([host, port]) => `${host}:${port}`,
  ),
  fc.tuple(fc.ipV6(), fc.integer({ min: 1, max: 65535 })).map(
    ([host, port]) => `[${host}]:${port}`,
  ),
  fc.stringMatching(/^[a-z/.:ä]{1,20}$/).map((path) => `unix:/${path}`),
);

const peers = fc.uniqueArray(
  fc.record({ name, weight: fc.integer({ min: 1, max: 4 }) }),
  { selector: (server) => server.name, minLength: 2, maxLength: 6 },
).map((servers) => servers.map(({ name, weight }) => peer(name, weight)));

const key = fc.string({ minLength: 1, unit: "binary-ascii" });

Deno.test("a key's server is the one whose point comes next on the ring", () => {
  fc.assert(
    fc.property(peers, fc.array(key, { maxLength: 20 }), (peers, keys) => {
      const points = ring(peers);
      const balancer = createBalancer(CONSISTENT, peers);
      for (const key of keys) {
        strictEqual(
          balancer.pick(client({ key }), always),
          ownerOf(points, key),
        );
      }
    }),
    { numRuns: 200 },
  );
});

Deno.test("a key that falls on a server's point is that server's", () => {
  const all = hosts(20);
  const balancer = createBalancer(CONSISTENT, all);
  for (const peer of all) {
    // Hashed like the first point of the server.
    const key = `${peer.name.replace(":", "\0")}\0\0\0\0`;
    strictEqual(balancer.pick(client({ key }), always), peer);
  }
});

Deno.test("proxies that list the servers in another order agree", () => {
  const listed = hosts(7);
  const other = [3, 6, 0, 5, 1, 4, 2].map((i) => peer(listed[i]?.name ?? ""));
  deepStrictEqual(
    owners(createBalancer(CONSISTENT, listed)),
    owners(createBalancer(CONSISTENT, other)),
  );
});

Deno.test("when a server leaves, only its keys move: 1/N + 5 % at most", () => {
  for (const count of [2, 3, 10]) {
    const all = hosts(count);
    const before = owners(createBalancer(CONSISTENT, all));
    for (const leaving of all) {
      const after = owners(
        createBalancer(CONSISTENT, all.filter((peer) => peer !== leaving)),
      );
      let moved = 0;
      before.forEach((owner, i) => {
        if (owner === leaving.name) moved++;
        else strictEqual(after[i], owner);
      });
      const share = moved / before.length;
      ok(
        share <= 1 / count + 0.05,
        `${leaving.name} of ${count} had ${share} of the keys`,
      );
    }
  }
});

Deno.test("a server that can't be used leaves its keys to those that inherit them", () => {
  const all = hosts(5);
  const [dead] = all;
  const without = createBalancer(CONSISTENT, all.slice(1));
  deepStrictEqual(
    owners(createBalancer(CONSISTENT, all), (peer) => peer !== dead),
    owners(without),
  );
});

Deno.test("100,000 keys fall within 2 % of the servers' shares of the ring", () => {
  for (const weights of [[1, 1, 1], [5, 1, 1], [4, 3, 2, 1]]) {
    const all = weights.map((weight, i) => peer(`backend-${i}:8000`, weight));
    const points = ring(all);
    const shares = new Map(all.map((peer) => [peer.name, 0]));
    let from = (points.at(-1)?.[0] ?? 0) - 2 ** 32;
    for (const [hash, { name }] of points) {
      shares.set(name, (shares.get(name) ?? 0) + (hash - from) / 2 ** 32);
      from = hash;
    }
    const counts = Map.groupBy(
      owners(createBalancer(CONSISTENT, all)),
      (name) => name ?? "",
    );
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    all.forEach(({ name, weight }) => {
      const share = shares.get(name) ?? 0;
      const keys = (counts.get(name) ?? []).length / 100_000;
      ok(Math.abs(keys - share) <= 0.02 * share, `${name}: ${keys}, ${share}`);
      // What 160 points for each unit of weight are good for.
      const ideal = weight / total;
      ok(
        Math.abs(share - ideal) <= 0.25 * ideal,
        `${name}: ${share}, ${ideal}`,
      );
    });
  }
});

Deno.test("the addresses of one host are one server, and take its keys in turn", () => {
  const addresses = [peer("backend:8000"), peer("backend:8000", 3)];
  const other = peer("other:8000");
  const balancer = createBalancer(CONSISTENT, [...addresses, other]);
  const alone = createBalancer(CONSISTENT, [peer("backend:8000", 3), other]);
  const counts = new Map<Peer | null, number>();
  for (let i = 0; i < 4000; i++) {
    const asking = client({ key: `user:${i}` });
    const taken = balancer.pick(asking, always);
    counts.set(taken, (counts.get(taken) ?? 0) + 1);
    strictEqual(taken?.name, alone.pick(asking, always)?.name);
  }
  const [one, three] = addresses.map((peer) => counts.get(peer) ?? 0);
  strictEqual(Math.round((three ?? 0) / (one ?? 0) * 100), 300);
});
