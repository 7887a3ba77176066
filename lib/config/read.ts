/**
 * From a document to a config, with every problem found on the way.
 *
 * @module
 */
import { checkConfig, type ReadConfig } from "./checks.ts";
import {
  ConfigError,
  formatPath,
  type Path,
  type Problem,
  type Report,
} from "./config_error.ts";
import { type Listen, readListen } from "./directives/listen.ts";
import { definedVariables } from "./defined_variables.ts";
import { type Environment, substituteEnvironment } from "./environment.ts";
import type { ReadFile } from "./files.ts";
import { unknownKey } from "./hints.ts";
import { type Config, Document } from "./schema.ts";
import { attempt, isMap, type Issue, runWith } from "./schema_parts.ts";
import { warnOfConfig } from "./warnings.ts";

/** How to read a config. */
export interface ReadOptions {
  /** The file's name, or what stands for it in messages. */
  readonly source: string;
  readonly env: Environment;
  /** Reads the files that the config names; by default from the file system. */
  readonly readFile?: ReadFile | undefined;
  /** Where to listen, whatever the config says. */
  readonly listen?: string | undefined;
}

/**
 * Reads a document as a YAML parser returns it.
 *
 * @throws {ConfigError} With every problem, in the order of the document.
 */
export function readConfig(
  document: unknown,
  options: ReadOptions,
): { config: Config; warnings: Problem[] } {
  const { source, env, listen, readFile = Deno.readFileSync } = options;
  if (document === null || document === undefined) {
    const message = `the file is empty: it needs "locations" at least`;
    throw new ConfigError([{ file: source, path: "", message }]);
  }
  const found: { path: Path; message: string }[] = [];
  const doubtful: typeof found = [];
  const unfilled = new Set<string>();
  let filled = substituteEnvironment(document, env, (path, message) => {
    found.push({ path, message });
    unfilled.add(formatPath(path));
  });
  const report = (path: Path, message: string) => {
    // Further problems of a value that could not be filled in only follow.
    if (!unfilled.has(formatPath(path))) found.push({ path, message });
  };
  const problems: Problem[] = [];
  const override = listen === undefined ? undefined : attempt(
    () => readListen(listen),
    (message) => void problems.push({ file: "--listen", path: "", message }),
  );
  if (override !== undefined) filled = withoutListen(filled);
  const { issues, output } = runWith(Document, filled, {
    variables: definedVariables(filled),
  });
  issues.forEach((issue) => reportIssue(issue, report));
  // The schema keeps what could be read, whatever else is wrong.
  const read = output as ReadConfig | undefined;
  if (read !== undefined && isMap(filled)) {
    if (override !== undefined) listenOnly(read, override);
    checkConfig(
      read,
      filled,
      { source, readFile },
      (path, message) => report(writtenPath(path, filled), message),
      (path, message) => doubtful.push({ path, message }),
    );
  }
  for (const { path, message } of inOrder(found, filled)) {
    problems.push({ file: source, path: formatPath(path), message });
  }
  const isUsable = issues.length === 0 && problems.length === 0;
  if (isUsable) {
    warnOfConfig(output, (path, message) => {
      doubtful.push({ path: writtenPath(path, filled), message });
    });
  }
  const warnings = inOrder(doubtful, filled).map(({ path, message }) => (
    { file: source, path: formatPath(path), message }
  ));
  if (!isUsable) throw new ConfigError(problems, {}, warnings);
  return { config: output, warnings };
}

/** The document without any `listen` of a server. */
function withoutListen(document: unknown): unknown {
  if (!isMap(document)) return document;
  const { listen: _, ...rest } = document;
  if (document["servers"] === undefined) return rest;
  const { servers } = document;
  if (!Array.isArray(servers)) return document;
  return { ...document, servers: servers.map(withoutListen) };
}

function listenOnly(config: ReadConfig, listen: Listen): void {
  for (const server of config.servers ?? [config]) {
    if (server !== undefined) server.listen = [listen];
  }
}

function reportIssue(issue: Issue, report: Report): void {
  const path = (issue.path ?? []).map(({ key }) =>
    typeof key === "number" ? key : String(key)
  );
  // See `block`: the requirement is the list of known keys.
  if (issue.type === "never" && Array.isArray(issue.requirement)) {
    report(path, unknownKey(String(path.at(-1)), issue.requirement));
  } else {
    report(path, issue.message);
  }
}

/**
 * The part of a path that exists in the document. A short form has no keys, and
 * a default is not written at all.
 */
function writtenPath(path: Path, document: unknown): Path {
  let value = document;
  for (const [i, key] of path.entries()) {
    if (typeof value !== "object" || value === null || !(key in value)) {
      return path.slice(0, i);
    }
    value = Reflect.get(value, key);
  }
  return path;
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

/** A path as numbers: the index of each key in its map, of each item in its list. */
function rank(path: Path, document: unknown): number[] {
  let value = document;
  return path.map((key) => {
    if (Array.isArray(value)) {
      value = value[Number(key)];
      return Number(key);
    }
    if (!isMap(value)) return 0;
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
