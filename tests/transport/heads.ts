/**
 * Heads of responses, and what they lead to.
 *
 * @module
 */
import { HeadError } from "../../lib/transport/errors.ts";
import { KnownHeads } from "../../lib/transport/http1/known_heads.ts";

/** A head with a status of 200. */
export const head = (...lines: string[]) =>
  ["HTTP/1.1 200 OK", ...lines, "", ""].join("\r\n");

/** What a head leads to, or why it is refused. */
export function outcome(
  text: string,
  method = "GET",
  known = new KnownHeads(),
) {
  try {
    return known.read(text, method);
  } catch (error) {
    if (error instanceof HeadError) return error.message;
    throw error;
  }
}
