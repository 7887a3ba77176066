/**
 * The client's side of a bridge: Deno's server-side WebSocket, with what Deno
 * 2.9.6 leaves to its user.
 *
 * @module
 */
import { ClientFlow, type DrainPoll } from "./flow.ts";
import {
  type Close,
  GOING_AWAY,
  isLegalClose,
  NO_CODE,
  VANISHED,
} from "./frames/frame.ts";
import type { WebSocketTimes } from "./upstream_socket.ts";

/** The client's handshake. */
export interface Handshake {
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal;
  /** To be called when the signal is no longer needed. */
  readonly settled: () => void;
}

/** What the client does is reported to it. */
export interface ClientReceiver {
  clientOpened(): void;
  /** A message; none after this side has begun to close. */
  clientMessage(data: string | ArrayBuffer): void;
  /** The end, once: a legal close, or 1006 for a client that is lost. */
  clientEnded(close: Close): void;
  /** An event could not be handled. */
  failed(error: unknown): void;
}

export class ClientSocket implements EventListenerObject {
  readonly #socket: WebSocket;
  readonly #receiver: ClientReceiver;
  readonly #drain: DrainPoll;
  readonly #times: WebSocketTimes;
  readonly #flow: ClientFlow;
  #handshake: Handshake | null;
  #state: "connecting" | "open" | "closing" | "gone" = "connecting";
  /** What it is closed with as soon as it is open. */
  #closeAtOpen: Close | null = null;
  /** When it counts as lost if it is still in its state, by `performance.now()`. */
  #deadline: number;

  /**
   * @param socket Not open yet, with no event dispatched.
   * @param handshake Until the client is open: Deno 2.9.6 may dispatch no event
   * if it leaves before.
   */
  constructor(
    socket: WebSocket,
    handshake: Handshake,
    receiver: ClientReceiver,
    { drain, times }: { drain: DrainPoll; times: WebSocketTimes },
  ) {
    const now = performance.now();
    this.#socket = socket;
    this.#receiver = receiver;
    this.#drain = drain;
    this.#times = times;
    this.#flow = new ClientFlow(now);
    this.#deadline = now + times.open;
    this.#handshake = handshake;
    handshake.signal.addEventListener("abort", this);
    // One object for all events keeps an idle bridge small.
    for (const type of ["open", "message", "close", "error"]) {
      socket.addEventListener(type, this);
    }
  }

  get gone(): boolean {
    return this.#state === "gone";
  }

  /** What it was sent, for the access log. */
  get sent(): { messages: number; bytes: number } {
    return this.#flow.sent;
  }

  handleEvent(event: Event): void {
    try {
      switch (event.type) {
        case "message":
          if (this.#state !== "open") return;
          return this.#receiver.clientMessage((event as MessageEvent).data);
        case "open":
          return this.#opened();
        case "close":
          return this.#closed(event as CloseEvent);
        // Also of the signal. No "close" follows if the client left before it
        // was open.
        default:
          return this.#lost();
      }
    } catch (error) {
      this.#receiver.failed(error);
    }
  }

  /**
   * Sends a message.
   *
   * @param size Bytes of its payload.
   * @returns A promise if the next message must not be sent before it resolves.
   */
  send(data: string | Uint8Array, size: number): Promise<void> | undefined {
    const socket = this.#socket;
    if (socket.readyState !== WebSocket.OPEN) return;
    // Deno copies the bytes before it returns.
    socket.send(data as string | Uint8Array<ArrayBuffer>);
    return this.#flow.after(size, socket, this.#drain);
  }

  /**
   * Begins the closing handshake, if necessary as soon as the client is open.
   *
   * @param close A legal one, or 1006 to break the connection.
   * @param inMessage Whether this is called for a message of the client.
   */
  close(close: Close, inMessage = false): void {
    if (this.#state === "connecting") this.#closeAtOpen = close;
    if (this.#state !== "open") return;
    this.#state = "closing";
    // Deno 2.9.6 cuts the connection without a close frame if it has read more
    // messages of the client by then; they are dispatched first, and ignored.
    if (inMessage) setTimeout(sendClose, 0, this.#socket, close);
    else sendClose(this.#socket, close);
  }

  /** Gives it up, whatever state it is in. No event is reported any more. */
  abandon(close: Close): void {
    this.#state = "gone";
    if (this.#socket.readyState === WebSocket.OPEN) {
      sendClose(this.#socket, close);
    }
    this.#forgetHandshake();
  }

  /**
   * Looks for a client that has gone without an event.
   *
   * @param now Milliseconds of `performance.now()`.
   * @param ping Milliseconds of silence after which Deno pings it, and again
   * after which it closes it; 0 for never.
   */
  sweep(now: number, ping: number): void {
    const socket = this.#socket;
    if (now > this.#deadline) return this.#lost();
    if (this.#state !== "open") return;
    if (socket.readyState !== WebSocket.OPEN) {
      // Its close event should be on the way.
      this.#deadline = Math.min(this.#deadline, now + this.#times.close);
      return;
    }
    if (ping > 0 && this.#flow.isStuck(socket, now, 2 * ping)) this.#lost();
  }

  #opened(): void {
    // Too late: it was given up.
    if (this.#state === "gone") return this.#socket.close(GOING_AWAY);
    this.#state = "open";
    this.#deadline = Infinity;
    this.#forgetHandshake();
    this.#receiver.clientOpened();
    if (this.#closeAtOpen !== null) this.close(this.#closeAtOpen);
  }

  #closed({ code, reason, wasClean }: CloseEvent): void {
    // Cut, or the protocol violated, or Deno's ping not answered. Deno 2.9.6
    // passes on a reason that is too long for a close frame.
    const close = { code, reason };
    if (wasClean && isLegalClose(close)) this.#end(close);
    else this.#lost();
  }

  #lost(): void {
    this.#end({ code: VANISHED, reason: "" });
  }

  #end(close: Close): void {
    if (this.#state === "gone") return;
    this.abandon({ code: GOING_AWAY, reason: "" });
    this.#receiver.clientEnded(close);
  }

  #forgetHandshake(): void {
    if (this.#handshake === null) return;
    this.#handshake.signal.removeEventListener("abort", this);
    this.#handshake.settled();
    this.#handshake = null;
  }
}

function sendClose(socket: WebSocket, { code, reason }: Close): void {
  if (code === NO_CODE) socket.close();
  else if (code === VANISHED) breakConnection(socket);
  else socket.close(code, reason);
}

/**
 * Makes a client see a connection that was lost: in a browser a close event with
 * 1006 that is not clean.
 *
 * Deno 2.9.6 has no way to cut the connection of one WebSocket. But it does not
 * check the code of a server's close frame, and a client must fail the connection
 * on a code that no close frame may carry (RFC 6455 sections 7.1.7 and 7.4.1),
 * which looks the same. The client's answer is a close event of its own, not of
 * interest.
 */
function breakConnection(socket: WebSocket): void {
  socket.close(VANISHED);
}
