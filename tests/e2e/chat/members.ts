/**
 * Many clients of Centrifugo at once, as pages have them.
 *
 * @module
 */
import type { Centrifuge, SubscribedContext, Subscription } from "centrifuge";
import { clientOf, type Wishes } from "./centrifugo_client.ts";

/** One try to open a WebSocket. */
export interface Attempt {
  /** `performance.now()`. */
  readonly begun: number;
  /** Null while it is not known. */
  failed: boolean | null;
}

/** What happened to a connection that was open. */
export interface Loss {
  /** As Centrifugo's client tells its page. */
  readonly code: number;
  readonly reason: string;
}

/** One of the crowd. */
export interface Member {
  readonly client: Centrifuge;
  readonly subscription: Subscription;
  /** The data of all publications, in the order they came. */
  readonly publications: unknown[];
  /** Each time that it was subscribed. */
  readonly subscribed: SubscribedContext[];
  /** When it was subscribed the last time: `performance.now()`. */
  subscribedAt: number;
  readonly losses: Loss[];
  readonly attempts: Attempt[];
}

/** All of them, and what they wait for. */
export interface Crowd extends Disposable {
  readonly members: readonly Member[];
  /**
   * Resolves once something holds for so many of the crowd, for all by default.
   *
   * @param what For the message of the error.
   * @throws {Error} after so many milliseconds, half a minute by default.
   */
  until(
    what: string,
    holds: (member: Member) => boolean | null | undefined,
    count?: number,
    timeout?: number,
  ): Promise<void>;
}

/**
 * Starts clients that subscribe to a channel over WebSockets with JSON.
 *
 * @returns at once: none of them is connected yet.
 */
export function gather(
  count: number,
  channel: string,
  wishes: Omit<Wishes, "transport">,
): Crowd {
  const looks = new Set<() => void>();
  let soon: ReturnType<typeof setTimeout> | undefined;
  // Not at each of thousands of messages.
  const tell = () => {
    if (soon !== undefined || looks.size === 0) return;
    soon = setTimeout(() => {
      soon = undefined;
      for (const look of looks) look();
    }, 10);
  };
  const members = Array.from(
    { length: count },
    () => join(channel, wishes, tell),
  );
  return {
    members,
    until(what, holds, least = count, timeout = 30_000) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const look = () => {
        const those = members.filter(holds).length;
        if (those >= least) resolve();
        return those;
      };
      looks.add(look);
      const late = setTimeout(() => {
        reject(new Error(`${what}: ${look()} of ${count}, not ${least}`));
      }, timeout);
      look();
      return promise.finally(() => {
        clearTimeout(late);
        looks.delete(look);
      });
    },
    [Symbol.dispose]() {
      for (const { client } of members) client.disconnect();
      clearTimeout(soon);
    },
  };
}

function join(
  channel: string,
  wishes: Omit<Wishes, "transport">,
  tell: () => void,
): Member {
  const attempts: Attempt[] = [];
  const client = clientOf({
    ...wishes,
    transport: "WebSocket, JSON",
    options: {
      websocket: noting(wishes.origin, attempts, tell),
      ...wishes.options,
    },
  });
  const subscription = client.newSubscription(channel);
  const member: Member = {
    client,
    subscription,
    publications: [],
    subscribed: [],
    subscribedAt: NaN,
    losses: [],
    attempts,
  };
  client.on("connecting", ({ code, reason }) => {
    // 0: connect() was called.
    if (code !== 0) member.losses.push({ code, reason });
    tell();
  });
  subscription.on("subscribed", (context) => {
    member.subscribed.push(context);
    member.subscribedAt = performance.now();
    tell();
  });
  subscription.on("publication", ({ data }) => {
    member.publications.push(data);
    tell();
  });
  subscription.subscribe();
  client.connect();
  return member;
}

/** A WebSocket that notes how each try to open it ends. */
function noting(origin: string, attempts: Attempt[], tell: () => void) {
  return class extends WebSocket {
    constructor(url: string | URL, protocols: string | string[] = []) {
      super(url, { protocols: [protocols].flat(), headers: { origin } });
      const attempt: Attempt = { begun: performance.now(), failed: null };
      attempts.push(attempt);
      this.addEventListener("open", () => {
        attempt.failed = false;
      });
      this.addEventListener("close", () => {
        attempt.failed ??= true;
        tell();
      });
    }
  };
}
