/**
 * Groups made from a config, and a clock that is turned by hand.
 *
 * @module
 */
import { ok } from "node:assert/strict";
import type { UpstreamPlan } from "../../lib/config/plan.ts";
import { planFromObject } from "../../lib/config/load.ts";
import { Deadlines } from "../../lib/exchange/deadline.ts";
import { createTransport } from "../../lib/transport/create.ts";
import type { Client } from "../../lib/upstream/balance/method.ts";
import {
  UpstreamGroup,
  type UpstreamServer,
} from "../../lib/upstream/group.ts";
import type { Lookup } from "../../lib/upstream/names.ts";
import { ANYBODY } from "./balance_support.ts";

/** The plan of an upstream, written as in the config. */
export function upstreamPlan(upstream: unknown): UpstreamPlan {
  const config = {
    upstreams: { group: upstream },
    locations: { "/": "http://group" },
  };
  const plan = planFromObject(config, { source: "test", env: () => undefined });
  const [only] = plan.upstreams;
  ok(only !== undefined);
  return only;
}

/** A group, closed when disposed of. */
export interface TestGroup extends Disposable {
  readonly group: UpstreamGroup;
  /** Milliseconds; turn it on as you like. */
  now: number;
  /** Takes a server and gives its name, or why there is none. */
  pick(client?: Partial<Client>, tried?: readonly UpstreamServer[]): string;
  /** Takes a server, which is released, and gives the names of so many picks. */
  picks(count: number): string;
  /** The server of this name. */
  server(name: string): UpstreamServer;
}

/** Servers are called by the last part of their address: `1` is `127.0.0.1:8000`. */
export function testGroup(upstream: unknown, lookup?: Lookup): TestGroup {
  const plan = upstreamPlan(upstream);
  const deadlines = new Deadlines();
  const group = new UpstreamGroup(
    plan,
    (address) => createTransport(plan, address, deadlines),
    lookup,
  );
  const find = (name: string) => {
    const found = group.servers.find((server) => shortName(server) === name);
    ok(found !== undefined, `no server ${name}`);
    return found;
  };
  return {
    group,
    now: 1_000_000,
    pick(client = {}, tried) {
      const known = { ...ANYBODY, ...client };
      const set = tried === undefined ? null : new Set(tried);
      const server = group.pick(known, set, this.now);
      return typeof server === "string" ? server : shortName(server);
    },
    picks(count) {
      return Array.from({ length: count }, () => {
        const name = this.pick();
        if (name !== "none" && name !== "busy") find(name).release();
        return name;
      }).join("");
    },
    server: find,
    [Symbol.dispose]: () => group.release(),
  };
}

/** `a`, `b`… at 127.0.0.1, 127.0.0.2… with these parameters. */
export function servers(
  ...parameters: readonly Record<string, unknown>[]
): Record<string, unknown>[] {
  return parameters.map((given, i) => ({
    address: `127.0.0.${i + 1}:8000`,
    ...given,
  }));
}

function shortName({ name }: UpstreamServer): string {
  return name.replace(/:\d+$/, "").replace(/^127\.0\.0\./, "");
}
