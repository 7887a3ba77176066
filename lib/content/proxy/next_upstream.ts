/**
 * From server to server: nginx's `proxy_next_upstream`, and `wait_for_upstream`.
 *
 * @module
 */
import type { Exchange, UpstreamAttempt } from "../../exchange/exchange.ts";
import { isIdempotent } from "../../exchange/headers.ts";
import { LATE, within } from "../../exchange/timeout.ts";
import { UpstreamError } from "../../transport/errors.ts";
import type { UpstreamResponse } from "../../transport/transport.ts";
import type { NoServer } from "../../upstream/group.ts";
import type { UpstreamServer } from "../../upstream/server.ts";
import type { UpgradedResponse } from "../../websocket/open.ts";
import type { UpstreamCall } from "./upstream_call.ts";

/** Milliseconds between two tries of a request that waits, at first and at most. */
const SHORTEST_DELAY = 50;
const LONGEST_DELAY = 500;

/** Milliseconds that a request waits for names to be looked up again. */
const LOOKUP_TIMEOUT = 500;

/**
 * Picks a server and sends the request to it, and to others where that fails and
 * the location lets it.
 *
 * @throws {UpstreamError} of the last server; what else sending throws.
 */
export async function sendToGroup(
  call: UpstreamCall,
): Promise<UpstreamResponse | UpgradedResponse> {
  const { group, client, location: { settings }, exchange: { started } } = call;
  const { metrics, accessLog } = call.state;
  const timed = metrics !== null || accessLog.needsAttempts;
  let tried: Set<UpstreamServer> | null = null;
  let tries = 0;
  let server = group.pick(client, null, started);
  for (let now = started;; now = performance.now()) {
    let failure: UpstreamError;
    if (typeof server === "string") {
      failure = new UpstreamError(server, group.plan.name);
    } else {
      tries++;
      if (server.metrics !== null) server.metrics.attempts++;
      const attempt = timed ? begin(server, call.exchange, now) : null;
      try {
        const response = await call.send(server, now);
        if (attempt !== null) {
          attempt.status = response.status;
          attempt.answered = performance.now();
          server.metrics?.answered(response.status, attempt.answered - now);
        }
        hasAnswered(server, response.status, call);
        const passes = !settings.proxy_next_upstream.statuses
          .includes(response.status);
        const next = !passes && mayMove(call, null, tries)
          ? pickOther(server, call, tried ??= new Set())
          : "none";
        if (typeof next === "string") {
          // The last one's answer stands, as it is.
          call.answered(server);
          return response;
        }
        call.trials?.answered(server, response.status);
        if ("body" in response) response.body?.discard();
        if (attempt !== null) attempt.ended = attempt.answered;
        if (server.metrics !== null) server.metrics.retries++;
        server.release();
        server = next;
        continue;
      } catch (error) {
        if (!(error instanceof UpstreamError)) {
          server.release();
          throw error;
        }
        failure = error;
        if (attempt !== null) {
          attempt.status = error.status;
          attempt.ended = performance.now();
        }
      }
      server.metrics?.failed(failure.failure);
      call.trials?.failed(server, failure);
      hasFailed(server, failure, call);
      const next = mayMove(call, failure, tries)
        ? pickOther(server, call, tried ??= new Set())
        : "none";
      server.release();
      if (typeof next !== "string") {
        if (server.metrics !== null) server.metrics.retries++;
        server = next;
        continue;
      }
    }
    if (!await hold(call, failure)) throw failure;
    if (typeof server !== "string" && server.metrics !== null) {
      server.metrics.retries++;
    }
    tried = null;
    tries = 0;
    server = group.pick(client, null, performance.now());
  }
}

/** Takes note of a server that is given the request. */
function begin(
  { name }: UpstreamServer,
  exchange: Exchange,
  now: number,
): UpstreamAttempt {
  const attempt: UpstreamAttempt = {
    address: name,
    begun: now,
    answered: null,
    ended: null,
    status: 0,
  };
  (exchange.attempts ??= []).push(attempt);
  return attempt;
}

