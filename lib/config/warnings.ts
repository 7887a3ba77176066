/**
 * What a config says that can be used, but is hardly meant: names that nothing
 * uses, locations that no request comes to, limits that others make void.
 *
 * @module
 */
import { shadowedLocations } from "../route/shadowed.ts";
import { BAD_PORTS } from "./address.ts";
import type { Path, Report } from "./config_error.ts";
import {
  inheritSettings,
  type Settings,
  topSettings,
} from "./directives/all.ts";
import type { LimitConn } from "./directives/limits.ts";
import { proxyHost } from "./directives/proxy_pass.ts";
import type { Config, LocationConfig, ServerConfig } from "./schema.ts";
import { formatTime } from "./units.ts";
import { quote } from "./words.ts";

/**
 * Tells of what should be looked at.
 *
 * @param config One without a problem.
 * @param warn Takes a warning: where it is, and in words what is doubtful.
 */
export function warnOfConfig(config: Config, warn: Report): void {
  const single: ServerConfig = { ...config, locations: config.locations ?? [] };
  const servers = (config.servers ?? [single]).map((server, i) => ({
    server,
    path: config.servers === undefined ? [] : ["servers", i],
  }));
  warnOfUnused(config, servers.map(({ server }) => server), warn);
  warnOfCounts(config, [], config, warn);
  const top = topSettings(config);
  for (const { server, path } of servers) {
    warnOfPorts(server, path, warn);
    warnOfShadows(server, path, warn);
    const settings = inheritSettings(server, top);
    for (const { written, value } of server.locations ?? []) {
      const at = [...path, "locations", written];
      warnOfCounts(value, at, config, warn);
      warnOfTimes(value, inheritSettings(value, settings), at, warn);
    }
  }
}

/** Upstreams that no location names. */
function warnOfUnused(
  { upstreams }: Config,
  servers: readonly ServerConfig[],
  warn: Report,
): void {
  const used = new Set(
    servers.flatMap(({ locations = [] }) =>
      locations.flatMap(({ value: { proxy_pass } }) =>
        proxy_pass === undefined ? [] : [proxyHost(proxy_pass)]
      )
    ),
  );
  for (const { written, key } of upstreams) {
    if (used.has(key)) continue;
    warn(["upstreams", written], "no location uses this upstream");
  }
}

/** Ports that no browser connects to (the Fetch standard's bad ports). */
function warnOfPorts(
  { listen }: ServerConfig,
  path: Path,
  warn: Report,
): void {
  for (const { address } of listen) {
    if (address.transport !== "tcp" || !BAD_PORTS.has(address.port)) continue;
    warn(
      [...path, "listen"],
      `browsers refuse to connect to port ${address.port} (choose another, ` +
        `such as 9000)`,
    );
  }
}

/** Locations that no request comes to. */
function warnOfShadows(
  { locations = [] }: ServerConfig,
  path: Path,
  warn: Report,
): void {
  const entries = locations.map(({ key, written }) => ({
    key,
    value: written,
  }));
  for (const { location, by } of shadowedLocations({ entries })) {
    warn(
      [...path, "locations", location],
      `no request comes here: ${quote(by)} takes all of its paths`,
    );
  }
}

const COUNTS = ["limit_conn", "websocket_limit_conn"] as const;

/** Limits on how many there are, which another one makes void. */
function warnOfCounts(
  place: Config | LocationConfig,
  path: Path,
  top: Config,
  warn: Report,
): void {
  for (const name of COUNTS) {
    const limit: LimitConn | undefined = place[name];
    if (limit === undefined) continue;
    const { total, perAddress } = limit;
    if (total !== 0 && perAddress >= total) {
      warn(
        [...path, name],
        `per_address (${perAddress}) is never reached: total is ${total}`,
      );
    }
    const above = place === top ? undefined : top[name];
    if (above === undefined || above.total === 0) continue;
    if (total <= above.total) continue;
    warn(
      [...path, name],
      `total (${total}) is never reached: that of the whole proxy is ` +
        `${above.total}`,
    );
  }
}

/** Times that are never reached, because a shorter one ends the exchange before. */
function warnOfTimes(
  location: LocationConfig,
  settings: Settings,
  path: Path,
  warn: Report,
): void {
  // A `return` waits for nobody.
  if (location.proxy_pass === undefined) return;
  const whole = settings.request_timeout;
  if (whole === 0) return;
  const times = [
    // What was set is the limit for the body, too; the default is not.
    ["proxy_read_timeout", settings.proxy_read_timeout.body],
    ["wait_for_upstream", settings.wait_for_upstream],
    ["proxy_next_upstream_timeout", settings.proxy_next_upstream_timeout],
  ] as const;
  for (const [name, time] of times) {
    if (time <= whole) continue;
    warn(
      path,
      `${name} (${formatTime(time)}) is never reached: request_timeout is ` +
        `${formatTime(whole)}`,
    );
  }
}
