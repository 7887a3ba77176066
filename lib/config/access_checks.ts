/**
 * The checks of a config that concern who may come in: what a location inherits
 * must fit together, and what is named must be there.
 *
 * @module
 */
import {
  compileLocations,
  findLocation,
  type LocationKey,
} from "../route/location.ts";
import type { Path, Report } from "./config_error.ts";
import type { AuthRequestUri } from "./directives/auth_request.ts";
import type { LimitReqConfig } from "./directives/limit_req.ts";
import { pathOf, type ReadFile, unreadable } from "./files.ts";
import { parseUserFile } from "./user_file.ts";
import { didYouMean, quote } from "./words.ts";

/** What the checks read of a block; what was refused is undefined. */
export interface ReadAccess {
  readonly auth_basic?: unknown;
  readonly auth_basic_user_file?: string | null | undefined;
  readonly auth_request?: AuthRequestUri | null | undefined;
  readonly limit_req?: readonly (LimitReqConfig | undefined)[] | undefined;
}

interface ReadLocation {
  readonly written: string;
  readonly key: LocationKey | undefined;
  readonly value:
    | ReadAccess & { readonly return?: unknown; readonly rewrite?: unknown }
    | undefined;
}

interface ReadServer extends ReadAccess {
  readonly locations?: readonly ReadLocation[] | undefined;
}

interface ReadTop extends ReadAccess {
  readonly limit_req_zone?: readonly { readonly key: string | undefined }[];
}

/** A block of the config, and where it stands. */
interface Level<Block = ReadAccess> {
  readonly block: Block;
  readonly path: Path;
}

/** What surrounds a config. */
export interface Surroundings {
  /** The config's file, or what stands for it in messages. */
  readonly source: string;
  readonly readFile: ReadFile;
}

/** Reports what is wrong, each thing once. */
export function checkAccess(
  top: ReadTop,
  servers: readonly { readonly server: ReadServer; readonly path: Path }[],
  around: Surroundings,
  report: Report,
): void {
  const levels = new Set<ReadAccess>();
  const told = new Set<string>();
  const once = (path: Path, message: string) => {
    const key = JSON.stringify([path, message]);
    if (!told.has(key)) report(path, message);
    told.add(key);
  };
  const visit = ({ block, path }: Level) => {
    if (levels.has(block)) return;
    levels.add(block);
    checkZones(block.limit_req, top.limit_req_zone ?? [], path, once);
    checkUserFile(block, path, around, once);
  };
  const outermost: Level = { block: top, path: [] };
  visit(outermost);
  for (const { server, path } of servers) {
    const outer: Level = { block: server, path };
    visit(outer);
    for (const { written, key, value } of server.locations ?? []) {
      if (value === undefined) continue;
      const location = {
        block: value,
        path: [...path, "locations", written],
        key,
      };
      visit(location);
      if (Object.hasOwn(value, "return")) continue;
      checkAuthBasic([location, outer, outermost], once);
      checkAuthRequest(location, [location, outer, outermost], server, once);
    }
  }
}

function checkZones(
  limits: unknown,
  zones: readonly { readonly key: string | undefined }[],
  path: Path,
  report: Report,
): void {
  const names = zones.flatMap(({ key }) => key === undefined ? [] : [key]);
  const used = new Set<string>();
  // One that was refused comes out as it is written.
  if (!Array.isArray(limits)) return;
  for (const [i, limit] of limits.entries()) {
    if (typeof limit?.zone !== "string") continue;
    const { zone } = limit;
    // A limit alone is no list in the document.
    const at = [...path, "limit_req", ...limits.length === 1 ? [] : [i]];
    if (!names.includes(zone)) {
      report(
        [...at, "zone"],
        `no limit_req_zone is called ${quote(zone)}` + didYouMean(zone, names),
      );
    } else if (used.has(zone)) {
      report([...at, "zone"], `the zone ${quote(zone)} is used twice here`);
    }
    used.add(zone);
  }
}

/** The most bytes of a file of users, which is kept in memory. */
const LARGEST_USER_FILE = 16 * 1024 * 1024;

/** How many of the problems in a file are told. */
const TOLD = 3;

function checkUserFile(
  { auth_basic_user_file: written }: ReadAccess,
  path: Path,
  { source, readFile }: Surroundings,
  report: Report,
): void {
  if (written === undefined || written === null) return;
  const at = [...path, "auth_basic_user_file"];
  const file = pathOf(written, source);
  let bytes: Uint8Array;
  try {
    bytes = readFile(file);
  } catch (error) {
    const hint = error instanceof Deno.errors.NotFound
      ? ` (make it with: htpasswd -B -c ${written} USER)`
      : "";
    report(at, unreadable(file, error) + hint);
    return;
  }
  if (bytes.length > LARGEST_USER_FILE) {
    report(at, `${file} is too large for a file of users (over 16m)`);
    return;
  }
  const { problems } = parseUserFile(bytes);
  for (const problem of problems.slice(0, TOLD)) {
    report(at, `${file}: ${problem}`);
  }
  if (problems.length > TOLD) {
    report(at, `${file}: ${problems.length - TOLD} more problems`);
  }
}

/** The innermost level that has a directive, refused or not. */
function levelOf<Has extends Level>(
  name: keyof ReadAccess,
  levels: readonly Has[],
): Has | undefined {
  return levels.find(({ block }) =>
    Object.hasOwn(block, name) && block[name] !== undefined
  );
}

/** nginx lets everybody in where there is a realm but no file. */
function checkAuthBasic(levels: readonly Level[], report: Report): void {
  const realm = levelOf("auth_basic", levels);
  if (realm === undefined || realm.block.auth_basic === null) return;
  const file = levelOf("auth_basic_user_file", levels);
  if ((file?.block.auth_basic_user_file ?? null) !== null) return;
  report(
    [...realm.path, "auth_basic"],
    "auth_basic_user_file is missing: it says which file has the users and " +
      "their passwords",
  );
}

function checkAuthRequest(
  location: Level & { readonly key: LocationKey | undefined },
  levels: readonly Level[],
  { locations = [] }: ReadServer,
  report: Report,
): void {
  const level = levelOf("auth_request", levels);
  const asked = level?.block.auth_request ?? null;
  if (level === undefined || asked === null) return;
  const { uri, target } = asked;
  const at = [...level.path, "auth_request"];
  const table = compileLocations(
    locations.flatMap(({ key, value }) =>
      key === undefined ? [] : [{ key, value: { key, taken: value ?? null } }]
    ),
  );
  const match = findLocation(table, target.path);
  if (match === null) {
    report(
      at,
      `no location of this server takes ${quote(uri)} (add one, such as ` +
        `"= ${target.path}": {proxy_pass: …, internal: true})`,
    );
  } else if (Object.hasOwn(match.location.taken ?? {}, "rewrite")) {
    report(
      at,
      `${quote(uri)} has rewrite, which is for requests of clients only ` +
        "(write the other URI in its proxy_pass)",
    );
  } else if (match.kind === "redirect") {
    report(at, `${quote(uri)} would only be redirected (write "${uri}/")`);
  } else if (
    match.location.taken === location.block &&
    !(match.key.kind === "exact" && match.key.path === target.path)
  ) {
    // A single-page application answers 200 to every path.
    report(
      at,
      `${quote(uri)} would be answered by what is to be protected: ` +
        `${location.path.at(-1)} (add a location for it, such as ` +
        `"= ${target.path}": {proxy_pass: …, internal: true})`,
    );
  }
}
