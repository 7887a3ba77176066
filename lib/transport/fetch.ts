/**
 * Requests by the platform's `fetch`: for `https://`, where TLS, certificates
 * and HTTP/2 are its strength. A response's body streams outside JavaScript.
 *
 * @module
 */
import type { UpstreamAddress } from "../config/plan.ts";
import type { Cancellable } from "../exchange/cancellation.ts";
import type { Deadline, Deadlines } from "../exchange/deadline.ts";
import type { Field } from "../exchange/fields.ts";
import { endToEnd, IDEMPOTENT, isIdempotent } from "../exchange/headers.ts";
import type { Histogram } from "../observe/metrics/histogram.ts";
import { fetchFailure, UpstreamError } from "./errors.ts";
import { Http1Transport } from "./http1/http1.ts";
import { type KeepAlive, NO_KEEP_ALIVE } from "./http1/pool.ts";
import { connects } from "./reachability.ts";
import { FetchBody } from "./fetch_body.ts";
import { fetchFields, fetchTarget, Measured } from "./fetch_request.ts";
import { GivenUp, type RequestBody } from "./request_body.ts";
import type {
  Transport,
  UpstreamRequest,
  UpstreamResponse,
} from "./transport.ts";

/** The way to one server by `fetch`. */
export class FetchTransport implements Transport {
  readonly #origin: string;
  readonly #proxy: Deno.Proxy | undefined;
  readonly #keepAlive: KeepAlive;
  readonly #client: Deno.HttpClient;
  readonly #upgrades: Http1Transport;
  #unpooled: Deno.HttpClient | null = null;
  /** The look that is being taken whether the server can be connected to. */
  #look: Promise<boolean> | null = null;

  constructor(
    scheme: "http" | "https",
    readonly address: UpstreamAddress,
    keepAlive: KeepAlive,
    readonly deadlines: Deadlines,
    connects: Histogram | null = null,
  ) {
    if (address.transport === "tcp") {
      this.#origin = `${scheme}://${
        bracketed(address.hostname)
      }:${address.port}`;
    } else {
      this.#origin = `${scheme}://localhost`;
      this.#proxy = { transport: "unix", path: address.path };
    }
    this.#keepAlive = keepAlive;
    this.#client = this.#createClient(keepAlive.keepalive);
    this.#upgrades = new Http1Transport(
      address,
      scheme === "https",
      NO_KEEP_ALIVE,
      deadlines,
      connects,
    );
  }

  send(request: UpstreamRequest, now: number): Promise<UpstreamResponse> {
    // `fetch` can't upgrade a connection.
    if (request.upgrade !== null) return this.#upgrades.send(request, now);
    return new Sending(request, this).response(now);
  }

  /** The platform does not tell. */
  get idle(): null {
    return null;
  }

  /** Whether the server lets itself be connected to; many that ask look once. */
  look(timeout: number): Promise<boolean> {
    this.#look ??= connects(this.address, timeout).finally(() => {
      this.#look = null;
    });
    return this.#look;
  }

  fetch(
    { method, target, fields }: UpstreamRequest,
    body: BodyInit | null,
    signal: AbortSignal,
  ): Promise<Response> {
    const init: RequestInit & { client: Deno.HttpClient } = {
      method,
      headers: fetchFields(fields),
      body,
      redirect: "manual",
      signal,
      client: body === null && !isIdempotent(method)
        ? this.#withoutPool()
        : this.#client,
    };
    return fetch(this.#origin + fetchTarget(target), init);
  }

  close(): void {
    this.#client.close();
    this.#unpooled?.close();
    this.#upgrades.close();
  }

  /**
   * A client that keeps no connection, for requests that may not be repeated
   * and have no body: `fetch` sends these by itself once more where a connection
   * that was kept closes under them, also a POST (Deno 2.9.6).
   */
  #withoutPool(): Deno.HttpClient {
    return this.#unpooled ??= this.#createClient(0);
  }

  #createClient(keepalive: number): Deno.HttpClient {
    // HTTP/1.1 only: over plain http there is no way to negotiate more.
    // `allowHost`, or `fetch` refuses a Host of ours.
    return Deno.createHttpClient({
      http2: false,
      allowHost: true,
      poolMaxIdlePerHost: keepalive,
      poolIdleTimeout: this.#keepAlive.keepalive_timeout,
      ...(this.#proxy === undefined ? {} : { proxy: this.#proxy }),
    });
  }
}

/** One request on its way. */
class Sending implements Cancellable {
  readonly #abort = new AbortController();
  #answered = false;
  #connecting: Deadline | null = null;
  #reading: Deadline | null = null;

