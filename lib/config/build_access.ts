/**
 * The checks of a location's access phase, in the order in which they are made.
 *
 * @module
 */
import { formatPath, type Path } from "./config_error.ts";
import type { Settings } from "./directives/all.ts";
import type { LimitReqPlan } from "./directives/limit_req.ts";
import type { LimitConn } from "./directives/limits.ts";
import { pathOf } from "./files.ts";
import type { AccessCheckPlan, AccessPlan, LimitConnZone } from "./plan.ts";
import type { Config, LocationConfig } from "./schema.ts";
import { quote } from "./words.ts";

/** What may be written in a block that locations inherit from. */
type Block = Pick<LocationConfig, "limit_req" | "access">;

/**
 * Makes the checks of locations. It is told first what is written at each place of
 * the config: the locations that inherit a `limit_req` share its zones.
 */
export class AccessBuilder {
  readonly #config: Config;
  readonly #source: string;
  /** By what is written there. */
  readonly #places = new Map<unknown, Path>();

  constructor(config: Config, source: string) {
    this.#config = config;
    this.#source = source;
    this.visit(config, []);
  }

  /** @param path Of the block. */
  visit({ limit_req, access }: Block, path: Path): void {
    for (const written of [limit_req, access]) {
      // Without `servers`, the top is its only server too.
      if (written === undefined || this.#places.has(written)) continue;
      this.#places.set(written, path);
    }
  }

  /** @param settings Those of the location, inherited ones included. */
  accessOf(location: LocationConfig, settings: Settings): AccessPlan[] {
    // nginx's order: limit_req and limit_conn in its preaccess phase, then
    // addresses, passwords and subrequests.
    const checks = this.#checksOf(settings);
    return [
      ...this.#limitReq(settings),
      ...this.#limitConn(location),
      ...settings.satisfy === "any" && checks.length > 1
        ? [{ kind: "satisfy_any", checks } as const]
        : checks,
    ];
  }

  #checksOf(settings: Settings): AccessCheckPlan[] {
    const { access, auth_basic, auth_basic_user_file, auth_request } = settings;
    const checks: AccessCheckPlan[] = [];
    if (access.length > 0) {
      const path = formatPath(this.#places.get(access) ?? []);
      checks.push({
        kind: "access",
        rules: access,
        place: path === "" ? "at the top" : `in ${path}`,
      });
    }
    if (auth_basic !== null && auth_basic_user_file !== null) {
      checks.push({
        kind: "auth_basic",
        realm: auth_basic,
        file: pathOf(auth_basic_user_file, this.#source),
      });
    }
    if (auth_request !== null) {
      checks.push({
        kind: "auth_request",
        ...auth_request,
        set: settings.auth_request_set,
      });
    }
    return checks;
  }

  #limitReq(settings: Settings): LimitReqPlan[] {
    const { limit_req, limit_req_status, limit_req_dry_run } = settings;
    if (limit_req.length === 0) return [];
    const path = this.#places.get(limit_req) ?? [];
    const place = formatPath([...path, "limit_req"]);
    const named = new Map(
      this.#config.limit_req_zone.map(({ key, value }) => [key, value]),
    );
    const limits = limit_req.map(({ zone, burst, delay }, i) => {
      const name = typeof zone === "string" ? quote(zone) : place;
      const found = typeof zone === "string" ? named.get(zone) : zone;
      if (found === undefined) throw new Error(`no zone is called ${zone}`);
      const which = typeof zone === "string" ? "" : ` ${i}`;
      const identity = `${name}${which} ${found.key.written}`;
      return { zone: found, identity, name, burst, delay };
    });
    return [{
      kind: "limit_req",
      limits,
      status: limit_req_status,
      dryRun: limit_req_dry_run,
    }];
  }

  /** The limits of the whole proxy and of a location, if any is set. */
  #limitConn(location: LocationConfig): AccessPlan[] {
    const { limit_conn, websocket_limit_conn } = this.#config;
    const requests = zonesOf(limit_conn, location.limit_conn);
    const webSockets = zonesOf(
      websocket_limit_conn,
      location.websocket_limit_conn,
    );
    return requests.length + webSockets.length === 0
      ? []
      : [{ kind: "limit_conn", requests, webSockets }];
  }
}

function zonesOf(
  ofProxy: LimitConn | undefined,
  ofLocation: LimitConn | undefined,
): LimitConnZone[] {
  const zones: LimitConnZone[] = [];
  if (ofProxy !== undefined) zones.push({ scope: "proxy", ...ofProxy });
  if (ofLocation !== undefined) {
    zones.push({ scope: "location", ...ofLocation });
  }
  return zones;
}
