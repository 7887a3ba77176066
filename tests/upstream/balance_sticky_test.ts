import {
  deepStrictEqual,
  match,
  notStrictEqual,
  ok,
  strictEqual,
} from "node:assert/strict";
import fc from "fast-check";
import type { Peer } from "../../lib/upstream/balance/method.ts";
import { createBalancer } from "../../lib/upstream/balance/balancer.ts";
import { Sticky } from "../../lib/upstream/balance/sticky.ts";
import { always, ANYBODY, client, peer, peersOf } from "./balance_support.ts";

function sticky(peers: readonly Peer[]): Sticky<Peer> {
  return new Sticky(createBalancer({ kind: "round_robin" }, peers), peers);
}

/** Picks for a client without a cookie; the server and its cookie. */
function introduce(balancer: Sticky<Peer>): { taken: Peer; cookie: string } {
  const taken = balancer.pick(ANYBODY, always);
  ok(taken !== null);
  const cookie = balancer.cookieToSet(ANYBODY, taken);
  ok(cookie !== null);
  return { taken, cookie };
}

Deno.test("a client with the cookie has its server, whoever else comes", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 9 }),
      fc.array(fc.nat(5), { maxLength: 20 }),
      (weights, others) => {
        const balancer = sticky(peersOf(weights));
        const { taken, cookie } = introduce(balancer);
        for (const strangers of others) {
          for (let i = 0; i < strangers; i++) balancer.pick(ANYBODY, always);
          const returning = client({ cookie });
          strictEqual(balancer.pick(returning, always), taken);
          strictEqual(balancer.cookieToSet(returning, taken), null);
        }
      },
    ),
  );
});

Deno.test("a client whose server can't be used gets another, and its cookie", () => {
  const balancer = sticky(peersOf([1, 1, 1]));
  const { taken, cookie } = introduce(balancer);
  const returning = client({ cookie });
  const instead = balancer.pick(returning, (peer) => peer !== taken);
  ok(instead !== null);
  notStrictEqual(instead, taken);
  const changed = balancer.cookieToSet(returning, instead);
  ok(changed !== null);
  strictEqual(balancer.pick(client({ cookie: changed }), always), instead);
});

Deno.test("a cookie that names no server is replaced", () => {
  const balancer = sticky(peersOf([1, 1]));
  for (const cookie of ["", "127.0.0.1:8000", "__proto__", "0".repeat(16)]) {
    const stranger = client({ cookie });
    const taken = balancer.pick(stranger, always);
    ok(taken !== null);
    match(balancer.cookieToSet(stranger, taken) ?? "", /^[0-9a-f]{16}$/);
  }
});

Deno.test("the cookie of a server is the same in every process, and opaque", () => {
  const pinned = {
    "10.0.0.2:8000": "d24bbf308e0c03e2",
    "10.0.0.49:8000": "0cf26eef48228645",
    "unix:/run/ä.sock": "b01289983f1ce7f9",
  };
  const peers = Object.keys(pinned).map((name) => peer(name));
  const balancer = sticky(peers);
  // A changed value would move every client that has the old one.
  deepStrictEqual(
    peers.map((peer) => balancer.cookieToSet(ANYBODY, peer)),
    Object.values(pinned),
  );
});

Deno.test("the addresses of one host are told apart by what identifies them", () => {
  const peers = [peer("backend:8000"), peer("backend:8000")];
  const addresses = new Map(peers.map((peer, i) => [peer, `10.0.0.${i}`]));
  const balancer = new Sticky(
    createBalancer({ kind: "round_robin" }, peers),
    peers,
    (peer) => addresses.get(peer) ?? "",
  );
  for (const peer of peers) {
    const cookie = balancer.cookieToSet(ANYBODY, peer);
    strictEqual(balancer.pick(client({ cookie }), always), peer);
  }
});

Deno.test("a server that is not the balancer's has no cookie", () => {
  strictEqual(sticky(peersOf([1])).cookieToSet(ANYBODY, peer("gone:1")), null);
});