/** Takes note of an answer, which may be as good as a failure. */
function hasAnswered(
  server: UpstreamServer,
  status: number,
  call: UpstreamCall,
): void {
  const { group, location: { settings } } = call;
  const { statuses } = settings.proxy_next_upstream;
  // As in nginx, 403 and 404 lead to another server but are no fault of this.
  if (status >= 429 && statuses.includes(status)) {
    const isOut = server.failed(performance.now(), `answers ${status}`);
    if (isOut && group.servers.length > 1) {
      tell(call, server, `answers ${status}: left out for a while`);
    }
  } else if (server.hasFailed && server.succeeded(performance.now())) {
    tell(call, server, "is back");
  }
}

/** Takes note of a server that gave no answer. */
function hasFailed(
  server: UpstreamServer,
  { failure }: UpstreamError,
  call: UpstreamCall,
): void {
  const isOut = server.failed(performance.now(), failure);
  if (isOut && call.group.servers.length > 1) {
    tell(call, server, `fails (${failure}): left out for a while`);
  }
}

function tell(
  call: UpstreamCall,
  { name }: UpstreamServer,
  news: string,
): void {
  call.report(`upstream ${call.group.plan.name} ${name} ${news}`);
}

/** Whether the location lets this request go to another server. */
function mayMove(
  call: UpstreamCall,
  failure: UpstreamError | null,
  tries: number,
): boolean {
  const { exchange: { method, started }, cancellation } = call;
  if (cancellation.reason !== null || !call.replayable) return false;
  const {
    proxy_next_upstream: nextUpstream,
    proxy_next_upstream_tries: mostTries,
    proxy_next_upstream_timeout: timeout,
  } = call.location.settings;
  if (mostTries > 0 && tries >= mostTries) return false;
  if (timeout > 0 && performance.now() - started > timeout) return false;
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
  call: UpstreamCall,
  tried: Set<UpstreamServer>,
): UpstreamServer | NoServer {
  const { group, client } = call;
  tried.add(server);
  if (tried.size >= group.servers.length) return "none";
  return group.pick(client, tried, performance.now());
}

/**
 * Where no connection could be made: looks for the servers elsewhere, and waits
 * a little if the location holds requests until one is there.
 *
 * @returns Whether it is to be tried again.
 */
async function hold(
  call: UpstreamCall,
  failure: UpstreamError,
): Promise<boolean> {
  const { group, exchange: { method, started }, cancellation } = call;
  const unsent = !failure.sent ||
    failure.failure === "unconnected" && isIdempotent(method);
  if (!unsent) return false;
  // Whatever becomes of this request, the next one should find the server.
  const refreshed = group.refresh();
  if (!call.replayable) return false;
  const waited = performance.now() - started;
  const { wait_for_upstream: longest } = call.location.settings;
  if (waited >= longest) {
    return await unlessCancelled(refreshed, LOOKUP_TIMEOUT, call) === true;
  }
  // In steps that grow with the time waited.
  const delay = Math.min(
    Math.max(SHORTEST_DELAY, waited / 4),
    LONGEST_DELAY,
    longest - waited,
  );
  await unlessCancelled(new Promise<never>(() => {}), delay, call);
  if (cancellation.reason !== null) throw cancellation.reason;
  return true;
}

/** The result of some work within some milliseconds; null after them, or where the exchange is cancelled. */
async function unlessCancelled<T>(
  work: Promise<T>,
  milliseconds: number,
  { cancellation }: UpstreamCall,
): Promise<T | null> {
  const { promise: cancelled, resolve } = Promise.withResolvers<null>();
  cancellation.listen({ cancelled: () => resolve(null) });
  const result = await within(Promise.race([work, cancelled]), milliseconds);
  cancellation.listen(null);
  return result === LATE ? null : result;
}
