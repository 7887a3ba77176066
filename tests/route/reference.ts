/**
 * Naive models of what lib/route does, written another way: with regular
 * expressions, linear searches and Node's Buffer.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { LocationEntry, Match } from "../../lib/route/location.ts";
import type { ServerEntry } from "../../lib/route/server.ts";

/** `$uri` and `$args` of a target, null for 400. */
export function referenceTarget(
  raw: string,
): { path: string; args: string } | null {
  if (!raw.startsWith("/") || /[^!-~\x80-\uffff]/.test(raw)) return null;
  const [, encoded = "", query = ""] = /^([^?#]*)([^#]*)/.exec(raw) ?? [];
  const path = referencePath(toBytes(encoded));
  return path === null ? null : { path, args: query.slice(1) };
}

/** As nginx normalises an undecoded path, a byte string. */
export function referencePath(encoded: string): string | null {
  if (/%(?![0-9a-f]{2})|%00/i.test(encoded)) return null;
  return resolve(merge(decode(encoded, /^$/)));
}

/** UTF-8, one character for each byte. */
export function toBytes(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** nginx's documented order, one rule after the other. */
export function referenceLocation<L>(
  entries: readonly LocationEntry<L>[],
  path: string,
): Pick<Match<L>, "kind" | "location"> | null {
  const at = (kind: string, wanted: string) =>
    entries.find(({ key }) =>
      key.kind !== "regex" &&
      (key.kind === "exact") === (kind === "exact") && key.path === wanted
    );
  const exact = at("exact", path);
  if (exact) return { kind: "found", location: exact.value };
  if (!at("prefix", path)) {
    const redirect = entries.find(({ key }) =>
      key.kind !== "regex" && key.autoRedirect && key.path === path + "/"
    );
    if (redirect) return { kind: "redirect", location: redirect.value };
  }
  let longest: LocationEntry<L> | undefined;
  for (let length = path.length; length > 0 && !longest; length--) {
    longest = at("prefix", path.slice(0, length));
  }
  if (longest?.key.kind !== "preferential") {
    for (const { key, value } of entries) {
      if (
        key.kind === "regex" &&
        new RegExp(key.source, key.ignoreCase ? "i" : "").test(path)
      ) return { kind: "found", location: value };
    }
  }
  return longest ? { kind: "found", location: longest.value } : null;
}

/** nginx's documented order of server names. */
export function referenceServer<S>(
  entries: readonly ServerEntry<S>[],
  host: string,
): S | undefined {
  const names = entries.flatMap(({ names, server }) =>
    names.map((name) => ({ name: name.toLowerCase(), server }))
  );
  const longest = (matches: (name: string) => boolean) =>
    names.filter(({ name }) => matches(name))
      .sort((a, b) => fixedPart(b.name) - fixedPart(a.name))[0];
  const found =
    names.find(({ name }) => name === host || name === "." + host) ??
      longest((name) =>
        /^\*?\./.test(name) && host.endsWith(name.replace("*", ""))
      ) ??
      longest((name) =>
        name.endsWith(".*") && host.startsWith(name.slice(0, -1))
      );
  return (found ?? entries[0])?.server;
}

/** Of `*.example.com` and `.example.com` the same. */
function fixedPart(name: string): number {
  return name.replace("*", "").length;
}

/**
 * All ways to read a path: any rewrites of the text, in their order, then decode
 * whole or by segment, then any of the steps in any order. Null stands for above
 * the root.
 */
export function referenceReadings(encoded: string): (string | null)[] {
  const texts = rewritings(encoded, [
    [/#[^]*$/, ""],
    [/;[^/]*/g, ""],
    [/\\/g, "/"],
    [/^\/{2,}[^/]*$/, "/"],
    [/^\/{2,}[^/]+(?=\/)/, ""],
    [/%5c/gi, "/"],
    [/;[^/]*/g, ""],
  ]);
  const paths = new Set(texts).values().flatMap((text) => [
    decode(text, /^$/),
    decode(text, /^%2f$/i),
  ]);
  return [...new Set(paths)].flatMap((path) => [
    path,
    merge(path),
    resolve(path),
    resolve(merge(path)),
    merge(resolve(path)),
  ]);
}

/** The text with each of the replacements made or not made. */
function rewritings(
  text: string,
  replacements: [pattern: RegExp, by: string][],
): string[] {
  const [first, ...others] = replacements;
  if (first === undefined) return [text];
  return [text, text.replace(...first)].flatMap((each) =>
    rewritings(each, others)
  );
}

/** Percent-decoded, but for escapes that `stay`. */
function decode(text: string, stay: RegExp): string {
  return text.replace(
    /%([0-9a-f]{2})/gi,
    (escape, hex) =>
      stay.test(escape) ? escape : String.fromCharCode(parseInt(hex, 16)),
  );
}

function merge<T extends string | null>(path: T): string | T {
  return path === null ? path : path.replace(/\/+/g, "/");
}

/** RFC 3986 section 5.2.4, its rules in its order, but null above the root. */
function resolve(path: string | null): string | null {
  let input = path ?? "";
  let output = "";
  while (input !== "") {
    if (/^\/\.(\/|$)/.test(input)) {
      input = input.replace(/^\/\.\/?/, "/");
    } else if (/^\/\.\.(\/|$)/.test(input)) {
      input = input.replace(/^\/\.\.\/?/, "/");
      if (output === "") return null;
      output = output.slice(0, output.lastIndexOf("/"));
    } else {
      const [segment = ""] = /^\/?[^/]*/.exec(input) ?? [];
      output += segment;
      input = input.slice(segment.length);
    }
  }
  return path === null ? null : output;
}
