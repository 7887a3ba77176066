/**
 * The means that the schema is written with: parsers as parts of it, words for
 * what is wrong, and shapes that JSON Schema has too.
 *
 * @module
 */
import * as v from "valibot";
import { expected, ValueError } from "./words.ts";

/** A transformation by a parser that throws {@link ValueError}. */
export function parsedBy<Input, Output>(parse: (input: Input) => Output) {
  return v.rawTransform<Input, Output>(({ dataset, addIssue, NEVER }) => {
    try {
      return parse(dataset.value);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      addIssue({ message: error.message });
      return NEVER;
    }
  });
}

/** A check by a function that throws {@link ValueError}. */
export function checkedBy<Input>(check: (input: Input) => void) {
  return v.rawCheck<Input>(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    try {
      check(dataset.value);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      addIssue({ message: error.message });
    }
  });
}

/** The message of a value that has the wrong type. */
export function wants(what: string) {
  return (issue: v.BaseIssue<unknown>) => expected(what, issue.input);
}

/**
 * A map with these entries and no others. An issue of type `never` with a
 * `requirement` is an unknown key, and that the keys that are known.
 */
export function block<const Entries extends v.ObjectEntries>(
  what: string,
  entries: Entries,
): Block<Entries> {
  const nothing = { ...v.never(), requirement: Object.keys(entries) };
  const missing = (issue: v.BaseIssue<unknown>) =>
    issue.path ? "is missing" : expected(what, issue.input);
  // Its type gives every other key the type `never`, the known ones included.
  return noList(what, v.objectWithRest(entries, nothing, missing)) as Block<
    Entries
  >;
}

type Block<Entries extends v.ObjectEntries> = v.GenericSchema<
  v.InferInput<v.ObjectSchema<Entries, undefined>>,
  v.InferOutput<v.ObjectSchema<Entries, undefined>>
>;

/** A map with keys of one kind and values of one kind. */
export function mapOf<
  Key extends v.BaseSchema<string, string, v.BaseIssue<unknown>>,
  Value extends v.GenericSchema,
>(what: string, key: Key, value: Value) {
  return noList(what, v.record(key, value, wants(what)));
}

/** Refuses a list, which valibot takes for a map with the keys `0`, `1`, …. */
function noList<Schema extends v.GenericSchema>(
  what: string,
  schema: Schema,
): Schema {
  const refused = v.never(wants(what));
  return {
    ...schema,
    "~run": (dataset, config) =>
      Array.isArray(dataset.value)
        ? refused["~run"](dataset, config)
        : schema["~run"](dataset, config),
  };
}

/** A value, or a list of at least one; comes out as a list. */
export function oneOrMore<Item extends v.GenericSchema>(
  what: string,
  item: Item,
) {
  return v.union([
    v.pipe(item, v.transform((one): v.InferOutput<Item>[] => [one])),
    list(what, item),
  ], wants(what));
}

/** A list of at least one. */
export function list<Item extends v.GenericSchema>(what: string, item: Item) {
  return v.pipe(
    v.array(item, wants(what)),
    v.minLength(1, "the list is empty"),
  );
}

/** Gives a directive its documentation, from which that of editors is made. */
export function documented<Schema extends v.GenericSchema>(
  schema: Schema,
  title: string,
  description: string,
) {
  return v.pipe(schema, v.title(title), v.description(description));
}
