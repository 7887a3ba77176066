/**
 * The config's schema, composed of the directives: types, checks, defaults and
 * the JSON Schema for editors all come from here. It sees the document after the
 * environment's values have been put in; what concerns several places at once is
 * in checks.ts.
 *
 * @module
 */
import * as v from "valibot";
import { parseAuthority } from "./address.ts";
import { adminOptions } from "./directives/admin.ts";
import { directives } from "./directives/all.ts";
import {
  allowedIn,
  type Directives,
  documented,
  entriesIn,
  type Place,
  required,
} from "./directives/directive.ts";
import { checks } from "./directives/health_check.ts";
import { Upstream, upstream } from "./directives/upstream.ts";
import {
  LOCATION_KEY_PATTERN,
  locationIdentity,
  parseLocationKey,
} from "./location_key.ts";
import { mapOf } from "./schema_map.ts";
import { block, byType, list, shortFor } from "./schema_parts.ts";
import { quote, ValueError } from "./words.ts";

const LocationBlock = v.pipe(
  block(
    "an address such as http://backend, or a map",
    entriesIn("location", directives),
  ),
  // For editors; checks.ts says it in words. One without any of these has a
  // root above it.
  v.metadata({
    not: {
      anyOf: [
        { required: ["proxy_pass", "return"] },
        { required: ["proxy_pass", "root"] },
        { required: ["proxy_pass", "alias"] },
        { required: ["return", "root"] },
        { required: ["return", "alias"] },
        { required: ["root", "alias"] },
      ],
    },
  }),
);

/** A location's own directives; it inherits the others. */
export type LocationConfig = v.InferOutput<typeof LocationBlock>;

const { proxy_pass } = directives;
const ProxyPassAlone = documented(
  proxy_pass.value,
  proxy_pass.description,
  "proxy_pass",
);

const Location = documented(
  byType(
    "an address such as http://backend, or a map with proxy_pass",
    [
      shortFor(["proxy_pass"], ProxyPassAlone, LocationBlock),
      LocationBlock,
    ],
    (value) =>
      typeof value === "number" ? ` (write http://localhost:${value})` : "",
  ),
  "Where the requests for these paths go: an address, or a map with proxy_pass, " +
    "root or return, and more.",
);

const ofServers = {
  locations: required(
    ["top", "server"],
    mapOf(
      "a map from paths to addresses",
      {
        parse: parseLocationKey,
        pattern: LOCATION_KEY_PATTERN,
        repeated: {
          identity: locationIdentity,
          message: (above) => `the same location as ${quote(above)}`,
        },
      },
      Location,
    ),
    "Which paths go where. A key is a prefix (`/api` takes `/apiary` too), " +
      "`= /exact`, `^~ /prefix` (before regular expressions), `~ regex`, or " +
      "`~* regex` (without regard to case). The longest prefix wins, whatever " +
      "the order, unless a regular expression matches.",
  ),
};

const VirtualServer = documented(
  v.pipe(
    block("a map with listen, server_name and locations", {
      ...entriesIn("server", directives),
      locations: v.optional(ofServers.locations.value),
    }),
    // For editors; checks.ts says it in words.
    v.metadata({
      anyOf: [{ required: ["locations"] }, { required: ["return"] }],
    }),
  ),
  "A virtual host.",
  "server",
);

/** A server's own directives; it inherits the others. */
export type ServerConfig = v.InferOutput<typeof VirtualServer>;

/** A name in lower case: nginx compares them without regard to case, as hosts. */
function parseUpstreamName(name: string): string {
  if (!/^[\w.-]+$/.test(name)) {
    throw new ValueError(
      `${
        quote(name)
      } is not a valid name: only letters, digits, "_", "-" and "."`,
    );
  }
  // It must be possible in place of a host.
  parseAuthority(name);
  return name.toLowerCase();
}

const NamedUpstream = documented(
  Upstream,
  "A group of servers: host:port or unix:/path, a list of them, or a map with " +
    "servers and how they are balanced and checked.",
);

const ofTheTop = {
  servers: allowedIn(
    ["top"],
    list("a list of servers", VirtualServer),
    undefined,
    "Several virtual hosts, each with its listen, server_name and locations, " +
      "in place of these at the top.",
  ),
  upstreams: allowedIn(
    ["top"],
    mapOf(
      `a map such as "backend: localhost:8000"`,
      {
        parse: parseUpstreamName,
        repeated: {
          identity: (name) => name,
          message: () =>
            "this name is already used above, in different letter case",
        },
      },
      NamedUpstream,
    ),
    {},
    "Names for the servers behind, to be used in proxy_pass.",
  ),
};

export const Document = v.pipe(
  block("a map of directives", {
    ...entriesIn("top", directives),
    locations: v.optional(ofServers.locations.value),
    ...entriesIn("top", ofTheTop),
  }),
  v.title("sameorigin"),
  v.description("The config of sameorigin, a reverse proxy."),
);

/** A config whose values have been parsed, but not checked against each other. */
export type Config = v.InferOutput<typeof Document>;

/** All directives, by where they are declared; a name may be in several. */
export const ALL_DIRECTIVES: readonly Directives[] = [
  directives,
  ofServers,
  ofTheTop,
  upstream,
  checks,
  // Its `listen` is what others do not mean.
  { token: adminOptions.token },
];

/** The places where a directive is allowed; none if there is no such directive. */
export function placesOf(name: string): Place[] {
  return ALL_DIRECTIVES.flatMap((directives) =>
    Object.hasOwn(directives, name) ? directives[name]?.places ?? [] : []
  );
}

/** The schemas that are used in several places: the definitions of the JSON Schema. */
export function sharedSchemas(): Record<string, v.GenericSchema> {
  const shared = { ...directives, ...ofServers };
  return {
    ...Object.fromEntries(
      Object.entries(shared)
        .filter(([, { places }]) => places.length > 1)
        .map(([name, { value }]) => [name, value]),
    ),
    location: Location,
    upstream: NamedUpstream,
  };
}
