/**
 * The schema as JSON Schema (draft-07), with which editors complete and check a
 * config file while it is written.
 *
 * @module
 */
import { toJsonSchema } from "@valibot/to-json-schema";
import { Document, sharedSchemas } from "./schema.ts";

/** What stands for a value of the environment, wherever it may be one. */
const ENVIRONMENT = String.raw`\$\{[A-Z_][A-Z0-9_]*(:[-?].*)?\}`;

/** The schema of what stands in a file, before the environment's values are put in. */
export function makeJsonSchema(): Record<string, unknown> {
  const schema = toJsonSchema(Document, {
    target: "draft-07",
    typeMode: "input",
    ignoreActions: ["raw_check"],
    definitions: sharedSchemas(),
  });
  return {
    ...adapt({ ...schema }),
    anyOf: [
      { required: ["locations"] },
      { required: ["servers"] },
      { required: ["return"] },
    ],
  };
}

/**
 * Adapts a schema: text with a pattern may be `${…}` too, "no other keys" becomes
 * `false`, and `$defs`, which is of a later draft, gets draft-07's name.
 */
function adapt(schema: Schema): Schema {
  const result: Schema = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key === "$defs") result["definitions"] = titled(value);
    else if (key === "properties") result[key] = titled(value);
    else if (key === "$ref") {
      result[key] = String(value).replace("$defs", "definitions");
    } else if (
      key === "additionalProperties" && isSchema(value) && "not" in value
    ) {
      result[key] = false;
    } else if (LITERAL.has(key)) result[key] = value;
    else result[key] = adaptValue(value);
  }
  if (typeof result["pattern"] === "string") {
    result["pattern"] = `(${result["pattern"]})|${ENVIRONMENT}`;
  }
  const { enum: choices, ...rest } = result;
  if (choices === undefined) return result;
  const environment = { type: "string", pattern: ENVIRONMENT };
  return { ...rest, anyOf: [{ enum: choices }, environment] };
}

type Schema = Record<string, unknown>;

/** Schemas by name, each with its name as the title if it has no other. */
function titled(schemas: unknown): Schema {
  return Object.fromEntries(
    Object.entries(isSchema(schemas) ? schemas : {}).map(([name, schema]) => {
      const adapted = adapt(isSchema(schema) ? schema : {});
      return [name, "$ref" in adapted ? adapted : { title: name, ...adapted }];
    }),
  );
}

function adaptValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(adaptValue);
  return isSchema(value) ? adapt(value) : value;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Values, not schemas; and the keys of maps, which the environment does not fill. */
const LITERAL: ReadonlySet<string> = new Set([
  "default",
  "enum",
  "propertyNames",
]);
