/**
 * nginx's `client_max_body_size`.
 *
 * @module
 */
import type { LocationPlan } from "../config/plan.ts";

/** A request body larger than the location's `client_max_body_size`: 413. */
export class BodyTooLarge extends Error {
  override readonly name = "BodyTooLarge";
}

/**
 * The body to send on. One with a Content-Length was measured by it when the
 * request was admitted, and the platform holds the client to it; one without is
 * counted as it passes, and breaks off at the limit.
 */
export function limitBody(
  request: Request,
  location: LocationPlan,
): { body: ReadableStream<Uint8Array> | null; exceeded: () => boolean } {
  const limit = location.clientMaxBodySize;
  if (
    limit === 0 || request.body === null ||
    !request.headers.has("transfer-encoding")
  ) return { body: request.body, exceeded: () => false };
  let size = 0;
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      size += chunk.byteLength;
      if (size > limit) controller.error(new BodyTooLarge());
      else controller.enqueue(chunk);
    },
  });
  return {
    body: request.body.pipeThrough(counter),
    exceeded: () => size > limit,
  };
}
