/**
 * From server to server: nginx's `proxy_next_upstream`, and `wait_for_upstream`.
 *
 * @module
 */
import type { ProxyLocation } from "./prepared.ts";
import type { Client } from "../../upstream/balance/balancer.ts";
import type { NoServer, UpstreamGroup } from "../../upstream/group.ts";
import type { UpstreamServer } from "../../upstream/server.ts";
import { isIdempotent } from "../../exchange/idempotent.ts";
import type { Stop } from "../../exchange/cancellation.ts";
import { UpstreamError } from "../../transport/upstream_error.ts";

/** A request on its way to some server. */
export interface Course {
  readonly group: UpstreamGroup;
  readonly client: Client;
  readonly location: ProxyLocation;
  readonly method: string;
  /** When it came, by `performance.now()`. */
  readonly begun: number;
  /** Whether it can be sent from its beginning once more. */
  replayable(): boolean;
  /** Sends it; `now` is the time, by `performance.now()`. */
  send(server: UpstreamServer, now: number): Promise<Response>;
  /** It goes to another server. */
  moved(server: UpstreamServer): void;
  /** Whether the client has left, or the time is over. */
  readonly stop: Stop;
  /** Hears of servers that fail and come back. */
  report(line: string): void;
}

/** A response, and the server that gave it, which has to be released. */
export interface Outcome {
  readonly response: Response;
  readonly server: UpstreamServer;
}

/** Milliseconds between two tries of a request that waits, at first and at most. */
const FIRST_WAIT = 50;
const LONGEST_WAIT = 500;

/** Milliseconds that a request waits for names to be looked up again. */
const LOOKUP_WAIT = 500;

/**
 * Sends a request to a server, and to others where that fails and the location
 * lets it.
 *
 * @param first As {@linkcode UpstreamGroup.pick} gave it. Released here if
 * nothing comes out.
 * @throws {UpstreamError} of the last server; what else `send` throws.
 */
export async function attempt(
  first: UpstreamServer | NoServer,
  course: Course,
): Promise<Outcome> {
  const { group, client, location, begun } = course;
  let tried: Set<UpstreamServer> | null = null;
  let tries = 0;
  let server = first;
  for (let now = begun;; now = performance.now()) {
    let failure: UpstreamError;
    if (typeof server === "string") {
      failure = new UpstreamError(server, location.content.upstream.name);
    } else {
      tries++;
      try {
        const response = await course.send(server, now);
        hasAnswered(server, response.status, course);
        if (
          !location.settings.proxy_next_upstream.statuses.includes(
            response.status,
          )
        ) {
          return { response, server };
        }
        const next = mayMove(course, null, tries, begun)
          ? pickOther(server, course, tried ??= new Set())
          : "none";
        // The last one's answer stands, as it is.
        if (typeof next === "string") return { response, server };
        await response.body?.cancel();
        server.release();
        server = next;
        continue;
      } catch (error) {
        if (!(error instanceof UpstreamError)) {
          server.release();
          throw error;
        }
        failure = error;
      }
      hasFailed(server, failure, course);
      const next = mayMove(course, failure, tries, begun)
        ? pickOther(server, course, tried ??= new Set())
        : "none";
      server.release();
      if (typeof next !== "string") {
        server = next;
        continue;
      }
    }
    if (!await hold(course, failure, begun)) throw failure;
    tried = null;
    tries = 0;
    server = group.pick(client, null, performance.now());
    if (typeof server !== "string") course.moved(server);
  }
}

/** Takes note of an answer, which may be as good as a failure. */
function hasAnswered(
  server: UpstreamServer,
  status: number,
  course: Course,
): void {
  const { location, group } = course;
  // As in nginx, 403 and 404 lead to another server but are no fault of this.
  if (
    status >= 429 &&
    location.settings.proxy_next_upstream.statuses.includes(status)
  ) {
    if (server.failed(performance.now()) && group.servers.length > 1) {
      tell(course, server, `answers ${status}: left out for a while`);
    }
  } else if (server.hasFailed && server.succeeded(performance.now())) {
    tell(course, server, "is back");
  }
}

/** Takes note of a server that gave no answer. */
function hasFailed(
  server: UpstreamServer,
  { failure }: UpstreamError,
  course: Course,
): void {
  if (server.failed(performance.now()) && course.group.servers.length > 1) {
    tell(course, server, `fails (${failure}): left out for a while`);
  }
}

function tell(course: Course, { name }: UpstreamServer, news: string): void {
  course.report(
    `upstream ${course.location.content.upstream.name} ${name} ${news}`,
  );
}

/** Whether the location lets this request go to another server. */
function mayMove(
  course: Course,
  failure: UpstreamError | null,
  tries: number,
  begun: number,
): boolean {
  const { location, method, stop } = course;
  if (stop.reason !== null || !course.replayable()) return false;
  const {
    proxy_next_upstream: nextUpstream,
    proxy_next_upstream_tries: nextUpstreamTries,
    proxy_next_upstream_timeout: nextUpstreamTimeout,
  } = location.settings;
  if (nextUpstreamTries > 0 && tries >= nextUpstreamTries) return false;
  if (
    nextUpstreamTimeout > 0 && performance.now() - begun > nextUpstreamTimeout
  ) return false;
  // Where nothing of it has been seen, no method could do anything twice.
  const again = failure?.sent === false || nextUpstream.nonIdempotent ||
    isIdempotent(method);
  if (!again) return false;
  switch (failure?.failure) {
    case undefined:
      return true;
    case "timeout":
    case "unconnected":
      return nextUpstream.timeout;
    case "invalid":
      return nextUpstream.invalidHeader;
    default:
      return nextUpstream.error;
  }
}

function pickOther(
  server: UpstreamServer,
  course: Course,
  tried: Set<UpstreamServer>,
): UpstreamServer | NoServer {
  const { group, client } = course;
  tried.add(server);
  if (tried.size >= group.servers.length) return "none";
  const next = group.pick(client, tried, performance.now());
  if (typeof next !== "string") course.moved(next);
  return next;
}

/**
 * Where no connection could be made: looks for the servers elsewhere, and waits
 * a little if the location holds requests until one is there.
 *
 * @returns Whether it is to be tried again.
 */
async function hold(
  course: Course,
  failure: UpstreamError,
  begun: number,
): Promise<boolean> {
  const { location, group, stop, method } = course;
  const unsent = !failure.sent ||
    failure.failure === "unconnected" && isIdempotent(method);
  if (!unsent) return false;
  // Whatever becomes of this request, the next one should find the server.
  const refreshed = group.refresh();
  if (!course.replayable()) return false;
  const waited = performance.now() - begun;
  if (waited >= location.settings.wait_for_upstream) {
    return await soon(refreshed, LOOKUP_WAIT, stop) === true &&
      stop.reason === null;
  }
  // In steps that grow with the time waited.
  const wait = Math.min(
    Math.max(FIRST_WAIT, waited / 4),
    LONGEST_WAIT,
    location.settings.wait_for_upstream - waited,
  );
  await soon(new Promise<never>(() => {}), wait, stop);
  if (stop.reason !== null) throw stop.reason;
  return true;
}

/** What comes of a promise within some milliseconds; null after them, or where it is stopped. */
function soon<T>(
  promise: Promise<T>,
  milliseconds: number,
  stop: Stop,
): Promise<T | null> {
  const { promise: end, resolve } = Promise.withResolvers<null>();
  const give = () => resolve(null);
  const timer = setTimeout(give, milliseconds);
  stop.listen(give);
  return Promise.race([promise, end]).finally(() => {
    clearTimeout(timer);
    stop.listen(null);
  });
}