  constructor(
    readonly request: UpstreamRequest,
    readonly transport: FetchTransport,
  ) {}

  async response(now: number): Promise<UpstreamResponse> {
    const { request, transport } = this;
    const { body, cancellation, timeouts } = request;
    const { deadlines, address } = transport;
    // It goes on after the answer, for what is left of the request's body.
    cancellation.listen(this);
    // `fetch` does not tell whether it has a connection; so half-way through the
    // time for one, somebody looks.
    const half = timeouts.connect / 2;
    this.#connecting = deadlines.start(half, () => this.#look(half), now);
    // nginx counts proxy_read_timeout from the end of the body.
    if (body === null) this.#sent(now);
    const { signal } = this.#abort;
    try {
      let response: Response;
      try {
        response = await this.#fetch();
      } catch (error) {
        // An idle connection that the upstream closes just as we use it loses
        // the request before the upstream saw it, mostly. To repeat an idempotent
        // request is safe in any case (RFC 9110 section 9.2.2).
        if (
          !IDEMPOTENT.has(request.method) || body?.replayable === false ||
          signal.aborted || fetchFailure(error) !== "closed"
        ) throw error;
        response = await this.#fetch();
      }
      if (response.status < 200 || response.status > 599) {
        // `Response` takes no other status.
        await response.body?.cancel();
        throw new UpstreamError("invalid", address.name);
      }
      this.#answered = true;
      return this.#result(response);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (error instanceof UpstreamError) throw error;
      throw new UpstreamError(fetchFailure(error), address.name, {
        cause: error,
      });
    } finally {
      deadlines.stop(this.#connecting);
      if (this.#reading !== null) deadlines.stop(this.#reading);
      if (!this.#answered) cancellation.listen(null);
    }
  }

  #result(response: Response): UpstreamResponse {
    const { request: { timeouts, cancellation }, transport } = this;
    const { status, statusText, headers, body } = response;
    const fields: Field[] = [];
    headers.forEach((value, name) => fields.push([name, value]));
    return {
      status,
      statusText,
      fields: endToEnd(fields),
      body: body === null ? null : new FetchBody(
        body,
        timeouts.body,
        transport.deadlines,
        cancellation,
      ),
      upgraded: null,
    };
  }

  cancelled(reason: Error): void {
    this.#abort.abort(reason);
  }

  /** All of the body has been handed over: the answer's time begins. */
  #sent(now: number): void {
    const { request, transport: { deadlines, address } } = this;
    this.#reading ??= deadlines.start(
      request.timeouts.head,
      () => this.#abort.abort(new UpstreamError("timeout", address.name)),
      now,
    );
  }

  #fetch(): Promise<Response> {
    const { request, transport } = this;
    const body = request.body === null ? null : this.#body(request.body);
    return transport.fetch(request, body, this.#abort.signal);
  }

  /** A stream of the body, of a known length where it has one. */
  #body(body: RequestBody): BodyInit {
    const { deadlines, address } = this.transport;
    const reader = body.read();
    let taking: Deadline | null = null;
    const stopClock = () => {
      if (taking !== null) deadlines.stop(taking);
      taking = null;
    };
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        // A connection whose body never ends would stay open for ever.
        reader.abandoned = () => {
          stopClock();
          controller.error(new GivenUp());
        };
      },
      pull: async (controller) => {
        stopClock();
        let piece: Uint8Array | null;
        try {
          piece = await reader.next();
        } catch (error) {
          reader.abandoned = null;
          if (!(error instanceof GivenUp)) this.#abort.abort(error);
          throw error;
        }
        if (piece !== null) controller.enqueue(piece);
        if (reader.done) {
          reader.abandoned = null;
          controller.close();
          return this.#sent(performance.now());
        }
        taking = deadlines.start(
          body.settings.proxy_send_timeout,
          () => this.#abort.abort(new UpstreamError("timeout", address.name)),
        );
      },
      cancel: stopClock,
    }, { highWaterMark: 0 });
    return body.length === null ? stream : new Measured(stream, body.length);
  }

  /** @param timeout Milliseconds for a connection. */
  async #look(timeout: number): Promise<void> {
    const { transport } = this;
    if (await transport.look(timeout) || this.#answered) return;
    const { name } = transport.address;
    this.#abort.abort(new UpstreamError("unconnected", name));
  }
}

function bracketed(hostname: string): string {
  return hostname.includes(":") && !hostname.startsWith("[")
    ? `[${hostname}]`
    : hostname;
}
