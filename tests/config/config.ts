/**
 * Short ways to a plan and to the problems of a config.
 *
 * @module
 */
import assert from "node:assert/strict";
import { ConfigError } from "../../lib/config/config_error.ts";
import {
  type LoadOptions,
  loadPlan,
  planFromObject,
} from "../../lib/config/load.ts";
import type { LocationPlan, Plan, ProxyPlan } from "../../lib/config/plan.ts";
import type { RequestContext } from "../../lib/config/template.ts";
import { findLocation } from "../../lib/route/location.ts";
import { findServer } from "../../lib/route/server.ts";

type Variables = Readonly<Record<string, string>>;

function options(env: Variables, overrides: LoadOptions["overrides"] = {}) {
  return { source: "config.yaml", env: (name: string) => env[name], overrides };
}

/** The plan of a YAML text. */
export function plan(
  text: string,
  env: Variables = {},
  overrides: LoadOptions["overrides"] = {},
): Plan {
  return loadPlan(text, options(env, overrides));
}

/** The lines that a text or document is refused with. */
export function problems(
  config: unknown,
  env: Variables = {},
  overrides: LoadOptions["overrides"] = {},
): string[] {
  const load = typeof config === "string"
    ? () => loadPlan(config, options(env, overrides))
    : () => planFromObject(config, options(env, overrides));
  return thrown(load).message.split("\n");
}

/** The ConfigError that a function throws; fails if it throws none. */
export function thrown(run: () => unknown): ConfigError {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  assert.fail("expected a ConfigError");
}

/** The location that takes a path, in the server that a host finds. */
export function locate(
  { listeners }: Plan,
  path: string,
  host = "localhost",
  listener = 0,
): LocationPlan {
  const found = listeners[listener];
  assert(found !== undefined);
  const match = findLocation(findServer(found.servers, host).locations, path);
  assert(match !== null, `no location takes ${path}`);
  return match.location;
}

/** The content of a location that proxies. */
export function proxyOf({ content }: LocationPlan): ProxyPlan {
  assert(content.kind === "proxy");
  return content;
}

/** The headers a location sends for a request, rendered. */
export function rendered(
  location: LocationPlan,
  request: Partial<RequestContext> = {},
): Record<string, string> {
  const context = requestContext(request);
  return Object.fromEntries(
    proxyOf(location).setHeaders.map((
      { name, value },
    ) => [name, value(context)]),
  );
}

/** A request's facts, with something in each. */
export function requestContext(
  facts: Partial<RequestContext> = {},
): RequestContext {
  return {
    method: "GET",
    requestUri: "/a%20b?x=1",
    path: "/a b",
    args: "x=1",
    headers: new Headers(),
    referer: null,
    userAgent: null,
    forwardedFor: null,
    httpHost: facts.headers?.get("host") ?? "",
    host: "example.com",
    scheme: "http",
    remoteAddr: "192.0.2.1",
    remotePort: "50000",
    peerAddr: facts.remoteAddr ?? "192.0.2.1",
    forwardedHost: null,
    serverName: "www.example.com",
    serverPort: "9000",
    requestId: "id-1",
    proxyHost: "backend",
    upstreamAddr: "10.0.0.1:8000",
    captures: null,
    requestMethod: "GET",
    remoteUser: "",
    upstreamResponse: null,
    variables: null,
    ...facts,
  };
}
