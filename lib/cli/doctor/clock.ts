/**
 * Clocks that differ: a JWT that one machine has made is not valid yet, or no more,
 * for the next.
 *
 * @module
 */
import { valueOf } from "./answer.ts";
import { type Check, distinct } from "./check.ts";

/** Seconds; `Date` has whole seconds, and an answer takes its time. */
const MOST_SKEW = 5;

export const clockChecks: readonly Check[] = [{
  id: "clock",
  title: "the upstreams' clocks agree",
  async run(stack) {
    const findings = (await stack.visits()).map(
      ({ location, path, answer }) => {
        const { fields, at } = answer;
        const written = valueOf(fields, "date");
        const date = Date.parse(written ?? "");
        // A cache gives the date of long ago (RFC 9111 section 5.1).
        if (Number.isNaN(date) || valueOf(fields, "age") !== null) return null;
        const skew = (date + 500 - at) / 1000;
        if (Math.abs(skew) <= MOST_SKEW || location?.content.kind !== "proxy") {
          return null;
        }
        const seconds = `${Math.round(Math.abs(skew))} s`;
        return {
          sentence:
            `The clock of ${location.content.upstream.name} is ${seconds} ${
              skew > 0 ? "ahead of" : "behind"
            } this machine's: tokens (JWT) are refused as not valid yet, or expired.`,
          evidence: `GET ${path}: Date: ${written}; here it is ${
            new Date(at).toUTCString()
          }`,
          fix: "Synchronise the machines' clocks (NTP); restart a virtual " +
            "machine for containers that has slept.",
        };
      },
    );
    return distinct(findings.filter((finding) => finding !== null));
  },
}];
