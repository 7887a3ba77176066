/**
 * From a document to a config, with every problem found on the way.
 *
 * @module
 */
import type { Certificates } from "./certificates.ts";
import { checkConfig, type ReadConfig } from "./checks.ts";
import {
  ConfigError,
  formatPath,
  type Path,
  type Problem,
  type Report,
} from "./config_error.ts";
import { readAdminListen } from "./directives/admin.ts";
import { type Listen, readListen } from "./directives/listen.ts";
import { definedVariables } from "./defined_variables.ts";
import { type Environment, substituteEnvironment } from "./environment.ts";
import type { ReadFile } from "./files.ts";
import type { NamedFiles } from "./named_files.ts";
import { unknownKey } from "./hints.ts";
import { type Config, Document } from "./schema.ts";
import { attempt, isMap, type Issue, runWith } from "./schema_parts.ts";
import { checkTls } from "./tls_checks.ts";
import { warnOfConfig } from "./warnings.ts";

/** How to read a config. */
export interface ReadOptions {
  /** The file's name, or what stands for it in messages. */
  readonly source: string;
  readonly env: Environment;
  /** Reads the files that the config names; by default from the file system. */
  readonly readFile?: ReadFile | undefined;
  /** Reads the files that the config names. */
  readonly files: NamedFiles;
  /** Where to listen, whatever the config says. */
  readonly listen?: string | undefined;
  /** The certificate and its key, whatever the config says. */
  readonly certificate?: string | undefined;
  /** Where the admin listener is, whatever the config says. */
  readonly admin?: string | undefined;
  readonly certificates: Certificates;
}

/** A config that can be used. */
export interface UsableConfig {
  readonly config: Config;
  /** In the order of the document. */
  readonly warnings: readonly Problem[];
  /** Of certificates that clients would not take. */
  readonly certificateDoubts: readonly Problem[];
}

/**
 * Reads a document as a YAML parser returns it.
 *
 * @throws {ConfigError} With every problem, in the order of the document.
 */
export function readConfig(
  document: unknown,
  options: ReadOptions,
): UsableConfig {
  const { source, env, listen, admin, files, certificates } = options;
  const { readFile = Deno.readFileSync } = options;
  if (document === null || document === undefined) {
    const message = `the file is empty: it needs "locations" at least`;
    throw new ConfigError([{ file: source, path: "", message }]);
  }
  const found: Found[] = [];
  const doubtful: Found[] = [];
  const unfit: Found[] = [];
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
  const { certificate } = options;
  if (certificate !== undefined) filled = withCertificate(filled, certificate);
  if (admin !== undefined) {
    filled = withAdmin(
      filled,
      admin,
      (message) => void problems.push({ file: "--admin", path: "", message }),
    );
  }
  const { issues, output } = runWith(Document, filled, {
    variables: definedVariables(filled),
  });
  issues.forEach((issue) => reportIssue(issue, report));
  // The schema keeps what could be read, whatever else is wrong.
  const read = output as ReadConfig | undefined;
  if (read !== undefined && isMap(filled)) {
    if (override !== undefined) listenOnly(read, override);
    const reportWritten: Report = (path, message) =>
      report(writtenPath(path, filled), message);
    checkConfig(
      read,
      filled,
      { source, readFile, files },
      reportWritten,
      (path, message) => doubtful.push({ path, message }),
    );
    checkTls(read, certificates, {
      report: reportWritten,
      warn: (path, message) =>
        unfit.push({ path: writtenPath(path, filled), message }),
      override: override !== undefined,
    });
  }
  const asProblems = (found: readonly Found[]) =>
    inOrder(found, filled).map(({ path, message }): Problem => ({
      file: source,
      path: formatPath(path),
      message,
    }));
  problems.push(...asProblems(found));
  const isUsable = issues.length === 0 && problems.length === 0;
  if (isUsable) {
    warnOfConfig(output, (path, message) => {
      doubtful.push({ path: writtenPath(path, filled), message });
    });
  }
  const warnings = asProblems(doubtful);
  const certificateDoubts = asProblems(unfit);
  if (!isUsable) {
    throw new ConfigError(problems, {}, [...warnings, ...certificateDoubts]);
  }
  return { config: output, warnings, certificateDoubts };
}

interface Found {
  readonly path: Path;
  readonly message: string;
}

/** The document without any address of a server. */
function withoutListen(document: unknown): unknown {
  if (!isMap(document)) return document;
  const { listen: _, redirect_to_https: __, ...rest } = document;
  if (document["servers"] === undefined) return rest;
  const { servers } = document;
  if (!Array.isArray(servers)) return document;
  return { ...document, servers: servers.map(withoutListen) };
}

/** The document with one certificate for all servers. */
function withCertificate(document: unknown, file: string): unknown {
  if (!isMap(document)) return document;
  const without = (level: unknown): unknown => {
    if (!isMap(level)) return level;
    const { ssl_certificate: _, ssl_certificate_key: __, ...rest } = level;
    return rest;
  };
  const { servers } = document;
  return {
    ...document,
    ssl_certificate: file,
    ssl_certificate_key: file,
    ...Array.isArray(servers) ? { servers: servers.map(without) } : {},
  };
}

/** The document with another address of `admin`, whose token stays. */
function withAdmin(
  document: unknown,
  listen: string,
  refuse: (message: string) => void,
): unknown {
  if (!isMap(document)) return document;
  const isRead = attempt(() => readAdminListen(listen), refuse);
  if (isRead === undefined) return document;
  const { admin } = document;
  return {
    ...document,
    admin: isMap(admin) ? { ...admin, listen } : listen,
  };
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
