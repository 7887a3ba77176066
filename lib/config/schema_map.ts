/**
 * Maps whose keys are values too: paths, names, headers.
 *
 * @module
 */
import * as v from "valibot";
import {
  attempt,
  isMap,
  type Issue,
  issueOf,
  refused,
  schemaOf,
} from "./schema_parts.ts";
import { expected } from "./words.ts";

/** An entry of a map. */
export interface MapEntry<Key, Value> {
  /** The key as it is written. */
  readonly written: string;
  readonly key: Key;
  readonly value: Value;
}

/** How the keys of a map are read. */
export interface MapKeys<Key> {
  /** Throws {@link ValueError}. */
  readonly parse: (written: string) => Key;
  /** For editors: what `parse` takes, roughly. */
  readonly pattern?: string;
  /** Keys that mean the same are one problem. */
  readonly repeated?: {
    /** Equal for two keys that mean the same. */
    readonly identity: (key: Key) => string;
    /** @param above The key that is there already, as it is written. */
    readonly message: (above: string) => string;
  };
}

type MapSchema<Key, Value extends v.GenericSchema> = v.GenericSchema<
  Record<string, v.InferInput<Value>>,
  MapEntry<Key, v.InferOutput<Value>>[]
>;

/**
 * A map with keys of one kind and values of one kind. It comes out as a list of
 * its entries; a key or value that is refused is `undefined` in it.
 *
 * @param check Throws {@link ValueError} at a value that its key can't have.
 */
export function mapOf<Key, Value extends v.GenericSchema>(
  what: string,
  keys: MapKeys<Key>,
  value: Value,
  check?: (key: Key, input: unknown) => void,
): MapSchema<Key, Value> {
  const { pattern } = keys;
  const key = pattern === undefined
    ? v.string()
    : v.pipe(v.string(), v.metadata({ pattern }));
  const run: v.GenericSchema["~run"] = ({ value: input }, config) =>
    isMap(input)
      ? readEntries(input, keys, value, check, config)
      : refused(input, expected(what, input));
  return schemaOf("record", { key, value }, run);
}

function readEntries<Key>(
  input: Record<string, unknown>,
  keys: MapKeys<Key>,
  schema: v.GenericSchema,
  check: ((key: Key, input: unknown) => void) | undefined,
  config: v.Config<Issue>,
): v.OutputDataset<unknown, Issue> {
  const issues: Issue[] = [];
  const above = new Map<string, string>();
  const entries = Object.entries(input).map(([written, raw]) => {
    const item: v.ObjectPathItem = {
      type: "object",
      origin: "value",
      input,
      key: written,
      value: raw,
    };
    const report = (issue: Issue) => {
      issues.push({ ...issue, path: [item, ...(issue.path ?? [])] });
    };
    const complain = (message: string) => report(issueOf(raw, message));
    const key = attempt(() => keys.parse(written), complain);
    if (key !== undefined) {
      complainIfRepeated(key, written, keys, above, complain);
    }
    const result = schema["~run"]({ value: raw }, config);
    result.issues?.forEach(report);
    if (key !== undefined && result.issues === undefined) {
      attempt(() => check?.(key, raw), complain);
    }
    return { written, key, value: result.value };
  });
  const [first, ...more] = issues;
  return first === undefined
    ? { typed: true, value: entries }
    : { typed: false, value: entries, issues: [first, ...more] };
}

/** @param seen The keys above as they are written, by their identities. */
function complainIfRepeated<Key>(
  key: Key,
  written: string,
  { repeated }: MapKeys<Key>,
  seen: Map<string, string>,
  complain: (message: string) => void,
): void {
  if (repeated === undefined) return;
  const identity = repeated.identity(key);
  const above = seen.get(identity);
  if (above === undefined) seen.set(identity, written);
  else complain(repeated.message(above));
}
