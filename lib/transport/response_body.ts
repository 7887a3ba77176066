/**
 * A response's body that must not stall, or last too long.
 *
 * @module
 */
import { ClientClosedRequest } from "../exchange/errors.ts";
import type { Deadline, Deadlines } from "../exchange/deadline.ts";
import type { Cancellation } from "../exchange/cancellation.ts";

/**
 * The same body; it breaks off where nothing comes for too long, or where the
 * exchange is cancelled, and so does the client's connection. A body that streams
 * outside JavaScript would not hear of that; nor may the `fetch` that it is of:
 * Deno 2.9.6 forgets a request's signal with the first full garbage collection
 * after the response's head.
 *
 * @param timeout Milliseconds between two pieces; 0 is no limit. The time in
 * which the client takes nothing does not count.
 */
export function timedBody(
  body: ReadableStream<Uint8Array>,
  timeout: number,
  deadlines: Deadlines,
  cancellation: Cancellation,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let deadline: Deadline | null = null;
  const stopClock = () => {
    if (deadline !== null) deadlines.stop(deadline);
    deadline = null;
  };
  let over = false;
  return new ReadableStream<Uint8Array>({
    start(controller) {
      cancellation.listen((reason) => {
        // Nobody is left who could take the end for a whole answer, and Deno
        // lets go of this stream itself: to break it would only be reported.
        if (reason instanceof ClientClosedRequest) giveUp(reason);
        else breakOff(controller, reason);
      });
    },
    async pull(controller) {
      if (timeout > 0) {
        deadline = deadlines.start(timeout, () => {
          const late = new Error("nothing came for proxy_read_timeout");
          breakOff(controller, late);
        });
      }
      try {
        const { done, value } = await reader.read();
        if (over) return;
        if (done) controller.close();
        else controller.enqueue(value);
      } finally {
        stopClock();
      }
    },
    async cancel(reason) {
      stopClock();
      await reader.cancel(reason);
    },
  }, { highWaterMark: 0 });

  function breakOff(
    controller: ReadableStreamDefaultController<Uint8Array>,
    reason: Error,
  ): void {
    controller.error(reason);
    giveUp(reason);
  }

  function giveUp(reason: Error): void {
    over = true;
    reader.cancel(reason).catch(() => {});
  }
}
