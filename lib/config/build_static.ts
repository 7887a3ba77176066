/**
 * The plan of a location that answers with files.
 *
 * @module
 */
import type { LocationKey } from "../route/location.ts";
import { formatPath, type Path } from "./config_error.ts";
import { pathOf } from "./files.ts";
import type { StaticPlan } from "./plan.ts";
import type { Config, LocationConfig, ServerConfig } from "./schema.ts";

/** Where a location stands. */
interface Place {
  readonly config: Config;
  readonly server: ServerConfig;
  /** Of the server in the config. */
  readonly path: Path;
  /** The location's key in the config. */
  readonly written: string;
  /** The config's file, or what stands for it. */
  readonly source: string;
}

/** The nearest of `alias` and `root`. There is one: checks.ts has seen to it. */
export function staticContent(
  location: LocationConfig,
  key: LocationKey,
  { config, server, path, written, source }: Place,
): StaticPlan {
  const { alias } = location;
  const own = [...path, "locations", written];
  const [folder, declaredAt] = [
    [alias, [...own, "alias"]] as const,
    [location.root, [...own, "root"]] as const,
    [server.root, [...path, "root"]] as const,
    [config.root, ["root"]] as const,
  ].find(([folder]) => typeof folder === "string") ?? [];
  if (typeof folder !== "string" || declaredAt === undefined) {
    throw new Error("a location without content");
  }
  const isAlias = typeof alias === "string";
  return {
    kind: "static",
    folder: pathOf(folder, source),
    aliased: isAlias && key.kind !== "regex" ? key.path : "",
    tryFiles: location.try_files ?? null,
    written: `${isAlias ? "alias" : "root"} ${folder}`,
    declaredAt: formatPath(declaredAt),
  };
}
