/**
 * The variables that a config itself defines. Templates anywhere in it may use
 * them, so they are looked for before anything is parsed.
 *
 * @module
 */
import { isMap } from "./schema_parts.ts";

/** The directives whose keys are names of variables. */
const DEFINING: ReadonlySet<string> = new Set(["auth_request_set"]);

/** A name of a variable as nginx takes it, with its dollar. */
export const DEFINED_NAME = /^\$([a-z_]\w*)$/i;

/** The names in a document, in lower case and without their dollar. */
export function definedVariables(document: unknown): ReadonlySet<string> {
  const names = new Set<string>();
  // YAML's aliases can make a document that contains itself.
  const seen = new Set<unknown>();
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null || seen.has(value)) return;
    seen.add(value);
    for (const [key, inner] of Object.entries(value)) {
      if (DEFINING.has(key) && isMap(inner)) {
        for (const written of Object.keys(inner)) {
          const name = DEFINED_NAME.exec(written)?.[1];
          if (name !== undefined) names.add(name.toLowerCase());
        }
      }
      visit(inner);
    }
  };
  visit(document);
  return names;
}
