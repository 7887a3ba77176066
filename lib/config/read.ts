/**
 * From a document to a config, with every problem found on the way.
 *
 * @module
 */
import * as v from "valibot";
import { checkDocument } from "./checks.ts";
import {
  ConfigError,
  formatPath,
  type Path,
  type Problem,
} from "./config_error.ts";
import { type Environment, substituteEnvironment } from "./environment.ts";
import { type Config, Document } from "./schema.ts";
import { parseListen } from "./address.ts";
import { reportIssues } from "./issues.ts";
import { ValueError } from "./words.ts";

/** How to read a config. */
export interface ReadOptions {
  /** The file's name, or what stands for it in messages. */
  readonly source: string;
  readonly env: Environment;
  /** Where to listen, whatever the config says. */
  readonly listen?: string | undefined;
}

/**
 * Reads a document as a YAML parser returns it.
 *
 * @throws {ConfigError} With every problem, in the order of the document.
 */
export function readConfig(document: unknown, options: ReadOptions): Config {
  const { source, env, listen } = options;
  if (document === null || document === undefined) {
    const message = `the file is empty: it needs "locations" at least`;
    throw new ConfigError([{ file: source, path: "", message }]);
  }
  const found: { path: Path; message: string }[] = [];
  const unfilled = new Set<string>();
  let filled = substituteEnvironment(document, env, (path, message) => {
    found.push({ path, message });
    unfilled.add(formatPath(path));
  });
  const report = (path: Path, message: string) => {
    // What is wrong with a value that could not be filled in is its effect.
    if (!unfilled.has(formatPath(path))) found.push({ path, message });
  };
  const problems: Problem[] = [];
  if (listen !== undefined) {
    const problem = listenProblem(listen);
    if (problem === undefined) filled = withListen(filled, listen);
    else problems.push({ file: "--listen", path: "", message: problem });
  }
  const result = v.safeParse(Document, filled);
  if (!result.success) reportIssues(result.issues, report);
  checkDocument(filled, report);
  for (const { path, message } of inOrder(found, filled)) {
    problems.push({ file: source, path: formatPath(path), message });
  }
  if (!result.success || problems.length > 0) throw new ConfigError(problems);
  return result.output;
}

function listenProblem(listen: string): string | undefined {
  try {
    parseListen(listen);
    return undefined;
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    return error.message;
  }
}

/** The document with every server at this address. */
function withListen(document: unknown, listen: string): unknown {
  if (!isBlock(document)) return document;
  const { servers } = document;
  if (servers === undefined) return { ...document, listen };
  if (!Array.isArray(servers)) return document;
  return {
    ...document,
    servers: servers.map((server: unknown) =>
      isBlock(server) ? { ...server, listen } : server
    ),
  };
}

/** Sorts by the places in the document; what has the same place stays as it is. */
function inOrder<T extends { path: Path }>(
  found: readonly T[],
  document: unknown,
): T[] {
  return found
    .map((item) => ({ item, rank: rank(item.path, document) }))
    .sort((a, b) => compare(a.rank, b.rank))
    .map(({ item }) => item);
}

/** A path as places: the how-manieth key of each map. */
function rank(path: Path, document: unknown): number[] {
  let value = document;
  return path.map((key) => {
    if (Array.isArray(value)) {
      value = value[Number(key)];
      return Number(key);
    }
    if (!isBlock(value)) return 0;
    const place = Object.keys(value).indexOf(String(key));
    value = value[key];
    return place < 0 ? Infinity : place;
  });
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const [x = 0, y = 0] = [a[i], b[i]];
    if (x !== y) return x < y ? -1 : 1;
  }
  return a.length - b.length;
}

function isBlock(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
