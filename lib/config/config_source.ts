/**
 * A config as it was read, from which every worker builds its own plan.
 *
 * @module
 */
import type { Environment } from "./environment.ts";
import { type LoadOptions, loadPlan, planFromObject } from "./load.ts";
import { type NamedFileMap, NamedFiles } from "./named_files.ts";
import type { Plan } from "./plan.ts";

/** Can be sent to another thread. */
export interface ConfigSource {
  readonly content:
    /** A file's, with the environment's variables in it. */
    | { readonly text: string }
    /** One that is made up, taken as it stands. */
    | { readonly document: unknown };
  /** The file's name, or what stands for it in messages. */
  readonly name: string;
  readonly overrides: NonNullable<LoadOptions["overrides"]>;
  /** The files that the content names; filled when a plan is made of it. */
  readonly files: NamedFileMap;
}

/** A config and its plan. */
export interface LoadedConfig {
  readonly config: ConfigSource;
  readonly plan: Plan;
}

/**
 * The plan of a config.
 *
 * @throws {ConfigError} With every problem that there is.
 */
export function planOfSource(config: ConfigSource, env: Environment): Plan {
  const { content, name: source, overrides } = config;
  const files = new NamedFiles(source, config.files);
  return "text" in content
    ? loadPlan(content.text, { source, env, files, overrides })
    : planFromObject(content.document, {
      source,
      env: () => undefined,
      files,
      overrides,
    });
}
