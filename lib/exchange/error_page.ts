/**
 * The proxy's own answers, in what the client accepts: a plain HTML page,
 * `application/problem+json` (RFC 9457), or text.
 *
 * @module
 */
import { accepts } from "@std/http/negotiation";
import { STATUS_TEXT, type StatusCode } from "@std/http/status";
import type {
  UpstreamError,
  UpstreamFailure,
} from "../transport/upstream_error.ts";

/** An answer of the proxy's own. */
export interface ErrorPage {
  /** 400 to 599. */
  status: number;
  /** One sentence for whoever sent the request. Gives nothing away. */
  detail: string;
  /** In `dev`: what is wrong, with which upstream, and what to do about it. */
  advice?: string;
  requestId: string;
  headers?: [string, string][];
}

/** The response. A page about an upstream loads itself again in `dev`, until it is there. */
export function errorPage(
  page: ErrorPage,
  request: Pick<Request, "method" | "headers">,
): Response {
  const title = STATUS_TEXT[page.status as StatusCode] ?? "Error";
  const [type, text] = render(page, title, request);
  const body = new TextEncoder().encode(text);
  return new Response(request.method === "HEAD" ? null : body, {
    status: page.status,
    headers: [
      ["content-type", type],
      // Of a HEAD too, as its GET would have it (RFC 9110 section 8.6).
      ["content-length", String(body.length)],
      ["cache-control", "no-store"],
      ["x-content-type-options", "nosniff"],
      ["x-request-id", page.requestId],
      ...(page.headers ?? []),
    ],
  });
}

function render(
  page: ErrorPage,
  title: string,
  request: Pick<Request, "headers">,
): [type: string, body: string] {
  // The first of these that the client likes best; text for those that say
  // nothing, such as curl.
  const type = accepts(
    request,
    "text/plain",
    "text/html",
    "application/problem+json",
    "application/json",
  );
  switch (type) {
    case "text/html":
      return ["text/html; charset=utf-8", html(page, title)];
    case "application/problem+json":
    case "application/json":
      return ["application/problem+json", json(page, title)];
    default:
      return ["text/plain; charset=utf-8", text(page, title)];
  }
}

function json(page: ErrorPage, title: string): string {
  return JSON.stringify({
    type: "about:blank",
    title,
    status: page.status,
    detail: page.detail,
    advice: page.advice,
    request_id: page.requestId,
  }) + "\n";
}

function text(page: ErrorPage, title: string): string {
  const lines = [`${page.status} ${title}: ${page.detail}`];
  if (page.advice !== undefined) lines.push(page.advice);
  lines.push(`request id: ${page.requestId}`);
  return lines.join("\n") + "\n";
}

function html(page: ErrorPage, title: string): string {
  const reload = page.advice !== undefined && page.status >= 502
    ? `<meta http-equiv="refresh" content="2">`
    : "";
  const advice = page.advice === undefined
    ? ""
    : `<p><code>${escapeHtml(page.advice)}</code></p>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">${reload}
<title>${page.status} ${escapeHtml(title)}</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 15vh auto; padding: 0 1rem; color-scheme: light dark; }
h1 { font-size: 1.4rem; }
code { white-space: pre-wrap; overflow-wrap: anywhere; }
small { opacity: .6; }
</style>
</head>
<body>
<h1>${page.status} ${escapeHtml(title)}</h1>
<p>${escapeHtml(page.detail)}</p>${advice}
<p><small>Request ${escapeHtml(page.requestId)}</small></p>
</body>
</html>
`;
}

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeHtml(words: string): string {
  return words.replace(/[&<>"']/g, (c) => ENTITIES[c] ?? c);
}

/** What to say to everybody when an upstream gave no answer. */
export function upstreamDetail(error: UpstreamError): string {
  return error.status === 504
    ? "The service behind this address did not answer in time."
    : error.status === 503
    ? "The service behind this address is too busy right now."
    : "The service behind this address is not available right now.";
}

const ADVICE: Record<UpstreamFailure, string> = {
  refused: "nothing listens there: is the service running, on this port?",
  unresolved: "no such host: check the name in config.yaml, or whether the " +
    "container is up",
  unreachable: "no connection could be made: check the address and the network",
  unconnected: "no connection within proxy_connect_timeout: is the machine " +
    "up, and does a firewall drop the packets?",
  timeout: "it gave no answer in time: it may hang, or proxy_read_timeout is " +
    "too short for it",
  closed: "it closed the connection before it answered: look at its log",
  invalid: "what it answered is not HTTP/1.1: is this the right port?",
  tls: "the TLS handshake failed: check the certificate, or use http://",
  none:
    "no server of it can be used: all are down, or fail their health checks",
  busy: "every server of it has max_conns requests already",
};

/** In `dev`: which upstream, which address, what to do. */
export function upstreamAdvice(error: UpstreamError, upstream: string): string {
  const at = error.address === upstream ? "" : ` at ${error.address}`;
  return `upstream "${upstream}"${at}: ${ADVICE[error.failure]}`;
}
