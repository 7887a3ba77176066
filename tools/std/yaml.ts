/**
 * `parse` with the signature of `@std/yaml/parse`, for networks that do not
 * reach JSR. @std's is a port of js-yaml 3; js-yaml 5 reads numbers by
 * YAML 1.2, so those of @std, which are YAML 1.1's, are described here.
 *
 * @module
 */
import {
  binaryTag,
  CORE_SCHEMA,
  defineScalarTag,
  load,
  loadAll,
  mergeTag,
  NOT_RESOLVED,
  omapTag,
  pairsTag,
  setTag,
  timestampTag,
  YAMLException,
} from "js-yaml";

/** A text that is not YAML. @std's class of this name has the same fields. */
export class YamlSyntaxError extends SyntaxError {
  override readonly name = "YamlSyntaxError";

  constructor(
    message: string,
    /** The line of the problem, from 1. */
    readonly line: number,
    /** The column, from 1. */
    readonly column: number,
    /** The position in the text, from 0. */
    readonly offset: number,
    /** The line with a caret under the column. */
    readonly snippet?: string,
  ) {
    super(
      `${message} at line ${line}, column ${column}` +
        (snippet ? `:\n${snippet}` : ""),
    );
  }
}

const DECIMAL =
  /^(?:[-+]?(?:0|[1-9][0-9_]*)(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9_]+(?:[eE][-+]?[0-9]+)?)(?<!_)$/;
const PREFIXED = /^[-+]?(?:0b[01_]+|0x[\da-fA-F_]+|0[0-7_]+)(?<!_)$/;

/** `9000`, `1_000`, `1.5e3`, and with a prefix `0b1`, `0x1f` or `017` (octal). */
const numberTag = defineScalarTag("tag:yaml.org,2002:int", {
  implicit: true,
  resolve: (source) => {
    const digits = source.replace(/^[-+]|_/g, "");
    const sign = source.startsWith("-") ? -1 : 1;
    if (DECIMAL.test(source)) {
      const value = sign * parseFloat(digits);
      return value === 0 ? 0 : value;
    }
    if (!PREFIXED.test(source)) return NOT_RESOLVED;
    return sign *
      (/^0[bx]/.test(digits) ? Number(digits) : parseInt(digits, 8));
  },
  identify: () => false,
});

/** `.inf` and `.nan`. */
const notFiniteTag = defineScalarTag("tag:yaml.org,2002:float", {
  implicit: true,
  resolve: (source) => {
    if (/^\.(?:nan|NaN|NAN)$/.test(source)) return NaN;
    if (!/^[-+]?\.(?:inf|Inf|INF)$/.test(source)) return NOT_RESOLVED;
    return source.startsWith("-") ? -Infinity : Infinity;
  },
  identify: () => false,
});

const schema = CORE_SCHEMA.withTags(
  numberTag,
  notFiniteTag,
  mergeTag,
  timestampTag,
  binaryTag,
  omapTag,
  pairsTag,
  setTag,
);

/**
 * Reads one YAML document; null if there is none.
 *
 * @throws {YamlSyntaxError} On a syntax error, a key given twice, or more than
 * one document.
 */
export function parse(content: string): unknown {
  try {
    const documents = loadAll(content, { schema });
    if (documents.length > 1) load(content, { schema });
    return documents[0] ?? null;
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const { line = 0, column = 0, position = 0, snippet } = error.mark ?? {};
    throw new YamlSyntaxError(
      error.reason,
      line + 1,
      column + 1,
      position,
      snippet ?? undefined,
    );
  }
}
