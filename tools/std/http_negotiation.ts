/**
 * `accepts` with the signature of `@std/http/negotiation`, for networks that
 * do not reach JSR. @std's is a port of negotiator.
 *
 * @module
 */
// @ts-types="@types/negotiator"
import Negotiator from "negotiator";

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
  const forward = new Negotiator({ headers: { accept } });
  // Types that are liked equally negotiator takes in the header's order, @std
  // in that of `types`: such a pair changes places when the header is turned.
  const turned = new Negotiator({
    headers: { accept: accept.split(",").reverse().join(",") },
  });
  let best: T | undefined;
  for (const type of types) {
    const choice = best === undefined ? [type] : [best, type];
    if (
      forward.mediaType(choice) === type && turned.mediaType(choice) === type
    ) {
      best = type;
    }
  }
  return best;
}
