/**
 * The content phase: what answers the requests of a location.
 *
 * @module
 */
import type { LocationPlan } from "../config/plan.ts";
import type { Exchange } from "../exchange/exchange.ts";
import type { InternalRedirect } from "../exchange/internal_redirect.ts";
import type { LocalResponse } from "../exchange/local_response.ts";
import { challengeAnswer } from "./acme_challenge.ts";
import { proxy } from "./proxy/proxy.ts";
import { redirected, returned } from "./return.ts";
import type { ContentState } from "./state.ts";
import { serveFiles } from "./static/static.ts";

/** What a request is answered with. */
export type Answer = Response | LocalResponse | InternalRedirect;

/** Answers a request as its location says. */
export function content(
  request: Request,
  exchange: Exchange,
  location: LocationPlan,
  state: ContentState,
): Answer | Promise<Answer> {
  const { content } = location;
  switch (content.kind) {
    case "proxy":
      return proxy(request, exchange, location, content, state);
    case "static":
      return serveFiles(exchange, location, content, state);
    case "return":
      return returned(content, exchange);
    case "redirect":
      return redirected(content, exchange);
    case "acme_challenge":
      return challengeAnswer(content, exchange);
  }
}
