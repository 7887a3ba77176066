/**
 * The values of `upstreams`: servers with their parameters, and balancing
 * methods.
 *
 * @module
 */
import * as v from "valibot";
import {
  Count,
  PositiveCount,
  Time,
  TimeLimit,
  TimeOrOff,
  Toggle,
  UpstreamServer,
} from "./directive_values.ts";
import { HealthCheck } from "./health_check_values.ts";
import type {
  BalancePlan,
  HealthCheckPlan,
  UpstreamServerPlan,
} from "./plan.ts";
import {
  block,
  checkedBy,
  documented,
  list,
  parsedBy,
  wants,
} from "./schema_parts.ts";
import { compileTemplate } from "./template.ts";
import { expected, ValueError } from "./words.ts";

/** Kept-alive connections for each server where `keepalive` is not set. */
export const DEFAULT_KEEPALIVE = 128;

/** Milliseconds after which a name is looked up again where `resolve` is not set. */
export const DEFAULT_RESOLVE = 10_000;

/** A server without parameters. The values are nginx's. */
export const SERVER_DEFAULTS = {
  weight: 1,
  maxFails: 1,
  failTimeout: 10_000,
  maxConns: 0,
  slowStart: 0,
  backup: false,
  down: false,
} as const satisfies Omit<UpstreamServerPlan, "address">;

const ServerBlock = v.pipe(
  block(`"host:port", or a map with address`, {
    address: UpstreamServer,
    weight: v.optional(
      documented(
        PositiveCount,
        "weight",
        "Its share of the requests, beside the weights of the others.",
      ),
    ),
    max_fails: v.optional(
      documented(
        Count,
        "max_fails",
        "After so many failures within fail_timeout it is left out for fail_timeout. 0 never leaves it out.",
      ),
    ),
    fail_timeout: v.optional(
      documented(
        TimeLimit,
        "fail_timeout",
        "The time in which failures are counted, and for which the server is left out then.",
      ),
    ),
    max_conns: v.optional(
      documented(
        Count,
        "max_conns",
        "Most requests and WebSockets at a time, counted in each worker. 0 is no limit.",
      ),
    ),
    slow_start: v.optional(
      documented(
        Time,
        "slow_start",
        "Over this time a server that has come back gets its full share again; with round_robin and least_conn.",
      ),
    ),
    backup: v.optional(
      documented(
        Toggle,
        "backup",
        "Takes requests only while no other server can.",
      ),
    ),
    down: v.optional(documented(Toggle, "down", "Takes no requests.")),
  }),
  v.transform((server): UpstreamServerPlan => ({
    address: server.address,
    weight: server.weight ?? SERVER_DEFAULTS.weight,
    maxFails: server.max_fails ?? SERVER_DEFAULTS.maxFails,
    failTimeout: server.fail_timeout ?? SERVER_DEFAULTS.failTimeout,
    maxConns: server.max_conns ?? SERVER_DEFAULTS.maxConns,
    slowStart: server.slow_start ?? SERVER_DEFAULTS.slowStart,
    backup: server.backup ?? SERVER_DEFAULTS.backup,
    down: server.down ?? SERVER_DEFAULTS.down,
  })),
);

const Server = v.union([
  v.pipe(
    UpstreamServer,
    v.transform((address): UpstreamServerPlan => ({
      address,
      ...SERVER_DEFAULTS,
    })),
  ),
  ServerBlock,
], wants(`"host:port"`));

const BALANCE_WORDS =
  `"round_robin", "least_conn", "ip_hash", "hash KEY", "hash KEY consistent", "random" or "random two"`;

