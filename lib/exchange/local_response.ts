/**
 * The proxy's own answers, in what the client accepts: a plain HTML page,
 * `application/problem+json` (RFC 9457), or text.
 *
 * @module
 */
import { accepts } from "@std/http/negotiation";
import { STATUS_TEXT, type StatusCode } from "@std/http/status";
import { formatSize } from "../config/units.ts";
import type { LocationPlan } from "../config/plan.ts";
import { type Diagnosis, sinceWords } from "./diagnosis.ts";
import type { Exchange } from "./exchange.ts";
import type { Field } from "./fields.ts";
import { html, type Page } from "./local_page.ts";

/** nginx's status, in the log only, for a client that left before its answer. */
export const CLIENT_CLOSED_REQUEST = 499;

/** What the proxy answers by itself. */
export class LocalResponse {
  /**
   * @param status 300 to 599; 499 for a client that has left, for the log only.
   * @param detail One sentence for whoever sent the request. Gives nothing away.
   * @param advice For `dev`: what is wrong and what to do about it.
   * @param headers Beside those of every such response.
   * @param diagnosis For `dev`: how the servers of the upstream are.
   */
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly advice: string | null = null,
    readonly headers: readonly Field[] = [],
    readonly diagnosis: Diagnosis | null = null,
  ) {}
}

/** For the log: nobody reads it. */
export function clientHasLeft(): LocalResponse {
  return new LocalResponse(CLIENT_CLOSED_REQUEST, "The client has left.");
}

/**
 * The answer to a body of more than `client_max_body_size` bytes.
 *
 * @param length Bytes that the request said it has; null where it did not.
 */
export function tooLarge(
  { key, settings: { client_max_body_size: limit } }: LocationPlan,
  length: number | null,
  headers: readonly Field[] = [],
): LocalResponse {
  const has = length === null ? "" : `, and this body has ${length}`;
  return new LocalResponse(
    413,
    `The body is larger than client_max_body_size (${limit} bytes).`,
    `client_max_body_size of location ${key} is ${
      formatSize(limit)
    } (${limit} ` +
      `bytes)${has}: set a larger one there, or 0 for no limit`,
    headers,
  );
}

/**
 * The response.
 *
 * @param dev Whether it tells the advice. A page about an upstream then loads
 * itself again until that is there.
 */
export function respondLocally(
  local: LocalResponse,
  exchange: Exchange,
  dev: boolean,
): Response {
  const { status } = local;
  if (status === CLIENT_CLOSED_REQUEST) {
    // Nobody reads it; the status is for the log.
    return new Response(null, { status, headers: { "content-length": "0" } });
  }
  const page: Page = {
    status,
    title: STATUS_TEXT[status as StatusCode] ?? "Error",
    detail: local.detail,
    advice: dev ? local.advice : null,
    diagnosis: dev ? local.diagnosis : null,
    // A form that was sent is not to be asked for instead.
    reloads: dev && local.advice !== null && status >= 502 && status <= 504 &&
      (exchange.requestMethod === "GET" || exchange.requestMethod === "HEAD"),
    requestId: exchange.requestId,
    now: Date.now(),
  };
  const [type, text] = render(page, exchange);
  const body = new TextEncoder().encode(text);
  return new Response(exchange.method === "HEAD" ? null : body, {
    status,
    headers: [
      ["content-type", type],
      // Of a HEAD too, as its GET would have it (RFC 9110 section 8.6).
      ["content-length", String(body.length)],
      ["cache-control", "no-store"],
      ["x-content-type-options", "nosniff"],
      ["x-request-id", exchange.requestId],
      ...local.headers,
    ],
  });
}

function render(
  page: Page,
  { fields, headers }: Exchange,
): [type: string, body: string] {
  // Those that say nothing, such as curl, get text.
  const type = fields.accept === null || fields.accept === "*/*"
    ? "text/plain"
    // The first of these that the client likes best.
    : accepts(
      { headers },
      "text/plain",
      "text/html",
      "application/problem+json",
      "application/json",
    );
  switch (type) {
    case "text/html":
      return ["text/html; charset=utf-8", html(page)];
    case "application/problem+json":
    case "application/json":
      return ["application/problem+json", json(page)];
    default:
      return ["text/plain; charset=utf-8", text(page)];
  }
}

function json(page: Page): string {
  const { title, status, detail, advice, diagnosis, requestId } = page;
  return JSON.stringify({
    type: "about:blank",
    title,
    status,
    detail,
    advice: advice ?? undefined,
    upstream: diagnosis === null ? undefined : {
      name: diagnosis.upstream,
      servers: diagnosis.servers.map((server) => ({
        address: server.address,
        tried: server.tried,
        outcome: server.outcome,
        down_since: server.downSince === null
          ? null
          : new Date(server.downSince).toISOString(),
      })),
      others: diagnosis.others,
    },
    request_id: requestId,
  }) + "\n";
}

function text(page: Page): string {
  const { title, status, detail, advice, diagnosis, requestId, now } = page;
  const lines = [`${status} ${title}: ${detail}`];
  if (advice !== null) lines.push(advice);
  for (const server of diagnosis?.servers ?? []) {
    const { address, tried, outcome, downSince } = server;
    const times = tried > 1 ? ` (tried ${tried} times)` : "";
    const since = downSince === null
      ? ""
      : `; down since ${sinceWords(downSince, now)}`;
    lines.push(`  ${address}: ${outcome}${times}${since}`);
  }
  if (diagnosis !== null && diagnosis.others > 0) {
    lines.push(`  and ${diagnosis.others} others`);
  }
  lines.push(`request id: ${requestId}`);
  return lines.join("\n") + "\n";
}
