/**
 * Sending a recorded request through the proxy again. It is given to the handler
 * of the listener to which it came, as if it had come there again, from the same
 * client and with all of its fields. Neither its secrets nor the answer's body
 * leave the thread: what is told is what is recorded of it.
 *
 * @module
 */
import { LATE, within } from "../exchange/timeout.ts";
import type { KeptPlace, RequestHead } from "../observe/recorder/kept.ts";
import type { Recorder } from "../observe/recorder/recorder.ts";
import type { Recording } from "../observe/recorder/recording.ts";
import type { Listener } from "./listener.ts";
import type { Recordings, Replayed } from "./running.ts";

/** Milliseconds after which the answer is broken off: a stream never ends. */
const LONGEST = 10_000;

/** Milliseconds from the answer's end to its recording. */
const RECORDING = 1_000;

/** Requests of a thread that may be sent again at a time. */
const MOST = 8;

/** Of what requests are kept, and where they can be sent to. */
interface Source {
  /** Null where the config has no `admin`. */
  recorder(): Recorder | null;
  listeners(): readonly Listener[];
  errorLog(line: string): void;
}

/** Requests that this thread keeps. */
export class ThreadRecordings implements Recordings {
  readonly #source: Source;
  readonly #longest: number;
  /** How many are sent again now, whether or not somebody still looks. */
  #sending = 0;

  /** @param longest Milliseconds after which an answer is broken off. */
  constructor(source: Source, longest = LONGEST) {
    this.#source = source;
    this.#longest = longest;
  }

  find(id: string, at: number | null): Promise<Recording | null> {
    const found = this.#source.recorder()?.kept.find(id, at);
    return Promise.resolve(found?.recording ?? null);
  }

  async replay(id: string, at: number): Promise<Replayed | null> {
    const recorder = this.#source.recorder();
    const kept = recorder?.kept.find(id, at) ?? null;
    if (recorder === null || kept === null) return null;
    const { recording: { noReplay }, head } = kept;
    if (noReplay !== null) return { refused: noReplay };
    const listener = this.#listenerAt(head.place);
    if (listener === undefined) {
      return { refused: "The address that it came to is not listened on now." };
    }
    if (this.#sending >= MOST) {
      return { refused: `${MOST} requests are being sent again already.` };
    }
    const newId = crypto.randomUUID();
    // The access log has the client's address, who did not send it.
    this.#source.errorLog(`replay ${newId}: ${id} again, for an admin`);
    const abort = new AbortController();
    const request = new ReplayedRequest(head, newId, abort.signal);
    const recorded = recorder.expect(request, id);
    this.#sending++;
    const cut = await send(listener, request, head, abort, this.#longest)
      .finally(() => this.#sending--);
    const recording = await within(recorded, RECORDING);
    if (recording === LATE) recorder.giveUp(request);
    return recording === LATE || recording === null
      ? { refused: "It was sent, but nothing was recorded of it." }
      : { recording, cut };
  }

  /** Also that which has taken its place, with a new certificate. */
  #listenerAt(place: KeptPlace): Listener | undefined {
    const open = this.#source.listeners().filter(({ closing }) => !closing);
    return open.find((listener) => listener.place === place) ??
      open.find(({ place: its }) =>
        its.serverPort !== "" && its.serverPort === place.serverPort &&
        its.urlScheme === place.urlScheme &&
        its.fallbackHost === place.fallbackHost
      );
  }
}

/** With the target as it came: `Request` would normalise it. */
class ReplayedRequest extends Request {
  readonly #url: string;

  constructor(head: RequestHead, id: string, signal: AbortSignal) {
    const { method, url, fields } = head;
    const headers = new Headers(fields.map(([name, value]) => [name, value]));
    headers.set("x-request-id", id);
    super("http://localhost/", { method, headers, signal });
    this.#url = url;
  }

  override get url(): string {
    return this.#url;
  }
}

/**
 * Has the handler answer it, and takes the answer as `Deno.serve` would.
 *
 * @returns Whether it was broken off.
 */
async function send(
  listener: Listener,
  request: Request,
  head: RequestHead,
  abort: AbortController,
  longest: number,
): Promise<boolean> {
  const completed = Promise.withResolvers<void>();
  completed.promise.catch(() => {});
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  const timer = setTimeout(() => {
    abort.abort();
    reader?.cancel().catch(() => {});
  }, longest);
  try {
    const info = { remoteAddr: addressOf(head), completed: completed.promise };
    const { body } = await listener.replay(request, info);
    // What is in a HEAD's is not sent, and read by nobody.
    if (head.method === "HEAD") await body?.cancel();
    else reader = body?.getReader();
    while (reader !== undefined && !(await reader.read()).done);
    abort.signal.throwIfAborted();
    completed.resolve();
  } catch (error) {
    completed.reject(error);
  } finally {
    clearTimeout(timer);
  }
  return abort.signal.aborted;
}

function addressOf({ peer, peerPort }: RequestHead): Deno.Addr {
  return peer === "unix:"
    ? { transport: "unix", path: "" }
    : { transport: "tcp", hostname: peer, port: Number(peerPort) };
}
