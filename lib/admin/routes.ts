/**
 * What the admin listener answers, by path.
 *
 * @module
 */
import { MEDIA_TYPES, renderMetrics } from "../observe/metrics/openmetrics.ts";
import { configView } from "./config_view.ts";
import type { EventFeed } from "./events.ts";
import { liveState } from "./feed.ts";
import { PAGE } from "./page/page.ts";
import { type AdminParts, factsNow } from "./parts.ts";
import { readiness } from "./readiness.ts";
import { recording, replay } from "./replay.ts";
import { json, respond, text } from "./response.ts";

/** What an answer is made of. */
export interface RouteContext {
  readonly request: Request;
  readonly parts: AdminParts;
  readonly events: EventFeed;
  /** Whether the client has shown the token, or needs none. */
  readonly isKnown: boolean;
}

/** One path. */
export interface Route {
  readonly method: "GET" | "POST";
  /** Whether strangers may ask too. */
  readonly open: boolean;
  answer(context: RouteContext): Response | Promise<Response>;
}

/** Every path, but for that of the login. */
export const ROUTES: Readonly<Record<string, Route>> = {
  ...pageRoutes(),
  "/metrics": { method: "GET", open: false, answer: metrics },
  "/healthz": { method: "GET", open: true, answer: () => text(200, "ok") },
  "/readyz": { method: "GET", open: true, answer: ready },
  "/config": { method: "GET", open: false, answer: config },
  "/state": { method: "GET", open: false, answer: state },
  "/events": { method: "GET", open: false, answer: events },
  "/recording": { method: "GET", open: false, answer: recording },
  "/replay": { method: "POST", open: false, answer: replay },
  "/reload": { method: "POST", open: false, answer: reload },
};

function pageRoutes(): Record<string, Route> {
  const routes = Object.entries(PAGE).map(([path, { type, text }]) => {
    const answer = () => respond(200, type, text);
    return [path, { method: "GET", open: false, answer }] as const;
  });
  return Object.fromEntries(routes);
}

async function metrics({ request, parts }: RouteContext): Promise<Response> {
  const facts = await factsNow(parts);
  if (facts === null) return unanswered();
  const accept = request.headers.get("accept") ?? "";
  const format = accept.includes("application/openmetrics-text")
    ? "openmetrics"
    : "prometheus";
  return respond(200, MEDIA_TYPES[format], renderMetrics(facts, format));
}

/** Strangers, such as an orchestrator's probe, learn only whether it is. */
async function ready({ parts, isKnown }: RouteContext): Promise<Response> {
  const facts = await factsNow(parts);
  const found = facts === null
    ? { ready: false, upstreams: [] }
    : readiness(facts.sum.servers);
  const isReady = found.ready && !parts.isStopping();
  return json(
    isReady ? 200 : 503,
    isKnown ? { ...found, ready: isReady } : { ready: isReady },
  );
}

async function config({ parts }: RouteContext): Promise<Response> {
  return json(200, configView(await parts.config()));
}

async function state({ parts }: RouteContext): Promise<Response> {
  const facts = await factsNow(parts);
  return facts === null
    ? unanswered()
    : json(200, liveState(facts, Date.now()));
}

function events({ request, events }: RouteContext): Response {
  const type = "text/event-stream";
  if (request.method === "HEAD") return respond(200, type, null);
  const stream = events.listen();
  return stream === null
    ? text(503, "Too many listen already.", { "retry-after": "10" })
    : respond(200, type, stream);
}

async function reload({ parts }: RouteContext): Promise<Response> {
  const outcome = await parts.reload();
  switch (outcome.kind) {
    case "done":
      return json(200, outcome);
    case "problems":
      return json(422, outcome);
    default:
      return json(500, outcome);
  }
}

function unanswered(): Response {
  return text(503, "No worker answers.");
}
