/**
 * The messages between `sameorigin reload` and the running proxy: a proof that
 * the command can read the proxy's config file, and the outcome.
 *
 * @module
 */
import * as v from "valibot";
import type { Problem } from "../config/config_error.ts";
import { printable } from "./terminal.ts";

/** The outcome of a reload; the proxy sends it as JSON. */
export type ReloadOutcome =
  | { readonly kind: "done"; readonly message: string }
  /** The config has problems. */
  | { readonly kind: "problems"; readonly problems: readonly Problem[] }
  /** The file can't be read. */
  | { readonly kind: "unreadable"; readonly message: string }
  /** The config can't be put in effect. */
  | { readonly kind: "failed"; readonly message: string };

/** What is printed after a config that can't be used. */
export const UNCHANGED = "the proxy keeps running with the config it has";

/**
 * A hash of the file as it is now: its real path, its identity and its content.
 * Without read access to the file nobody can make the proxy reload it.
 *
 * @returns 64 hexadecimal digits (SHA-256).
 * @throws {Error} of the system if the file can't be read.
 */
export async function configProof(path: string): Promise<string> {
  const place = await Deno.realPath(path);
  const { dev, ino, size, mtime } = await Deno.stat(place);
  const identity = JSON.stringify([place, dev, ino, size, mtime?.getTime()]);
  const content = await Deno.readFile(place);
  const head = new TextEncoder().encode(`sameorigin reload\n${identity}\n`);
  const all = new Uint8Array(head.length + content.length);
  all.set(head);
  all.set(content, head.length);
  const digest = await crypto.subtle.digest("SHA-256", all);
  return new Uint8Array(digest).toHex();
}

/** Whether two proofs are equal, in a time that does not depend on where they differ. */
export function sameProof(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) {
    difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  }
  return difference === 0;
}

/**
 * The outcome in a response's body, its texts made printable: any program may
 * have the port and answer.
 *
 * @returns Null if it is not exactly an outcome.
 */
export function parseOutcome(body: Uint8Array): ReloadOutcome | null {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    return null;
  }
  const result = v.safeParse(Outcome, value);
  return result.success ? result.output : null;
}

const Line = v.pipe(v.string(), v.transform(printable));

const Lines = v.pipe(
  v.string(),
  v.transform((text) => text.split("\n").map(printable).join("\n")),
);

const Position = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

const Outcome = v.variant("kind", [
  v.object({ kind: v.literal("done"), message: Line }),
  v.object({
    kind: v.literal("problems"),
    problems: v.pipe(
      v.array(v.object({
        file: Line,
        path: Line,
        message: Line,
        line: v.exactOptional(Position),
        column: v.exactOptional(Position),
        snippet: v.exactOptional(Lines),
      })),
      v.minLength(1),
    ),
  }),
  v.object({ kind: v.literal("unreadable"), message: Line }),
  v.object({ kind: v.literal("failed"), message: Line }),
]);
