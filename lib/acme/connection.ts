/**
 * Signed requests to an ACME authority (RFC 8555 section 6).
 *
 * @module
 */
import { AcmeError, acmeProblem, isObject } from "./errors.ts";
import { signed } from "./jws.ts";

/** Milliseconds for one request. */
const TIMEOUT = 30_000;

/** How often a nonce may be refused: an authority forgets those that are not used soon. */
const MOST_BAD_NONCES = 4;

/** The longest that an authority's `Retry-After` is believed, in milliseconds. */
const LONGEST_RETRY = 7 * 24 * 60 * 60 * 1000;

export interface ConnectionOptions {
  /** Of the account, on P-256. */
  readonly keys: CryptoKeyPair;
  /** Ends what is going on. */
  readonly signal: AbortSignal;
  /** Trusts an authority of one's own; for tests. */
  readonly client?: Deno.HttpClient | undefined;
}

/** An answer of the authority. */
export interface Answer {
  /** What it is where: an order's URL. */
  readonly location: string | null;
  readonly body: Record<string, unknown>;
  /** In place of `body`, if it is no JSON. */
  readonly text: string;
  /** Milliseconds; 0 if it does not say. */
  readonly retryAfter: number;
}

/** An authority, and who asks it. */
export class Connection {
  /** The URLs of its resources (section 7.1.1). */
  readonly directory: Record<string, unknown>;
  /** The account's URL, once it is known. */
  account: string | null = null;
  readonly #options: ConnectionOptions;
  readonly #nonces: string[] = [];

  private constructor(
    directory: Record<string, unknown>,
    options: ConnectionOptions,
  ) {
    this.directory = directory;
    this.#options = options;
  }

  /**
   * Reads the directory.
   *
   * @throws {AcmeError} if there is none.
   */
  static async open(
    url: string,
    options: ConnectionOptions,
  ): Promise<Connection> {
    const response = await send(url, {}, options);
    const { body } = await answerOf(response, "the directory");
    return new Connection(body, options);
  }

  /** The URL of a resource of the directory. */
  resource(name: string): string {
    const url = this.directory[name];
    if (typeof url === "string") return url;
    throw new AcmeError(`the directory has no ${name}`, "", 0);
  }

  /**
   * Sends a payload, or asks for a resource with null.
   *
   * @param during What is tried, for the message of an error.
   * @throws {AcmeError}
   */
  async post(url: string, payload: unknown, during: string): Promise<Answer> {
    for (let tries = 0;; tries++) {
      const nonce = this.#nonces.pop() ?? await this.#newNonce();
      const header = { nonce, url, kid: this.account };
      const body = await signed(payload, header, this.#options.keys);
      const response = await send(url, {
        method: "POST",
        headers: { "content-type": "application/jose+json" },
        body,
      }, this.#options);
      const next = response.headers.get("replay-nonce");
      if (next !== null) this.#nonces.push(next);
      try {
        return await answerOf(response, during);
      } catch (error) {
        const again = error instanceof AcmeError && error.type === "badNonce" &&
          tries < MOST_BAD_NONCES;
        if (!again) throw error;
      }
    }
  }

  async #newNonce(): Promise<string> {
    const url = this.resource("newNonce");
    const response = await send(url, { method: "HEAD" }, this.#options);
    await response.body?.cancel();
    const nonce = response.headers.get("replay-nonce");
    if (nonce !== null) return nonce;
    throw new AcmeError("the authority gives no nonce", "", 0);
  }
}

/** @throws {AcmeError} if there is no response. */
async function send(
  url: string,
  init: RequestInit,
  { signal, client }: ConnectionOptions,
): Promise<Response> {
  const kill = new AbortController();
  const end = () => kill.abort(signal.reason);
  if (signal.aborted) end();
  signal.addEventListener("abort", end);
  const timer = setTimeout(
    () => kill.abort(new Error(`no answer in ${TIMEOUT / 1000} s`)),
    TIMEOUT,
  );
  try {
    const response = await fetch(url, {
      ...init,
      signal: kill.signal,
      ...client === undefined ? {} : { client },
    });
    // In memory, within the same time.
    const body = await response.bytes();
    const { status, headers } = response;
    return new Response(body.length === 0 ? null : body, { status, headers });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AcmeError(`${new URL(url).host} can't be asked: ${why}`, "", 0, {
      cause,
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
  }
}

/** @throws {AcmeError} for one that refuses. */
async function answerOf(response: Response, during: string): Promise<Answer> {
  const text = await response.text();
  const body = parsed(text);
  const retryAfter = retryAfterOf(response.headers);
  if (!response.ok) {
    if (!isObject(body)) {
      const message = `${during}: it answers with ${response.status}`;
      throw new AcmeError(message, "", retryAfter);
    }
    throw acmeProblem(body, during, retryAfter);
  }
  return {
    location: response.headers.get("location"),
    body: isObject(body) ? body : {},
    text,
    retryAfter,
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Milliseconds (RFC 9110 section 10.2.3): it says seconds, or a date. */
function retryAfterOf(headers: Headers): number {
  const value = headers.get("retry-after") ?? "";
  const time = /^\d+$/.test(value)
    ? Number(value) * 1000
    : Date.parse(value) - Date.now();
  return time > 0 ? Math.min(time, LONGEST_RETRY) : 0;
}
