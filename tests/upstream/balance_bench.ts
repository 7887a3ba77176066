/**
 * What a pick costs: `deno bench tests/upstream/balance_bench.ts`.
 *
 * @module
 */
import {
  type Balance,
  createBalancer,
} from "../../lib/upstream/balance/balancer.ts";
import { always, client, peersOf } from "./balance_support.ts";

const METHODS: [string, Balance][] = [
  ["round_robin", { kind: "round_robin" }],
  ["least_conn", { kind: "least_conn" }],
  ["ip_hash", { kind: "ip_hash" }],
  ["hash", { kind: "hash", consistent: false }],
  ["hash consistent", { kind: "hash", consistent: true }],
  ["random two", { kind: "random", two: true }],
];

const asking = client({ remoteAddr: "192.168.12.34", key: "/item/123456" });

for (const [name, balance] of METHODS) {
  for (const count of [1, 3, 100]) {
    const peers = peersOf(Array.from({ length: count }, () => 1));
    const balancer = createBalancer(balance, peers);
    Deno.bench(`${name}, ${count}`, () => {
      balancer.pick(asking, always);
    });
  }
}

Deno.bench("the ring of 100 servers", () => {
  createBalancer(
    { kind: "hash", consistent: true },
    peersOf(Array.from({ length: 100 }, () => 1)),
  );
});
