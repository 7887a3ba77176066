/**
 * The parts that the schema is made of.
 *
 * They keep what could be read: a value that is refused comes out as
 * `undefined`, and everything beside it comes out parsed. So the checks between
 * several places find all problems without parsing anything again.
 *
 * @module
 */
import * as v from "valibot";
import { expected, expectedText, ValueError } from "./words.ts";

export type Issue = v.BaseIssue<unknown>;
type Message = (input: unknown) => string;

/** What a parser may know of the rest of the document. */
export interface DocumentFacts {
  /** The variables that the document itself defines: names in lower case, without `$`. */
  readonly variables: ReadonlySet<string>;
}

const NO_FACTS: DocumentFacts = { variables: new Set() };

/** The library hands its options down to every schema, and these facts with them. */
interface FactsOption extends Pick<v.Config<Issue>, "abortEarly"> {
  readonly facts?: DocumentFacts;
}

/** Runs a schema whose parsers are to know these facts. */
export function runWith<Schema extends v.GenericSchema>(
  schema: Schema,
  input: unknown,
  facts: DocumentFacts,
): { issues: readonly Issue[]; output: v.InferOutput<Schema> } {
  const options: FactsOption = { facts };
  const { issues = [], value } = schema["~run"]({ value: input }, options);
  return { issues, output: value as v.InferOutput<Schema> };
}

/** A value that is transformed by a parser, which throws {@link ValueError}. */
export function parsedBy<Input, Output>(
  parse: (input: Input, facts: DocumentFacts) => Output,
) {
  return v.rawTransform<Input, Output>(
    ({ dataset, config, addIssue, NEVER }) => {
      const { facts = NO_FACTS }: FactsOption = config;
      const refuse = (message: string) => {
        addIssue({ message });
        Object.assign(dataset, { value: undefined });
        return NEVER;
      };
      return attempt(() => parse(dataset.value, facts), refuse);
    },
  );
}

/** The result of a parser, or of `refuse` where it throws {@link ValueError}. */
export function attempt<Result, Refused>(
  parse: () => Result,
  refuse: (message: string) => Refused,
): Result | Refused {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    return refuse(error.message);
  }
}

/** The result of a schema that does not take the input. */
export function refused(
  input: unknown,
  message: string,
): v.FailureDataset<Issue> {
  return {
    typed: false,
    value: undefined,
    issues: [issueOf(input, message)],
  };
}

/** An issue in our own words; what the library would say is not used. */
export function issueOf(input: unknown, message: string): Issue {
  return {
    kind: "schema",
    type: "refused",
    input,
    expected: null,
    received: "",
    message,
  };
}

/** The schema for inputs that are accepted; any other is refused with the message. */
function only<Schema extends v.GenericSchema>(
  accepts: (input: unknown) => boolean,
  message: Message,
  schema: Schema,
): Schema {
  return {
    ...schema,
    "~run": (dataset, config) =>
      accepts(dataset.value)
        ? schema["~run"](dataset, config)
        : refused(dataset.value, message(dataset.value)),
  };
}

/** Text; a number or a boolean in its place needs quotes. */
export function text(
  what: string,
  message: Message = (input) => expectedText(what, input),
) {
  return only((input) => typeof input === "string", message, v.string());
}

/** One of these words. */
export function oneOf<const Words extends readonly string[]>(
  what: string,
  words: Words,
) {
  return v.pipe(
    text(what, (input) => expected(what, input)),
    v.metadata({ enum: words }),
    parsedBy((written): Words[number] => {
      const word = words.find((word) => word === written);
      if (word === undefined) throw new ValueError(expected(what, written));
      return word;
    }),
  );
}

/** A list of at least one. */
export function list<Item extends v.GenericSchema>(what: string, item: Item) {
  return v.pipe(
    only(Array.isArray, (input) => expected(what, input), v.array(item)),
    v.minLength(1, "the list is empty"),
  );
}

/** A value, or a list of at least one; comes out as a list. */
export function oneOrMore<Item extends v.GenericSchema>(
  what: string,
  item: Item,
) {
  return byType(what, [
    v.pipe(item, v.transform((one): v.InferOutput<Item>[] => [one])),
    list(what, item),
  ]);
}

