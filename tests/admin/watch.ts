/**
 * Looking at the live page's events, without a browser.
 *
 * @module
 */
import type { LiveState } from "../../lib/admin/feed.ts";
import type { Recording } from "../../lib/observe/recorder/recording.ts";
import { soon } from "../support/soon.ts";

/** Somebody who looks. */
export interface Watcher extends AsyncDisposable {
  /** All that has been seen. */
  readonly seen: readonly Recording[];
  /** Waits for one. */
  find(is: (recording: Recording) => boolean): Promise<Recording>;
}

/** Looks until it is disposed; requests from now on are recorded. */
export async function watch(
  admin: string,
  headers: HeadersInit = {},
): Promise<Watcher> {
  const seen: Recording[] = [];
  const states = Promise.withResolvers<void>();
  let next = Promise.withResolvers<void>();
  let text = "";
  const response = await fetch(`${admin}/events`, { headers });
  if (response.body === null) throw new Error("no events");
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const reading = (async () => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const events = (text + value).split("\n\n");
      text = events.pop() ?? "";
      for (const event of events) {
        const [, data] = /^data: (.*)$/m.exec(event) ?? [];
        if (data === undefined) continue;
        const { requests }: LiveState = JSON.parse(data);
        if (requests === undefined) continue;
        states.resolve();
        seen.push(...requests.last);
        next.resolve();
        next = Promise.withResolvers();
      }
    }
  })();
  await states.promise;
  return {
    seen,
    async find(is) {
      for (;;) {
        const found = seen.find(is);
        if (found !== undefined) return found;
        await soon("it is seen", next.promise);
      }
    },
    async [Symbol.asyncDispose]() {
      await reader.cancel();
      await reading;
    },
  };
}
