/**
 * The proxy's own answers, in what the client accepts: a plain HTML page,
 * `application/problem+json` (RFC 9457), or text.
 *
 * @module
 */
import { accepts } from "@std/http/negotiation";
import { STATUS_TEXT, type StatusCode } from "@std/http/status";
import type { Exchange } from "./exchange.ts";
import type { Field } from "./fields.ts";

/** nginx's status, in the log only, for a client that left before its answer. */
export const CLIENT_CLOSED_REQUEST = 499;

/** What the proxy answers by itself. */
export class LocalResponse {
  /**
   * @param status 300 to 599; 499 for a client that has left, for the log only.
   * @param detail One sentence for whoever sent the request. Gives nothing away.
   * @param advice For `dev`: what is wrong and what to do about it.
   * @param headers Beside those of every such response.
   */
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly advice: string | null = null,
    readonly headers: readonly Field[] = [],
  ) {}
}

/** For the log: nobody reads it. */
export function clientHasLeft(): LocalResponse {
  return new LocalResponse(CLIENT_CLOSED_REQUEST, "The client has left.");
}

/** In words, why a body of more than `client_max_body_size` bytes is refused. */
export function tooLarge(limit: number): string {
  return `The body is larger than client_max_body_size (${limit} bytes).`;
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
    requestId: exchange.requestId,
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

/** What is shown. */
interface Page {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly advice: string | null;
  readonly requestId: string;
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

function json({ title, status, detail, advice, requestId }: Page): string {
  return JSON.stringify({
    type: "about:blank",
    title,
    status,
    detail,
    advice: advice ?? undefined,
    request_id: requestId,
  }) + "\n";
}

function text({ title, status, detail, advice, requestId }: Page): string {
  const lines = [`${status} ${title}: ${detail}`];
  if (advice !== null) lines.push(advice);
  lines.push(`request id: ${requestId}`);
  return lines.join("\n") + "\n";
}

function html({ title, status, detail, advice, requestId }: Page): string {
  const reload = advice !== null && status >= 502
    ? `<meta http-equiv="refresh" content="2">`
    : "";
  const told = advice === null
    ? ""
    : `<p><code>${escapeHtml(advice)}</code></p>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">${reload}
<title>${status} ${escapeHtml(title)}</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 15vh auto; padding: 0 1rem; color-scheme: light dark; }
h1 { font-size: 1.4rem; }
code { white-space: pre-wrap; overflow-wrap: anywhere; }
small { opacity: .6; }
</style>
</head>
<body>
<h1>${status} ${escapeHtml(title)}</h1>
<p>${escapeHtml(detail)}</p>${told}
<p><small>Request ${escapeHtml(requestId)}</small></p>
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
