/**
 * A config that can't be used, with every reason why.
 *
 * @module
 */
import { replaceControls } from "./plain_text.ts";

/** The way from the top of the document to a value: keys of maps, indexes of lists. */
export type Path = readonly (string | number)[];

/** Takes one problem: where it is, and in words what is wrong. */
export type Report = (path: Path, message: string) => void;

/** One thing that is wrong. */
export interface Problem {
  /** The file, or what stands for it: `--listen`. */
  readonly file: string;
  /** The place in the file, `""` for the whole: `locations["/api"].proxy_pass`. */
  readonly path: string;
  /** What is wrong and what was expected; one line. */
  readonly message: string;
  /** From 1; of a syntax error. */
  readonly line?: number;
  /** From 1; of a syntax error. */
  readonly column?: number;
  /** The line with a caret under the column, two lines; of a syntax error. */
  readonly snippet?: string;
}

/** A config with one problem or more. The message has them all, a line each. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";

  /**
   * @param problems At least one, in the order of the file.
   * @param warnings What could be used but should be looked at.
   */
  constructor(
    readonly problems: readonly Problem[],
    options?: ErrorOptions,
    readonly warnings: readonly Problem[] = [],
  ) {
    super(problems.map(formatProblem).join("\n"), options);
  }

  /** The problems, a line each, as they are shown to a person. */
  override toString(): string {
    return this.message;
  }
}

/** One line: `file: path: message`, or `file:line:column: message` with the line below it. */
export function formatProblem(problem: Problem): string {
  const { file, path, message, line, column, snippet } = problem;
  const place = line === undefined
    ? file
    : `${file}:${line}${column === undefined ? "" : `:${column}`}`;
  const head = path === "" ? place : `${place}: ${path}`;
  const text = replaceControls(`${head}: ${message}`, () => " ");
  return `${text}${snippet === undefined ? "" : `\n${snippet}`}`;
}

/** Writes a path as one would in JavaScript: `servers[0].locations["/api"]`. */
export function formatPath(path: Path): string {
  return path.map((key, i) => {
    if (typeof key === "number") return `[${key}]`;
    if (!/^[A-Za-z_]\w*$/.test(key)) return `[${JSON.stringify(key)}]`;
    return i === 0 ? key : `.${key}`;
  }).join("");
}
