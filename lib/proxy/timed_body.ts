/**
 * A response's body that must not stall.
 *
 * @module
 */
import type { Deadline, Deadlines } from "./deadline.ts";

/**
 * The same body; it breaks off where nothing comes for too long, and so does
 * the client's connection.
 *
 * @param timeout Milliseconds between two pieces. The time in which the client
 * takes nothing does not count.
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
      deadline = deadlines.start(timeout, () => {
        deadline = null;
        const late = new Error("nothing came for proxy_read_timeout");
        controller.error(late);
        reader.cancel(late).catch(() => {});
      });
      try {
        const { done, value } = await reader.read();
        if (deadline === null) return;
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
