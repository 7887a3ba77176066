/**
 * `upstreams`: groups of servers and their parameters.
 *
 * @module
 */
import * as v from "valibot";
import {
  parseUpstreamAddress,
  UPSTREAM_PATTERN,
  type UpstreamAddress,
} from "../address.ts";
import {
  block,
  byType,
  list,
  oneOf,
  parsedBy,
  shortFor,
  text,
} from "../schema_parts.ts";
import { expected, ValueError } from "../words.ts";
import { Balance, type BalancePlan } from "./balance.ts";
import { allowedIn, entriesIn, required } from "./directive.ts";
import { HealthCheck, type HealthCheckPlan } from "./health_check.ts";
import {
  Count,
  PositiveCount,
  Time,
  TimeLimit,
  TimeOrOff,
  Toggle,
} from "./values.ts";

/** A server of an upstream with its parameters (nginx's `server` in `upstream`). */
export interface UpstreamServerPlan {
  address: UpstreamAddress;
  /** At least 1. */
  weight: number;
  /** Failures within `failTimeout` after which it is left out; 0 is never. */
  maxFails: number;
  /** Milliseconds. */
  failTimeout: number;
  /** Most exchanges at a time; 0 is no limit. */
  maxConns: number;
  /** Milliseconds from its return to its full share; 0 at once. */
  slowStart: number;
  backup: boolean;
  down: boolean;
}

/** A group of servers. */
export interface UpstreamConfig {
  /** At least one. */
  servers: UpstreamServerPlan[];
  /** What sends the requests to `http://` servers; `https://` goes by `fetch`. */
  client: "http1" | "fetch";
  /** Idle keep-alive connections kept for each server (nginx's `keepalive`). */
  keepalive: number;
  /** Milliseconds that one may be idle. */
  keepaliveTimeout: number;
  /** Requests that one carries at the most. */
  keepaliveRequests: number;
  /** Milliseconds after which one is closed when its request is done. */
  keepaliveTime: number;
  balance: BalancePlan;
  /** The cookie that keeps a client at its server; null for none. */
  sticky: string | null;
  /** Milliseconds after which names are looked up again; 0 leaves them to each connection. */
  resolve: number;
  healthCheck: HealthCheckPlan | null;
}

const Address = v.pipe(
  text(`"host:port"`),
  v.metadata({ pattern: UPSTREAM_PATTERN }),
  parsedBy(parseUpstreamAddress),
);

/** The parameters of a server. The defaults are nginx's. */
const parameters = {
  weight: allowedIn(
    ["upstream_server"],
    PositiveCount,
    1,
    "Its share of the requests, beside the weights of the others.",
  ),
  max_fails: allowedIn(
    ["upstream_server"],
    Count,
    1,
    "After so many failures within fail_timeout it is left out for fail_timeout. 0 never leaves it out.",
  ),
  fail_timeout: allowedIn(
    ["upstream_server"],
    TimeLimit,
    "10s",
    "The time in which failures are counted, and for which the server is left out then.",
  ),
  max_conns: allowedIn(
    ["upstream_server"],
    Count,
    0,
    "Most requests and WebSockets at a time, counted in each worker. 0 is no limit.",
  ),
  slow_start: allowedIn(
    ["upstream_server"],
    Time,
    0,
    "Over this time a server that has come back gets its full share again; with round_robin and least_conn.",
  ),
  backup: allowedIn(
    ["upstream_server"],
    Toggle,
    false,
    "Takes requests only while no other server can.",
  ),
  down: allowedIn(["upstream_server"], Toggle, false, "Takes no requests."),
};

const Parameters = v.object(entriesIn("upstream_server", parameters));

function serverOf(
  address: UpstreamAddress,
  given: v.InferOutput<typeof Parameters>,
): UpstreamServerPlan {
  return {
    address,
    weight: given.weight,
    maxFails: given.max_fails,
    failTimeout: given.fail_timeout,
    maxConns: given.max_conns,
    slowStart: given.slow_start,
    backup: given.backup,
    down: given.down,
  };
}

const server = {
  address: required(["upstream_server"], Address, "host:port or unix:/path."),
};

const ServerBlock = v.pipe(
  block(`"host:port", or a map with address`, {
    ...entriesIn("upstream_server", server),
    ...Parameters.entries,
  }),
  v.transform(({ address, ...given }) => serverOf(address, given)),
);

