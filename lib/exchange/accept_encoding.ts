/**
 * What codings a client takes (RFC 9110 section 12.5.3).
 *
 * @module
 */

/**
 * How much a client wants a coding: 0 where it does not take it, to 1. As in
 * nginx, `*` is no wish for one.
 *
 * @param accepted The request's `Accept-Encoding`, null for none.
 * @param coding In lower case.
 */
export function codingWeight(accepted: string | null, coding: string): number {
  if (accepted === null) return 0;
  const lower = accepted.toLowerCase();
  if (!lower.includes(coding)) return 0;
  for (const item of lower.split(",")) {
    const [name = "", ...parameters] = item.split(";");
    if (name.trim() === coding) return weightOf(parameters);
  }
  return 0;
}

/** RFC 9110 section 12.4.2; 0 for what is no weight. */
function weightOf(parameters: readonly string[]): number {
  const [parameter, ...more] = parameters;
  if (parameter === undefined) return 1;
  const [, weight] = WEIGHT.exec(parameter) ?? [];
  return weight === undefined || more.length > 0 ? 0 : Number(weight);
}

const WEIGHT = /^\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*$/;
