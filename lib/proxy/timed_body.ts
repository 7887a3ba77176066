/**
 * A response's body that must not stall.
 *
 * @module
 */
import type { Deadline, Deadlines } from "./deadline.ts";

/**
 * The same body; it breaks off where nothing comes for too long, or where the
 * `fetch` that it is of is aborted, and so does the client's connection. A body
 * that streams outside JavaScript would not hear of that.
 *
 * @param timeout Milliseconds between two pieces; 0 is no limit. The time in
 * which the client takes nothing does not count.
 */
export function timedBody(
  body: ReadableStream<Uint8Array>,
  timeout: number,
  deadlines: Deadlines,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let deadline: Deadline | null = null;
  const stop = () => {
    if (deadline !== null) deadlines.stop(deadline);
    deadline = null;
  };
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      let over = false;
      if (timeout > 0) {
        deadline = deadlines.start(timeout, () => {
          over = true;
          const late = new Error("nothing came for proxy_read_timeout");
          controller.error(late);
          reader.cancel(late).catch(() => {});
        });
      }
      try {
        const { done, value } = await reader.read();
        if (over) return;
        if (done) controller.close();
        else controller.enqueue(value);
      } finally {
        stop();
      }
    },
    async cancel(reason) {
      stop();
      await reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}
