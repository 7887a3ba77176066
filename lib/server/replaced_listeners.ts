/**
 * Listeners whose certificate was replaced. Each goes on beside its successor
 * with what it has, and gets its share of new connections, since Deno 2.9.6 can't
 * stop accepting alone.
 *
 * @module
 */
import type { Certificate, ListenerPlan } from "../config/plan.ts";
import { ListenError, SHARES_PORTS } from "./listen_address.ts";
import type { Handler, Listener } from "./listener.ts";

/** Milliseconds before the end of its certificate's life at which one is closed, at most. */
const MARGIN = 3 * 24 * 60 * 60 * 1000;

/** As many of one address; with the next, the oldest is closed. */
const MOST = 3;

/** The longest that a timer can wait, in milliseconds. */
const LONGEST_TIMER = 2 ** 31 - 1;

interface Replaced {
  timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether its WebSockets are being closed. */
  draining: boolean;
}

export class ReplacedListeners {
  /** The oldest first. */
  readonly #all = new Map<Listener, Replaced>();

  [Symbol.iterator](): Iterator<Listener> {
    return this.#all.keys();
  }

  /**
   * Takes a listener. It closes with its last WebSocket, or some time before its
   * certificate expires. One whose certificate is no good any more in place of
   * the successor's closes its WebSockets now.
   *
   * @param handler For its requests.
   * @param window Milliseconds over which WebSockets are closed.
   */
  add(
    listener: Listener,
    handler: Handler,
    successor: Certificate,
    window: number,
  ): void {
    const { certificate } = listener;
    if (certificate === null) throw new Error("a listener without TLS");
    const replaced: Replaced = { timer: undefined, draining: false };
    this.#all.set(listener, replaced);
    listener.ended.then(() => {
      clearTimeout(replaced.timer);
      this.#all.delete(listener);
    });
    const others = [...this.#all].filter(([{ key }, { draining }]) =>
      key === listener.key && !draining
    );
    for (const [oldest, its] of others.slice(0, -MOST)) {
      drain(oldest, its, window);
    }
    listener.leave(handler);
    if (isAsGood(certificate, successor, Date.now())) {
      drainAt(endOf(certificate), listener, replaced, window);
    } else {
      drain(listener, replaced, window);
    }
  }

  /** Closes none by itself any more: all are being closed. */
  stop(): void {
    for (const { timer } of this.#all.values()) clearTimeout(timer);
  }
}

/**
 * Whether an address needs another listener beside the present one, for another
 * certificate.
 *
 * @throws {ListenError} if it is to change between HTTP and HTTPS.
 */
export function needsAnother(
  present: Listener,
  { certificate, written }: ListenerPlan,
): boolean {
  const own = present.certificate;
  if ((own === null) !== (certificate === null)) {
    throw new ListenError(written, "ssl", {});
  }
  return SHARES_PORTS && own?.chain !== certificate?.chain;
}

/**
 * Whether clients take a certificate as they take its successor: it has its
 * names, comes from the same authority, and its end is not near.
 */
export function isAsGood(
  certificate: Certificate,
  successor: Certificate,
  now: number,
): boolean {
  return successor.names.every((name) => certificate.names.includes(name)) &&
    certificate.issuer === successor.issuer && now < endOf(certificate);
}

/** When a certificate is no longer served, in milliseconds of the epoch. */
function endOf({ notBefore, notAfter }: Certificate): number {
  return notAfter - Math.min(MARGIN, (notAfter - notBefore) / 8);
}

function drain(listener: Listener, replaced: Replaced, window: number): void {
  clearTimeout(replaced.timer);
  if (replaced.draining) return;
  replaced.draining = true;
  listener.drain(window);
}

function drainAt(
  time: number,
  listener: Listener,
  replaced: Replaced,
  window: number,
): void {
  const left = time - Date.now();
  replaced.timer = setTimeout(() => {
    if (Date.now() < time) drainAt(time, listener, replaced, window);
    else drain(listener, replaced, window);
  }, Math.max(0, Math.min(left, LONGEST_TIMER)));
}