/**
 * A map with these entries and no others. An issue of type `never` with a
 * `requirement` is an unknown key, and the requirement is the known keys.
 */
export function block<const Entries extends v.ObjectEntries>(
  what: string,
  entries: Entries,
): Block<Entries> {
  const unknown = { ...v.never(), requirement: Object.keys(entries) };
  // Its type gives every other key the type `never`, the known ones included.
  return only(
    isMap,
    (input) => expected(what, input),
    v.objectWithRest(entries, unknown, "is missing"),
  ) as Block<Entries>;
}

type Block<Entries extends v.ObjectEntries> = v.GenericSchema<
  v.InferInput<v.ObjectSchema<Entries, undefined>>,
  v.InferOutput<v.ObjectSchema<Entries, undefined>>
>;

/**
 * One of several schemas, chosen by the type of the input. Only that one is run,
 * so what is wrong is said about the form that was meant. No two take the same
 * type.
 */
export function byType<const Options extends readonly v.GenericSchema[]>(
  what: string,
  options: Options,
  hint: (value: unknown) => string = () => "",
) {
  const taking = new Map<InputType, v.GenericSchema>();
  for (const option of options) {
    for (const type of typesOf(option)) taking.set(type, option);
  }
  const run: v.GenericSchema["~run"] = (dataset, config) => {
    const option = taking.get(typeOf(dataset.value));
    return option === undefined
      ? refused(
        dataset.value,
        expected(what, dataset.value) + hint(dataset.value),
      )
      : option["~run"](dataset, config);
  };
  return schemaOf<
    v.InferInput<Options[number]>,
    v.InferOutput<Options[number]>
  >("union", { options }, run);
}

/**
 * A schema of our own.
 *
 * @param type As what the converter to JSON Schema sees it.
 * @param parts What the converter reads of a schema of that type.
 */
export function schemaOf<Input, Output>(
  type: string,
  parts: object,
  run: v.GenericSchema["~run"],
): v.GenericSchema<Input, Output> {
  const schema: unknown = {
    kind: "schema",
    type,
    expects: "",
    async: false,
    ...parts,
    "~run": run,
  };
  return schema as v.GenericSchema<Input, Output>;
}

type InputType = "string" | "number" | "boolean" | "list" | "map" | "none";

function typeOf(input: unknown): InputType {
  if (Array.isArray(input)) return "list";
  if (isMap(input)) return "map";
  switch (typeof input) {
    case "string":
      return "string";
    case "number":
      return Number.isNaN(input) ? "none" : "number";
    case "boolean":
      return "boolean";
    default:
      return "none";
  }
}

/** The types of input that a schema takes. */
function typesOf(schema: v.GenericSchema): InputType[] {
  switch (schema.type) {
    case "string":
    case "number":
    case "boolean":
      return [schema.type];
    case "array":
      return ["list"];
    case "object_with_rest":
    case "record":
      return ["map"];
    case "union":
      return (schema as v.UnionSchema<v.GenericSchema[], undefined>).options
        .flatMap(typesOf);
    default:
      throw new Error(`a schema of type ${schema.type} has no type of input`);
  }
}

/**
 * The short form of a block: one of its values alone. It is read as the block
 * with only that in it.
 *
 * @param path Where the value stands in the block.
 * @param form The value, for editors.
 */
export function shortFor<
  Form extends v.GenericSchema,
  Whole extends v.GenericSchema,
>(path: readonly (string | number)[], form: Form, whole: Whole) {
  const run: v.GenericSchema["~run"] = (dataset, config) => {
    const value = path.reduceRight<unknown>(
      (inner, key) => typeof key === "number" ? [inner] : { [key]: inner },
      dataset.value,
    );
    const result = whole["~run"]({ value }, config);
    // The path is not written.
    for (const issue of result.issues ?? []) {
      (issue.path as unknown[] | undefined)?.splice(0, path.length);
    }
    return result;
  };
  return { ...form, "~run": run } as v.GenericSchema<
    v.InferInput<Form>,
    v.InferOutput<Whole>
  >;
}

/** Whether an input is a map: neither a list nor a scalar. */
export function isMap(input: unknown): input is Record<string, unknown> {
  return typeof input === "object" && input !== null && !Array.isArray(input);
}
