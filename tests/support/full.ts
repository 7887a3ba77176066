/**
 * How much is asked of the tests that could go on for minutes.
 *
 * @module
 */

/** Whether all their runs are asked for, and not a part. */
export const FULL = Deno.env.get("SAMEORIGIN_FULL") === "1";
