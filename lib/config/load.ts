/**
 * The way in: from a config to the plan.
 *
 * @module
 */
import { buildPlan, type PlanOverrides } from "./build.ts";
import type { Environment } from "./environment.ts";
import type { ReadFile } from "./files.ts";
import type { Plan } from "./plan.ts";
import { readConfig } from "./read.ts";
import { parseYaml } from "./yaml_text.ts";

/** How to load a config. */
export interface LoadOptions {
  /** The file's name, or what stands for it in messages. */
  readonly source: string;
  /** The environment, for `${NAME}`. */
  readonly env: Environment;
  /** Reads the files that the config names; by default from the file system. */
  readonly readFile?: ReadFile | undefined;
  /** What the command line says over the config. */
  readonly overrides?: PlanOverrides & {
    /** Where every server listens, as `listen` writes it. */
    readonly listen?: string | undefined;
  };
}

/**
 * The plan of a config's text.
 *
 * @throws {ConfigError} With every problem that there is.
 */
export function loadPlan(text: string, options: LoadOptions): Plan {
  return planFromObject(parseYaml(text, options.source), options);
}

/**
 * The plan of a config that is not a text, for one that is made up.
 *
 * @param document As a YAML parser would return it.
 * @throws {ConfigError} With every problem that there is.
 */
export function planFromObject(document: unknown, options: LoadOptions): Plan {
  const { source, env, readFile, overrides = {} } = options;
  const { config, warnings } = readConfig(document, {
    source,
    env,
    readFile,
    listen: overrides.listen,
  });
  return { ...buildPlan(config, source, overrides), warnings };
}

/** The JSON Schema (draft-07) of a config file, for editors. */
export async function jsonSchema(): Promise<Record<string, unknown>> {
  // What only this needs is not loaded at every start.
  const { makeJsonSchema } = await import("./json_schema.ts");
  return makeJsonSchema();
}
