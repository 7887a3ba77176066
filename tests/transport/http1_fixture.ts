/**
 * Requests over connections of the proxy's own, straight to a server of a test.
 *
 * @module
 */
import { Cancellation } from "../../lib/exchange/cancellation.ts";
import { type Deadline, Deadlines } from "../../lib/exchange/deadline.ts";
import { Http1Transport } from "../../lib/transport/http1/http1.ts";
import type { KeepAlive } from "../../lib/transport/http1/pool.ts";
import { RequestBody } from "../../lib/transport/request_body.ts";
import type {
  Transport,
  UpstreamRequest,
  UpstreamResponse,
} from "../../lib/transport/transport.ts";
import { textOf } from "./scripted_conn.ts";

/** Deadlines that can be counted. */
export class CountedDeadlines extends Deadlines {
  readonly #running = new Set<Deadline>();

  /** How many have neither expired nor been stopped. */
  get running(): number {
    return this.#running.size;
  }

  override start(timeout: number, expire: () => void, now?: number): Deadline {
    const deadline = super.start(timeout, () => {
      this.#running.delete(deadline);
      expire();
    }, now);
    this.#running.add(deadline);
    return deadline;
  }

  override stop(deadline: Deadline): void {
    this.#running.delete(deadline);
    super.stop(deadline);
  }
}

/** The way to a server, which is closed in the end. */
export interface TestTransport extends Disposable {
  readonly transport: Http1Transport;
  readonly deadlines: CountedDeadlines;
  /** Sends a request that has `host` and what is given. */
  send(request?: Partial<UpstreamRequest>): Promise<UpstreamResponse>;
}

const KEEP_ALIVE: KeepAlive = {
  keepalive: 8,
  keepalive_timeout: 10_000,
  keepalive_requests: 1_000,
  keepalive_time: 60_000,
};

/** A transport to 127.0.0.1. */
export function transportTo(
  port: number,
  keepAlive: Partial<KeepAlive> = {},
  secure = false,
): TestTransport {
  const deadlines = new CountedDeadlines();
  const name = `127.0.0.1:${port}`;
  const transport = new Http1Transport(
    { transport: "tcp", hostname: "127.0.0.1", port, name },
    secure,
    { ...KEEP_ALIVE, ...keepAlive },
    deadlines,
  );
  return {
    transport,
    deadlines,
    send: (request) => sendBy(transport, request),
    [Symbol.dispose]() {
      transport.close();
      deadlines.close();
    },
  };
}

/** Sends a GET of `/`, but for what is given. */
export function sendBy(
  transport: Transport,
  request: Partial<UpstreamRequest> = {},
): Promise<UpstreamResponse> {
  return transport.send({
    method: "GET",
    target: "/",
    fields: [["host", "x"]],
    body: null,
    upgrade: null,
    timeouts: { connect: 10_000, head: 10_000, body: 0 },
    cancellation: new Cancellation(),
    ...request,
  }, performance.now());
}

/** A body of a request, as a stream that gives these pieces. */
export function bodyOf(
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  length: number | null,
  deadlines = new Deadlines(),
  settings: Partial<RequestBody["settings"]> = {},
): RequestBody {
  return new RequestBody(
    ReadableStream.from(pieces),
    length,
    {
      client_body_timeout: 10_000,
      client_max_body_size: 0,
      proxy_send_timeout: 10_000,
      ...settings,
    },
    deadlines,
    () => false,
  );
}

/** A whole body as text, a character for each byte; `null` for none. */
export async function textOfBody(
  { body }: Pick<UpstreamResponse, "body">,
): Promise<string | null> {
  if (body === null) return null;
  if (body.whole !== null) return textOf(body.whole);
  let text = "";
  // Piece by piece: each is valid until the next is asked for.
  for await (const piece of body.stream ?? []) text += textOf(piece);
  return text;
}
