/**
 * Telling Centrifugo: what happens here reaches the browsers through it.
 *
 * @module
 */
import { signToken } from "../jwt.ts";
import type { Message, Room } from "./store.ts";

/** How Centrifugo is reached, and what it shares with the backend. */
export interface LiveOptions {
  /** `host:port` of the HTTP API. */
  address: string;
  apiKey: string;
  /** Signs connection tokens (HS256). */
  tokenSecret: string;
  /** How long a connection token is valid, in seconds. 600 unless given. */
  tokenLifetime?: number;
}

/** What browsers are told in the channels `rooms` and `room:ID`. */
export type LiveEvent =
  | { type: "room"; room: Room }
  | { type: "message"; message: Message };

/** The longest wait for Centrifugo, in milliseconds. */
const PATIENCE = 2_000;

/** Centrifugo, as the backend sees it. */
export class Live {
  constructor(private readonly options: LiveOptions) {}

  /** What a browser connects with. */
  connectionToken(user: string): Promise<string> {
    const lifetime = this.options.tokenLifetime ?? 600;
    const exp = Math.floor(Date.now() / 1_000) + lifetime;
    const { tokenSecret } = this.options;
    return signToken({ sub: user, exp, info: { name: user } }, tokenSecret);
  }

  /**
   * Publishes to the channel that the event belongs in. A failure is noted and
   * no more: what was said is kept, and is read at the next load of the page.
   */
  async publish(event: LiveEvent): Promise<void> {
    const channel = event.type === "room"
      ? "rooms"
      : `room:${event.message.room}`;
    const { address, apiKey } = this.options;
    try {
      const response = await fetch(`http://${address}/api/publish`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-api-key": apiKey },
        body: JSON.stringify({ channel, data: event }),
        signal: AbortSignal.timeout(PATIENCE),
      });
      const answer = await response.text();
      if (!response.ok || answer.includes('"error"')) {
        console.error(
          `demo/backend: Centrifugo at ${address} answers a publication ` +
            `with ${response.status} ${answer.trim()}`,
        );
      }
    } catch (error) {
      const reason = error instanceof Error ? error.cause ?? error : error;
      console.error(
        `demo/backend: Centrifugo at ${address} can't be told: ${reason}`,
      );
    }
  }
}
