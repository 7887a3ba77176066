/**
 * The config's schema: types, checks, defaults and the JSON Schema for editors
 * all come from here. It sees the document after the environment's values have
 * been put in; what concerns several places at once is in checks.ts.
 *
 * Documentation stands before any transformation, since JSON Schema describes
 * what goes in.
 *
 * @module
 */
import * as v from "valibot";
import {
  Listens,
  ProxyPassText,
  ServerNames,
  Time,
  Toggle,
  TrustedProxies,
  Workers,
} from "./directive_values.ts";
import { Limit } from "./limit_values.ts";
import { Upstream, type UpstreamConfig } from "./upstream_values.ts";
import { defaults, inheritable, inheritableSchemas } from "./inheritable.ts";
import { parseAuthority } from "./address.ts";
import { LOCATION_KEY_PATTERN, parseLocationKey } from "./location_key.ts";
import {
  block,
  checkedBy,
  documented,
  list,
  mapOf,
  wants,
} from "./schema_parts.ts";
import { expected, quote, ValueError } from "./words.ts";

const LimitConn = documented(
  Limit,
  "limit_conn",
  "Most requests in flight, of the whole proxy or of a location, in all or of " +
    "each client address: past the first 503, past the second 429. Counted in " +
    "each worker.",
);

const WebsocketLimitConn = documented(
  Limit,
  "websocket_limit_conn",
  "Most open WebSockets, of the whole proxy or of a location, in all or of " +
    "each client address: past the first 503, past the second 429. Counted in " +
    "each worker.",
);

const LocationBlock = block(`an address such as http://backend, or a map`, {
  proxy_pass: ProxyPassText,
  limit_conn: v.optional(LimitConn),
  websocket_limit_conn: v.optional(WebsocketLimitConn),
  ...inheritable,
});

/** A location's directives; those it does not have are inherited. */
export type LocationConfig = v.InferOutput<typeof LocationBlock>;

const Location = documented(
  v.union([
    v.pipe(
      ProxyPassText,
      v.transform((proxy_pass): LocationConfig => ({ proxy_pass })),
    ),
    LocationBlock,
  ], wants("an address such as http://backend, or a map with proxy_pass")),
  "location",
  "Where the requests for these paths go: an address, or a map with proxy_pass " +
    "and more.",
);

const Locations = v.pipe(
  mapOf(
    "a map from paths to addresses",
    v.pipe(
      v.string(),
      v.metadata({ pattern: LOCATION_KEY_PATTERN }),
      checkedBy(parseLocationKey),
    ),
    Location,
  ),
  v.title("locations"),
  v.description(
    "Which paths go where. A key is a prefix (`/api` takes `/apiary` too), " +
      "`= /exact`, `^~ /prefix` (before regular expressions), `~ regex`, or " +
      "`~* regex` (without regard to case). The longest prefix wins, whatever " +
      "the order, unless a regular expression matches.",
  ),
  v.transform((locations) =>
    Object.entries(locations).map(([written, location]) => ({
      written,
      key: parseLocationKey(written),
      location,
    }))
  ),
);

const Listen = documented(
  Listens,
  "listen",
  'Where to listen: 9000, "127.0.0.1:9000", "[::]:9000", "unix:/run/x.sock", ' +
    "or a list. A port alone is one of all IPv4 addresses.",
);

const ServerName = documented(
  ServerNames,
  "server_name",
  "The hosts this server answers for: example.com, *.example.com, example.*, " +
    ".example.com (it and all below), or a list. The first server of a listen " +
    "also takes what no other has.",
);

const serverEntries = {
  server_name: v.optional(ServerName, ""),
  listen: v.optional(Listen, 9000),
  ...inheritable,
};

const VirtualServer = documented(
  block("a map with listen, server_name and locations", {
    ...serverEntries,
    locations: Locations,
  }),
  "server",
  "A virtual host.",
);