const Server = byType(`"host:port"`, [
  shortFor(["address"], Address, ServerBlock),
  ServerBlock,
]);

const COOKIE_WORDS = "a cookie's name";

/** RFC 6265 section 4.1.1: a cookie's name is a token. */
const COOKIE_PATTERN = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$";

const CookieName = v.pipe(
  text(COOKIE_WORDS, (input) => expected(COOKIE_WORDS, input)),
  v.metadata({ pattern: COOKIE_PATTERN }),
  parsedBy((name) => {
    if (new RegExp(COOKIE_PATTERN).test(name)) return name;
    throw new ValueError(expected(COOKIE_WORDS, name));
  }),
);

const CLIENTS = ["http1", "fetch"] as const;

const UPSTREAM_WORDS = `"host:port", a list of them, or a map with servers`;

const options = {
  client: allowedIn(
    ["upstream"],
    oneOf(`"http1" or "fetch"`, CLIENTS),
    "http1",
    "What sends requests to http:// servers: http1, connections of the proxy's " +
      "own, or fetch, the platform's client. https:// always goes by fetch.",
  ),
  keepalive: allowedIn(
    ["upstream"],
    Count,
    128,
    "Idle connections kept open to each server.",
  ),
  // nginx keeps them for 60 s. Common servers close theirs after 5 s (Node,
  // Uvicorn): a request that crosses that is lost if it may not be repeated.
  keepalive_timeout: allowedIn(
    ["upstream"],
    TimeLimit,
    "4s",
    "How long an idle connection is kept open; less than the server keeps it.",
  ),
  keepalive_requests: allowedIn(
    ["upstream"],
    PositiveCount,
    1_000,
    "After so many requests a connection is closed.",
  ),
  keepalive_time: allowedIn(
    ["upstream"],
    TimeLimit,
    "1h",
    "After this time a connection is closed when its request is done.",
  ),
  balance: allowedIn(
    ["upstream"],
    Balance,
    "round_robin",
    "Which server takes a request: round_robin (each in turn, by weight), " +
      "least_conn, ip_hash, hash KEY (consistent: few keys move when a server " +
      "comes or goes), random, random two.",
  ),
  sticky: allowedIn(
    ["upstream"],
    CookieName,
    undefined,
    "A cookie's name: its value keeps a browser at the server that it had first.",
  ),
  resolve: allowedIn(
    ["upstream"],
    TimeOrOff,
    "10s",
    "How often the names of servers are looked up again; each address is " +
      "a server then. off leaves it to each new connection.",
  ),
  health_check: allowedIn(
    ["upstream"],
    HealthCheck,
    undefined,
    "Asks every server for this path now and then; one that does not answer " +
      "with such a status is left out until it does.",
  ),
};

const Options = v.object(entriesIn("upstream", options));

function groupOf(
  servers: UpstreamServerPlan[],
  given: v.InferOutput<typeof Options>,
): UpstreamConfig {
  return {
    servers,
    client: given.client,
    keepalive: given.keepalive,
    keepaliveTimeout: given.keepalive_timeout,
    keepaliveRequests: given.keepalive_requests,
    keepaliveTime: given.keepalive_time,
    balance: given.balance,
    sticky: given.sticky ?? null,
    resolve: given.resolve,
    healthCheck: given.health_check ?? null,
  };
}

/** A group of one server with the defaults. */
export function plainUpstream(address: UpstreamAddress): UpstreamConfig {
  const server = serverOf(address, v.parse(Parameters, {}));
  return groupOf([server], v.parse(Options, {}));
}

const servers = {
  servers: required(
    ["upstream"],
    list(`a list of "host:port"`, Server),
    "The servers: host:port or unix:/path, or a map with address, weight, " +
      "max_fails, fail_timeout, max_conns, slow_start, backup, down.",
  ),
};

const UpstreamBlock = v.pipe(
  block(UPSTREAM_WORDS, {
    ...entriesIn("upstream", servers),
    ...Options.entries,
  }),
  v.transform(({ servers, ...given }) => groupOf(servers, given)),
);

export const Upstream = byType(UPSTREAM_WORDS, [
  shortFor(["servers", 0], Address, UpstreamBlock),
  shortFor(["servers"], list(UPSTREAM_WORDS, Server), UpstreamBlock),
  UpstreamBlock,
]);

/** What may stand in an upstream and in its servers. */
export const upstream = { ...servers, ...options, ...server, ...parameters };