function parseBalance(text: string): BalancePlan {
  const words = text.trim().split(/\s+/);
  const [method = "", key, option] = words;
  switch (method) {
    case "round_robin":
    case "least_conn":
    case "ip_hash":
      if (words.length === 1) return { kind: method };
      break;
    case "random":
      if (words.length === 1) return { kind: "random", two: false };
      if (
        key === "two" && (option === undefined || option === "least_conn") &&
        words.length <= 3
      ) {
        return { kind: "random", two: true };
      }
      break;
    case "hash":
      if (key === undefined) {
        throw new ValueError(
          `"hash" needs a key, such as "hash $remote_addr consistent"`,
        );
      }
      if (
        words.length <= 3 && (option === undefined || option === "consistent")
      ) {
        return {
          kind: "hash",
          consistent: option === "consistent",
          keyText: key,
          key: compileTemplate(key),
        };
      }
      break;
  }
  throw new ValueError(expected(BALANCE_WORDS, text));
}

const Balance = documented(
  v.union([v.pipe(
    v.string(),
    v.metadata({
      pattern:
        "^(round_robin|least_conn|ip_hash|random( two( least_conn)?)?|hash \\S+( consistent)?)$",
    }),
    parsedBy(parseBalance),
  )], wants(BALANCE_WORDS)),
  "balance",
  "Which server takes a request: round_robin (each in turn, by weight), " +
    "least_conn, ip_hash, hash KEY (consistent: few keys move when a server " +
    "comes or goes), random, random two.",
);

const Sticky = documented(
  v.pipe(
    v.string(wants("a cookie's name")),
    v.metadata({ pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$" }),
    checkedBy((name) => {
      // RFC 6265 section 4.1.1: a cookie's name is a token.
      if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) {
        throw new ValueError(expected("a cookie's name", name));
      }
    }),
  ),
  "sticky",
  "A cookie's name: its value keeps a browser at the server that it had first.",
);

const UPSTREAM_WORDS = `"host:port", a list of them, or a map with servers`;

/** What a group is beside its servers. */
interface GroupOptions {
  servers: UpstreamServerPlan[];
  keepalive: number;
  balance: BalancePlan;
  sticky: string | null;
  resolve: number;
  healthCheck: HealthCheckPlan | null;
}

/** A group of these servers with nothing else said. */
export function plainGroup(servers: UpstreamServerPlan[]): GroupOptions {
  return {
    servers,
    keepalive: DEFAULT_KEEPALIVE,
    balance: { kind: "round_robin" },
    sticky: null,
    resolve: DEFAULT_RESOLVE,
    healthCheck: null,
  };
}

export const Upstream = documented(
  v.union([
    v.pipe(
      UpstreamServer,
      v.transform((address) => plainGroup([{ address, ...SERVER_DEFAULTS }])),
    ),
    v.pipe(list(UPSTREAM_WORDS, Server), v.transform(plainGroup)),
    v.pipe(
      block(UPSTREAM_WORDS, {
        servers: documented(
          list(`a list of "host:port"`, Server),
          "servers",
          "The servers: host:port or unix:/path, or a map with address, weight, " +
            "max_fails, fail_timeout, max_conns, slow_start, backup, down.",
        ),
        keepalive: v.optional(
          documented(
            Count,
            "keepalive",
            "Idle connections kept open to each server.",
          ),
        ),
        balance: v.optional(Balance),
        sticky: v.optional(Sticky),
        resolve: v.optional(documented(
          TimeOrOff,
          "resolve",
          "How often the names of servers are looked up again; each address is " +
            "a server then. off leaves it to each new connection.",
        )),
        health_check: v.optional(HealthCheck),
      }),
      v.transform(({ servers, ...given }): GroupOptions => {
        const plain = plainGroup(servers);
        return {
          servers,
          keepalive: given.keepalive ?? plain.keepalive,
          balance: given.balance ?? plain.balance,
          sticky: given.sticky ?? plain.sticky,
          resolve: given.resolve ?? plain.resolve,
          healthCheck: given.health_check ?? plain.healthCheck,
        };
      }),
    ),
  ], wants(UPSTREAM_WORDS)),
  "upstream",
  "A group of servers: host:port or unix:/path, a list of them, or a map with " +
    "servers and how they are balanced and checked.",
);

/** An upstream of the config. */
export type UpstreamConfig = v.InferOutput<typeof Upstream>;
