/**
 * `proxy_pass`: a request goes to a server of an upstream, or to others, and its
 * response comes back.
 *
 * @module
 */
import type { LocationPlan, ProxyPlan } from "../../config/plan.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { InternalRedirect } from "../../exchange/internal_redirect.ts";
import { LocalResponse } from "../../exchange/local_response.ts";
import type { Field } from "../../exchange/fields.ts";
import { forwardTarget, replaceTarget } from "../../route/target.ts";
import { BridgeCounters } from "../../websocket/counters.ts";
import { bridgeClient } from "../../websocket/handshake.ts";
import type { UpgradedResponse } from "../../websocket/open.ts";
import type { ContentState } from "../state.ts";
import { failureResponse } from "./failure.ts";
import { LOOP } from "./loops.ts";
import { intercept } from "./intercept.ts";
import { sendToGroup } from "./next_upstream.ts";
import { clientResponse, responseFields } from "./response.ts";
import { UpstreamCall } from "./upstream_call.ts";

/**
 * Answers a request from an upstream.
 *
 * @returns A local response where it can't be sent, or has failed; an internal
 * redirect where the upstream says so.
 */
export async function proxy(
  request: Request,
  exchange: Exchange,
  location: LocationPlan,
  plan: ProxyPlan,
  state: ContentState,
): Promise<Response | LocalResponse | InternalRedirect> {
  const target = upstreamTarget(exchange, location, plan);
  if (target instanceof LocalResponse) return target;
  const loopKey = state.loops.enter(exchange);
  if (loopKey === LOOP) return loop(location, plan, state);
  const call = new UpstreamCall(
    request,
    exchange,
    location,
    plan,
    target,
    state,
    loopKey,
  );
  exchange.content = call;
  try {
    if (exchange.hasBody === "unsure") await call.readBeginning();
    const answer = await sendToGroup(call);
    exchange.upstreamResponse = answer;
    if (exchange.record !== null) exchange.record.answered = answer.fields;
    const rewriting = { exchange, location, plan };
    if ("socket" in answer) {
      return bridged(
        answer,
        call,
        responseFields(
          answer.fields,
          rewriting,
          call.cookie(),
        ),
      );
    }
    const replaced = intercept(answer, location);
    if (replaced !== null) {
      answer.body?.discard();
      return replaced;
    }
    return clientResponse(answer, rewriting, call.cookie());
  } catch (error) {
    return failureResponse(
      error,
      exchange,
      location,
      plan.upstream.name,
      state.errorLog,
      call.trials?.diagnosis(call.group, performance.now()) ?? null,
    );
  }
}

/** The answer to a request that leads to itself (RFC 5842 section 7.2). */
function loop(
  { key }: LocationPlan,
  { proxyPass }: ProxyPlan,
  { errorLog }: ContentState,
): LocalResponse {
  const advice =
    `proxy_pass ${proxyPass} of location ${key} leads back to this proxy: the ` +
    "same request came again and again. Name the service behind it, with its " +
    "own port; look at other proxies on the way, too";
  errorLog(`508 ${key}: ${advice}`);
  return new LocalResponse(508, "This request leads to itself.", advice);
}

/** The upstream has agreed: the client is upgraded too. */
function bridged(
  answer: UpgradedResponse,
  call: UpstreamCall,
  fields: readonly Field[],
): Response {
  const { request, exchange, location, state } = call;
  const { metrics, generation } = state;
  const held = call.handOver();
  try {
    return bridgeClient(request, exchange, answer, fields, {
      bridges: state.bridges,
      accessLog: state.accessLog,
      location,
      counters: metrics === null ? null : new BridgeCounters({
        metrics: metrics.of(location, exchange.server.name).webSockets,
        generation,
        recorder: metrics.recorder,
        location: location.key,
        id: exchange.requestId,
      }),
      held,
      settled: () => call.unwatch(),
    });
  } catch (error) {
    held.giveBack();
    throw error;
  }
}

/** The request target to send, or why none can be. */
export function upstreamTarget(
  exchange: Exchange,
  location: LocationPlan,
  plan: ProxyPlan,
): string | LocalResponse {
  const { target, server: { locations }, rerouting } = exchange;
  const { passUri } = plan;
  exchange.proxyHost = plan.upstream.name;
  // As in nginx, after a `break` the URI in proxy_pass replaces nothing.
  if (passUri === null || rerouting?.isFinal === true) {
    return forwardTarget(target, locations, location) ??
      new LocalResponse(400, "The path can be read as another location's.");
  }
  return replaceTarget(
    target,
    location.prefix,
    passUri,
    locations,
    location,
  ) ?? new LocalResponse(
    400,
    "The path would leave that of proxy_pass, or can be read as another location's.",
  );
}