/** A server's directives; those of its locations that it does not have are the top's. */
export type ServerConfig = v.InferOutput<typeof VirtualServer>;

function checkUpstreamName(name: string): void {
  if (!/^[\w.-]+$/.test(name)) {
    throw new ValueError(
      `${quote(name)} is no name: letters, digits, "_", "-" and "." only`,
    );
  }
  // It must be possible in place of a host.
  parseAuthority(name);
}

const logFormats = ["combined", "json"] as const;

export const Document = v.pipe(
  block("a map of directives", {
    ...serverEntries,
    ...defaults,
    locations: v.optional(Locations, {}),
    servers: v.optional(documented(
      list("a list of servers", VirtualServer),
      "servers",
      "Several virtual hosts, each with its listen, server_name and locations, " +
        "in place of these at the top.",
    )),
    upstreams: v.optional(
      documented(
        mapOf(
          `a map such as "backend: localhost:8000"`,
          v.pipe(v.string(), checkedBy(checkUpstreamName)),
          Upstream,
        ),
        "upstreams",
        "Names for the servers behind, to be used in proxy_pass.",
      ),
      {},
    ),
    trusted_proxies: v.optional(documented(
      TrustedProxies,
      "trusted_proxies",
      'Networks such as 10.0.0.0/8, addresses, or "unix": only from these are ' +
        "X-Forwarded-For, -Proto, -Host and Forwarded believed.",
    )),
    limit_conn: v.optional(LimitConn),
    websocket_limit_conn: v.optional(WebsocketLimitConn),
    workers: v.optional(
      documented(
        Workers,
        "workers",
        "How many threads accept connections: a number, or auto for one for each " +
          "processor. More than one needs Linux. Limits and health are counted " +
          "in each by itself.",
      ),
      1,
    ),
    log_format: v.optional(
      documented(
        v.picklist(
          logFormats,
          (issue) => expected(`"combined" or "json"`, issue.input),
        ),
        "log_format",
        "How a line of the access log is written: combined, as nginx's, or json.",
      ),
      "combined",
    ),
    shutdown_timeout: v.optional(
      documented(
        Time,
        "shutdown_timeout",
        "How long requests in flight may take after SIGTERM.",
      ),
      "30s",
    ),
    websocket_drain: v.optional(documented(
      Time,
      "websocket_drain",
      "Over how long open WebSockets are closed after SIGTERM, so that not all " +
        "clients come back in one instant; less than shutdown_timeout. 5s, or " +
        "half of shutdown_timeout if that is less.",
    )),
    dev: v.optional(
      documented(
        Toggle,
        "dev",
        "Whether error pages say which upstream failed and what to do about it.",
      ),
      false,
    ),
  }),
  v.title("sameorigin"),
  v.description("The config of sameorigin, a reverse proxy."),
  v.transform(({ servers, listen, server_name, locations, ...top }) => {
    const only: ServerConfig = { listen, server_name, locations };
    // nginx compares the names of upstreams without regard to case, as hosts.
    const upstreams = new Map<string, UpstreamConfig>();
    for (const [name, upstream] of Object.entries(top.upstreams)) {
      upstreams.set(name.toLowerCase(), upstream);
    }
    return { ...top, servers: servers ?? [only], upstreams };
  }),
);

/** The schemas that stand in several places; for editors each is written once. */
export const shared = {
  ...inheritableSchemas,
  listen: Listen,
  server_name: ServerName,
  locations: Locations,
  location: Location,
  upstream: Upstream,
  limit_conn: LimitConn,
  websocket_limit_conn: WebsocketLimitConn,
};

/** A config that has passed every check of a single value. */
export type Config = v.InferOutput<typeof Document>;

/** The directives that every location has, its own or inherited ones. */
export type Defaults = Pick<
  Config,
  Exclude<keyof typeof defaults, "proxy_set_header" | "proxy_read_timeout">
>;
