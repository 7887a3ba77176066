/**
 * A server of an upstream, for the soak: small and large answers, bodies,
 * streams of events, and WebSockets with numbered messages.
 *
 * @module
 */
import { Gate } from "./gate.ts";

/** Bytes of the answer to `/large`. */
export const LARGE = 1_000_000;
/** What a client sends as its last message, to be closed with {@linkcode ENOUGH}. */
export const LAST = "last";
/** The code with which the server closes. */
export const ENOUGH = 4000;

const large = new Uint8Array(LARGE).fill(97);
const event = new TextEncoder().encode(`data: ${"x".repeat(200)}\n\n`);

export class SoakServer implements AsyncDisposable {
  readonly gate: Gate;
  /** Whether all is answered with 500. */
  broken = false;
  /** Streams of events, and WebSockets, that are open now. */
  streams = 0;
  sockets = 0;
  /** WebSocket messages that came twice, or not in their turn. */
  wrong = 0;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(readonly name: string) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      (request) => this.#answer(request),
    );
    this.gate = new Gate(this.#server.addr.port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gate[Symbol.asyncDispose]();
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    if (this.broken) return new Response("broken", { status: 500 });
    const path = new URL(request.url).pathname;
    if (path.endsWith("/large")) return new Response(large);
    if (path.endsWith("/events")) return this.#events();
    if (path.endsWith("/socket")) return this.#upgrade(request);
    if (request.method === "GET") return new Response("small");
    try {
      let length = 0;
      for await (const chunk of request.body ?? []) length += chunk.length;
      return new Response(String(length));
    } catch {
      // The client has left in the middle.
      return new Response(null, { status: 400 });
    }
  }

  #events(): Response {
    let timer: ReturnType<typeof setInterval>;
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.streams++;
        controller.enqueue(event);
        timer = setInterval(() => controller.enqueue(event), 100);
      },
      cancel: () => {
        this.streams--;
        clearInterval(timer);
      },
    });
    return new Response(stream, {
      headers: { "content-type": "text/event-stream" },
    });
  }

  /** Says who it is, numbers what it sends, and gives back what it gets. */
  #upgrade(request: Request): Response {
    const { socket, response } = Deno.upgradeWebSocket(request);
    let timer: ReturnType<typeof setInterval>;
    let sent = 0;
    let received = 0;
    socket.onopen = () => {
      this.sockets++;
      socket.send(`server ${this.name} ${this.gate.cuts}`);
      timer = setInterval(() => socket.send(`pushed ${sent++}`), 1_000);
    };
    socket.onmessage = ({ data }) => {
      if (data === LAST) return socket.close(ENOUGH);
      if (data !== `sent ${received++}`) this.wrong++;
      socket.send(data);
    };
    // Nothing to be said of a connection that was cut.
    socket.onerror = (event) => event.preventDefault();
    socket.onclose = () => {
      clearInterval(timer);
      this.sockets--;
    };
    return response;
  }
}
