/**
 * `balance`: which server of an upstream takes a request.
 *
 * @module
 */
import * as v from "valibot";
import { byType, parsedBy } from "../schema_parts.ts";
import { compileTemplate, type Template } from "../template.ts";
import { expected, ValueError } from "../words.ts";

/** How a server is chosen. */
export type BalancePlan =
  | { kind: "round_robin" | "least_conn" | "ip_hash" }
  | { kind: "random"; two: boolean }
  | { kind: "hash"; consistent: boolean; keyText: string; key: Template };

const BALANCE_WORDS =
  `"round_robin", "least_conn", "ip_hash", "hash KEY", "hash KEY consistent", "random" or "random two"`;

function parseBalance(text: string): BalancePlan {
  const words = text.trim().split(/\s+/);
  const [method = "", key, option] = words;
  switch (method) {
    case "round_robin":
    case "least_conn":
    case "ip_hash":
      if (words.length === 1) return { kind: method };
      break;
    case "random":
      if (words.length === 1) return { kind: "random", two: false };
      if (
        key === "two" && (option === undefined || option === "least_conn") &&
        words.length <= 3
      ) {
        return { kind: "random", two: true };
      }
      break;
    case "hash":
      if (key === undefined) {
        throw new ValueError(
          `"hash" needs a key, such as "hash $remote_addr consistent"`,
        );
      }
      if (
        words.length <= 3 && (option === undefined || option === "consistent")
      ) {
        return {
          kind: "hash",
          consistent: option === "consistent",
          keyText: key,
          key: compileTemplate(key),
        };
      }
      break;
  }
  throw new ValueError(expected(BALANCE_WORDS, text));
}

export const Balance = byType(BALANCE_WORDS, [
  v.pipe(
    v.string(),
    v.metadata({
      pattern:
        "^(round_robin|least_conn|ip_hash|random( two( least_conn)?)?|hash \\S+( consistent)?)$",
    }),
    parsedBy(parseBalance),
  ),
]);
