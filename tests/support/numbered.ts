/**
 * Load that notices everything that goes missing: WebSockets that exchange
 * numbered messages, and requests of which each must be answered.
 *
 * @module
 */
import { rawClient, type RawConnection } from "./raw_upstream.ts";

/** A WebSocket to a server that echoes. */
export class NumberedSocket {
  /** Messages sent, and of these come back in their turn. */
  sent = 0;
  received = 0;
  /** Messages that came back out of turn, twice, or changed. */
  wrong = 0;
  /** What it was closed with by the other side; null if it was not. */
  lost: number | null = null;
  readonly #socket: WebSocket;
  readonly #opened = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void>();
  #caughtUp: (() => void) | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;
  #closing = false;

  /** @param interval Milliseconds between two messages. */
  constructor(url: string, interval: number) {
    this.#socket = new WebSocket(url.replace(/^http/, "ws"));
    this.#socket.onopen = () => {
      this.#opened.resolve();
      this.#timer = setInterval(() => this.#send(), interval);
      this.#send();
    };
    this.#socket.onerror = () => this.#opened.resolve();
    this.#socket.onmessage = ({ data }) => this.#take(data);
    this.#socket.onclose = ({ code }) => {
      clearInterval(this.#timer);
      if (!this.#closing) this.lost = code;
      this.#caughtUp?.();
      this.#closed.resolve();
    };
  }

  /** Settles when it is open, or is not to be. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /** Waits for what is on its way, and closes it. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    if (this.isOpen && this.received + this.wrong < this.sent) {
      await new Promise<void>((resolve) => this.#caughtUp = resolve);
    }
    this.#closing = true;
    this.#socket.close();
    await this.#closed.promise;
  }

  #send(): void {
    if (this.isOpen) this.#socket.send(String(this.sent++));
  }

  #take(data: unknown): void {
    if (data === String(this.received)) this.received++;
    else this.wrong++;
    if (this.received + this.wrong === this.sent) this.#caughtUp?.();
  }
}

/** Connections that send request after request. */
export class RequestLoad {
  /** Requests answered with 200 and their whole body. */
  answered = 0;
  /** Why others were not, with how many of each. */
  readonly failures = new Map<string, number>();
  readonly #port: number;
  readonly #pause: number;
  readonly #loops: Promise<void>[];
  #stopped = false;

  /**
   * @param port Of 127.0.0.1.
   * @param pause Milliseconds between an answer and the next request.
   */
  constructor(port: number, connections: number, pause: number) {
    this.#port = port;
    this.#pause = pause;
    this.#loops = Array.from({ length: connections }, () => this.#run());
  }

  get failed(): number {
    return [...this.failures.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Lets each finish its request. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#loops);
  }

  async #run(): Promise<void> {
    let client: KeptConnection | null = null;
    while (!this.#stopped) {
      try {
        // One that the server has closed while it was idle has lost nothing.
        if (client === null || client.ended) {
          client?.close();
          client = await KeptConnection.open(this.#port);
        }
        await client.ask("/load");
        this.answered++;
      } catch (error) {
        client?.close();
        client = null;
        const why = error instanceof Error ? error.message : String(error);
        this.failures.set(why, (this.failures.get(why) ?? 0) + 1);
      }
      await new Promise((resolve) => setTimeout(resolve, this.#pause));
    }
    client?.close();
  }
}

/** A keep-alive connection that knows when the server has closed it. */
class KeptConnection {
  ended = false;
  #waiting: PromiseWithResolvers<string> | null = null;
  #text = "";

  static async open(port: number): Promise<KeptConnection> {
    return new KeptConnection(await rawClient(port));
  }

  private constructor(private readonly client: RawConnection) {
    this.#read();
  }

  /** @throws {Error} if there is no whole answer, or another than 200. */
  async ask(path: string): Promise<void> {
    this.#waiting = Promise.withResolvers();
    const answer = this.#waiting.promise;
    // It may be answered, or cut, before all is written.
    await Promise.all([
      answer,
      this.client.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`),
    ]);
    const head = await answer;
    const status = head.slice(9, 12);
    if (status !== "200") throw new Error(`status ${status}`);
    if (/^connection: close\r$/im.test(head)) this.ended = true;
  }

  close(): void {
    this.client.close();
  }

  async #read(): Promise<void> {
    const { conn } = this.client;
    const chunk = new Uint8Array(16_384);
    const decoder = new TextDecoder();
    try {
      for (;;) {
        const count = await conn.read(chunk);
        if (count === null) break;
        this.#text += decoder.decode(chunk.subarray(0, count));
        this.#take();
      }
    } catch {
      // A reset is an end too.
    }
    this.ended = true;
    this.#waiting?.reject(
      new Error(this.#text === "" ? "closed without an answer" : "cut short"),
    );
  }

  #take(): void {
    const end = this.#text.indexOf("\r\n\r\n");
    if (end === -1) return;
    const head = this.#text.slice(0, end + 2);
    const length = Number(/^content-length: (\d+)\r$/im.exec(head)?.[1] ?? 0);
    if (this.#text.length < end + 4 + length) return;
    this.#text = this.#text.slice(end + 4 + length);
    this.#waiting?.resolve(head);
    this.#waiting = null;
  }
}
