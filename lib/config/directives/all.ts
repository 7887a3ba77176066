/**
 * All directives except `locations`, `servers` and `upstreams`, which contain
 * others (see schema.ts), and the settings of a location: the values of those
 * that it inherits.
 *
 * @module
 */
import type * as v from "valibot";
import { access } from "./access.ts";
import { addingHeaders } from "./add_header.ts";
import { admin } from "./admin.ts";
import { authBasic } from "./auth_basic.ts";
import { authRequest } from "./auth_request.ts";
import { caching } from "./caching.ts";
import { client } from "./client.ts";
import { compression } from "./compression.ts";
import type { Directive } from "./directive.ts";
import { errorPages } from "./error_page.ts";
import { limitReq } from "./limit_req.ts";
import { limits } from "./limits.ts";
import { listen } from "./listen.ts";
import { mediaTypes } from "./media_types.ts";
import { process } from "./process.ts";
import { proxy } from "./proxy.ts";
import { proxyCookies } from "./proxy_cookie.ts";
import { proxyResponse } from "./proxy_response.ts";
import { proxySsl } from "./proxy_ssl.ts";
import { returning } from "./return.ts";
import { ssl } from "./ssl.ts";
import { rewriting } from "./rewrite.ts";
import { files } from "./static.ts";
import { websocket } from "./websocket.ts";
import { websocketOrigins } from "./websocket_origins.ts";

/** By name, in the order of the JSON Schema. */
export const directives = {
  ...listen,
  ...ssl,
  ...proxy,
  ...proxyResponse,
  ...proxyCookies,
  ...proxySsl,
  ...rewriting,
  ...returning,
  ...errorPages,
  ...addingHeaders,
  ...compression,
  ...files,
  ...caching,
  ...mediaTypes,
  ...client,
  ...websocket,
  ...websocketOrigins,
  ...limits,
  ...limitReq,
  ...access,
  ...authBasic,
  ...authRequest,
  ...process,
  ...admin,
};

type All = typeof directives;

/**
 * The values of the directives that locations inherit, under their names, as
 * they were declared: times in milliseconds, sizes in bytes, `off` as 0. What
 * `proxy_set_header` sets is in the content of a location that proxies.
 */
export type Settings = {
  readonly [
    Name in keyof All as All[Name]["kind"] extends "inherited"
      ? Exclude<Name, "proxy_set_header">
      : never
  ]: v.InferOutput<All[Name]["value"]>;
};

/** A block with some of the settings. */
type Level = {
  readonly [Name in keyof Settings]?: Settings[Name] | undefined;
};

const NAMES = Object.entries<Directive>(directives)
  .filter(([name, { kind }]) =>
    kind === "inherited" && name !== "proxy_set_header"
  )
  .map(([name]) => name as keyof Settings);

/** The settings of the top level: its own, and the defaults. */
export function topSettings(top: Level): Settings {
  const settings: Record<string, unknown> = {};
  for (const name of NAMES) {
    const { unset }: Directive = directives[name];
    settings[name] = top[name] === undefined ? unset : top[name];
  }
  // V8 makes a dictionary of an object that is filled by computed names, from
  // about 20 on. A copy has a hidden class again, shared by all copies of it.
  return { ...settings } as Settings;
}

/**
 * The settings of a server or location.
 *
 * @param above Those of the block around it.
 */
export function inheritSettings(level: Level, above: Settings): Settings {
  const own: Record<string, unknown> = {};
  for (const name of NAMES) {
    if (level[name] !== undefined) own[name] = level[name];
  }
  return { ...above, ...own };
}
