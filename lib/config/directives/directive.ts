/**
 * A directive: its value, its default, where it is allowed, and its
 * documentation. Each is declared once, in the file of its family. The entries of
 * the blocks, the JSON Schema, the hints and the settings of a location are
 * derived from the declarations.
 *
 * @module
 */
import * as v from "valibot";

/** A block of the config that directives stand in. */
export type Place =
  | "top"
  | "server"
  | "location"
  | "upstream"
  | "upstream_server"
  | "health_check"
  | "admin";

/** What a directive is, whatever its name. */
export interface Directive<
  Value extends v.GenericSchema = v.GenericSchema,
  Where extends Place = Place,
  Default = unknown,
  Kind extends "inherited" | "own" | "required" =
    | "inherited"
    | "own"
    | "required",
> {
  readonly value: Value;
  readonly places: readonly Where[];
  /** As the config would write it; undefined for none. */
  readonly default: Default;
  /** The parsed default, if the config has no text for it. */
  readonly unset?: v.InferOutput<Value>;
  /**
   * `inherited`: a location takes it from its server, and a server from the top
   * level. `required`: its block must have it.
   */
  readonly kind: Kind;
  /** For editors. */
  readonly description: string;
}

const EVERYWHERE = ["top", "server", "location"] as const;
type Everywhere = typeof EVERYWHERE[number];

/**
 * A directive that a location inherits from its server, and a server from the
 * top level. This declaration alone makes it one of the plan's settings.
 *
 * @param initial As the config would write it, or {@link unset}.
 */
export function inherited<
  Value extends v.GenericSchema,
  const Default extends v.InferInput<Value> | Unset<v.InferOutput<Value>>,
>(value: Value, initial: Default, description: string) {
  const directive = initial instanceof Unset
    ? directiveOf("inherited", EVERYWHERE, value, undefined, description)
    : directiveOf("inherited", EVERYWHERE, value, initial, description);
  const unset = initial instanceof Unset ? initial.value : undefined;
  return { ...directive, unset } as Directive<
    Value,
    Everywhere,
    Default extends Unset<unknown> ? undefined : Default,
    "inherited"
  >;
}

class Unset<Value> {
  constructor(readonly value: Value) {}
}

/** A parsed default, if the config has no text for it. */
export function unset<Value>(value: Value): Unset<Value> {
  return new Unset(value);
}

/**
 * A directive of these places. Nothing inherits it.
 *
 * @param initial As the config would write it; undefined for no default.
 */
export function allowedIn<
  const Where extends Place,
  Value extends v.GenericSchema,
  const Default extends v.InferInput<Value> | undefined,
>(
  places: readonly Where[],
  value: Value,
  initial: Default,
  description: string,
): Directive<Value, Where, Default, "own"> {
  return directiveOf("own", places, value, initial, description);
}

/** A directive that its block must have. */
export function required<
  const Where extends Place,
  Value extends v.GenericSchema,
>(
  places: readonly Where[],
  value: Value,
  description: string,
): Directive<Value, Where, undefined, "required"> {
  return directiveOf("required", places, value, undefined, description);
}

function directiveOf<
  Kind extends Directive["kind"],
  Where extends Place,
  Value extends v.GenericSchema,
  Default,
>(
  kind: Kind,
  places: readonly Where[],
  value: Value,
  initial: Default,
  description: string,
): Directive<Value, Where, Default, Kind> {
  return {
    value: documented(value, description),
    places,
    default: initial,
    kind,
    description,
  };
}

/**
 * A schema with its documentation for editors. It stands before any
 * transformation, since JSON Schema describes the input.
 *
 * @param title Omitted for a directive, whose title is its name.
 */
export function documented<Schema extends v.GenericSchema>(
  schema: Schema,
  description: string,
  title?: string,
): Schema {
  return {
    ...schema,
    // Only the converter to JSON Schema reads it.
    get pipe() {
      const [first, ...rest] = "pipe" in schema
        ? schema.pipe as readonly unknown[]
        : [schema];
      const titles = title === undefined ? [] : [v.title(title)];
      return [first, ...titles, v.description(description), ...rest];
    },
  };
}

/** Directives by their names. */
export type Directives = Readonly<Record<string, Directive>>;

/** The names of the directives that are allowed in a place. */
type NamesIn<All extends Directives, Where extends Place> = {
  [Name in keyof All]: Where extends All[Name]["places"][number] ? Name : never;
}[keyof All];

type Entry<One, Where extends Place> = One extends
  Directive<infer Value, Place, infer Default, infer Kind>
  ? Kind extends "required" ? Value
  : v.OptionalSchema<
    Value,
    [Kind, Where] extends ["inherited", "server" | "location"] ? undefined
      : Extract<Default, v.InferInput<Value> | undefined>
  >
  : never;

/** The entries of a place's block. */
export function entriesIn<
  const Where extends Place,
  const All extends Directives,
>(
  place: Where,
  directives: All,
): { readonly [Name in NamesIn<All, Where>]: Entry<All[Name], Where> } {
  const entries: Record<string, v.GenericSchema> = {};
  for (const name of Object.keys(directives)) {
    const directive = directives[name];
    if (directive === undefined || !directive.places.includes(place)) continue;
    const { value, kind } = directive;
    const inherits = kind === "inherited" && place !== "top";
    entries[name] = kind === "required"
      ? value
      : v.optional(value, inherits ? undefined : directive.default);
  }
  return entries as ReturnType<typeof entriesIn<Where, All>>;
}
