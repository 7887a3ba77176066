/**
 * `accepts` with the signature of `@std/http/negotiation`, for networks that
 * do not reach JSR. Written out here: negotiator, which @std's is a port of,
 * prefers the `Accept` header's order among types that are liked equally,
 * @std's the caller's.
 *
 * @module
 */

/** A media range of an `Accept` header, or a media type. */
interface MediaRange {
  type: string;
  subtype: string;
  parameters: Map<string, string>;
  /** The weight, 0 to 1. */
  q: number;
}

/**
 * The media type of `types` that the request's `Accept` header likes best, the
 * first of them where there is no such header (RFC 9110 section 12.5.1).
 *
 * @returns Undefined if none is accepted.
 */
export function accepts<T extends string>(
  request: Pick<Request, "headers">,
  ...types: [T, ...T[]]
): T | undefined {
  const accept = request.headers.get("accept");
  if (!accept) return types[0];
  const ranges = accept.split(",").flatMap((range) => mediaRange(range) ?? []);
  let best: { type: T; q: number; precision: number } | undefined;
  for (const type of types) {
    const { q, precision } = weight(type, ranges);
    if (
      q > 0 &&
      (best === undefined || q > best.q ||
        q === best.q && precision > best.precision)
    ) {
      best = { type, q, precision };
    }
  }
  return best?.type;
}

/** How much a type is liked: what the most precise range that names it says. */
function weight(
  type: string,
  ranges: MediaRange[],
): { q: number; precision: number } {
  let best = { q: 0, precision: 0 };
  const offered = mediaRange(type);
  if (offered === undefined) return best;
  for (const range of ranges) {
    const precision = match(offered, range);
    if (
      precision !== undefined &&
      (precision > best.precision ||
        precision === best.precision && range.q > best.q)
    ) {
      best = { q: range.q, precision };
    }
  }
  return best;
}

/** How precisely a range names a type: 0 for the range of all types; undefined if it does not. */
function match(offered: MediaRange, range: MediaRange): number | undefined {
  let precision = 0;
  if (range.type === offered.type) precision += 4;
  else if (range.type !== "*") return undefined;
  if (range.subtype === offered.subtype) precision += 2;
  else if (range.subtype !== "*") return undefined;
  for (const [name, value] of range.parameters) {
    if ((offered.parameters.get(name) ?? "") !== value) return undefined;
  }
  return range.parameters.size > 0 ? precision + 1 : precision;
}

function mediaRange(text: string): MediaRange | undefined {
  const [name = "", ...rest] = text.split(";").map((part) => part.trim());
  const [, type, subtype] = /^([^\s/]+)\/(\S+)$/.exec(name.toLowerCase()) ?? [];
  if (type === undefined || subtype === undefined) return undefined;
  const parameters = new Map<string, string>();
  for (const parameter of rest) {
    const [key = "", value = ""] = parameter.toLowerCase().split("=");
    if (key === "q" && value !== "") {
      // What follows the weight is no part of the media type.
      return { type, subtype, parameters, q: Number.parseFloat(value) };
    }
    parameters.set(key, value.replace(/^"(.*)"$/, "$1"));
  }
  return { type, subtype, parameters, q: 1 };
}
