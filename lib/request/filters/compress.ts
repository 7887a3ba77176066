/**
 * Which responses are compressed, and with what: nginx's ngx_http_gzip_module.
 *
 * @module
 */
import type {
  CodingPlan,
  CompressPlan,
  MediaTypes,
} from "../../config/plan.ts";
import { codingWeight } from "../../exchange/accept_encoding.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { hasToken } from "../../exchange/headers.ts";
import {
  CompressedBody,
  type Compressor,
  loadCompressor,
} from "./compressed_body.ts";

/** As in nginx: what else there is has no body, a part of one, or a short one. */
const STATUSES: ReadonlySet<number> = new Set([200, 403, 404]);

/** Fields that are about the bytes as they are (RFC 9530, RFC 1864). */
const DIGESTS = ["content-digest", "repr-digest", "digest", "content-md5"];

/**
 * Compresses a response, if it may be and the client takes it.
 *
 * @returns The response to send.
 */
export function compress(
  response: Response,
  exchange: Exchange,
  { codings, vary, proxied }: CompressPlan,
): Response | Promise<Response> {
  const { status, headers } = response;
  if (!STATUSES.has(status) || isFinal(headers)) return response;
  const possible = codings.filter((coding) => fits(coding, headers));
  if (possible.length === 0) return response;
  if (vary) addVary(headers);
  const coding = chosen(possible, exchange.headers.get("accept-encoding"));
  if (coding === null) return response;
  const via = exchange.headers.get("via");
  if (via !== null && !isForProxies(proxied, exchange.headers, headers)) {
    return response;
  }
  return loadCompressor().then((compressor) =>
    compressed(response, exchange, coding, compressor)
  );
}

/** Whether it must stay as it is. */
function isFinal(headers: Headers): boolean {
  if ((headers.get("content-encoding") ?? "") !== "") return true;
  // RFC 9110 section 7.7: then nobody in between may transform it.
  if (hasToken(headers.get("cache-control"), "no-transform")) return true;
  return DIGESTS.some((name) => headers.has(name));
}

function fits({ minLength, types }: CodingPlan, headers: Headers): boolean {
  const length = headers.get("content-length");
  if (length !== null && Number(length) < minLength) return false;
  const [type = ""] = (headers.get("content-type") ?? "").split(";", 1);
  return isOneOf(types, type.trim().toLowerCase());
}

/** Event streams only where they are named. */
function isOneOf({ all, names }: MediaTypes, type: string): boolean {
  return names.has(type) ||
    all && type !== "" && type !== "text/event-stream";
}

/** The coding that the client wants most; of equals the first. */
function chosen(
  codings: readonly CodingPlan[],
  accepted: string | null,
): CodingPlan | null {
  let best: CodingPlan | null = null;
  let most = 0;
  for (const coding of codings) {
    const weight = codingWeight(accepted, coding.name);
    if (weight <= most) continue;
    most = weight;
    best = coding;
  }
  return best;
}

function addVary(headers: Headers): void {
  const vary = headers.get("vary");
  if (hasToken(vary, "accept-encoding") || hasToken(vary, "*")) return;
  headers.append("vary", "Accept-Encoding");
}

/** nginx's `gzip_proxied`, in the order in which it looks. */
function isForProxies(
  when: CompressPlan["proxied"],
  request: Headers,
  response: Headers,
): boolean {
  if (when.has("off")) return false;
  if (when.has("any")) return true;
  if (when.has("auth") && request.has("authorization")) return true;
  const expires = response.get("expires");
  if (expires !== null) {
    const date = response.get("date");
    const now = date === null ? Date.now() : Date.parse(date);
    return when.has("expired") && Date.parse(expires) < now;
  }
  const control = response.get("cache-control");
  if (control !== null) {
    return CACHE_WORDS.some((word) =>
      when.has(word) && hasToken(control, word)
    );
  }
  return !(when.has("no_last_modified") && response.has("last-modified")) &&
    !(when.has("no_etag") && response.has("etag"));
}

const CACHE_WORDS = ["no-cache", "no-store", "private"] as const;

function compressed(
  response: Response,
  exchange: Exchange,
  coding: CodingPlan,
  compressor: Compressor,
): Response {
  const { status, headers } = response;
  const hasLength = headers.has("content-length");
  headers.set("content-encoding", coding.name);
  headers.delete("content-length");
  headers.delete("accept-ranges");
  weaken(headers);
  if (exchange.method === "HEAD") return emptyResponse(status, headers);
  const whole = exchange.responseBody?.whole ?? null;
  if (whole !== null) {
    const bytes = compressor.whole(coding, whole);
    headers.set("content-length", String(bytes.length));
    exchange.responseBody = { whole: bytes, size: bytes.length, failure: null };
    return new Response(bytes, { status, headers });
  }
  const { body } = response;
  if (body === null) return response;
  const source = new CompressedBody(
    body.getReader(),
    // What comes piece by piece is to arrive so.
    compressor.stream(coding, !hasLength),
    exchange.responseBody,
  );
  exchange.responseBody = source;
  return new Response(source.stream, { status, headers });
}

/**
 * The answer to a HEAD, with the fields of its GET. To one without a length Deno
 * adds `content-length: 0`; a stream keeps it from that.
 */
function emptyResponse(status: number, headers: Headers): Response {
  const nothing = new ReadableStream({
    start: (controller) => controller.close(),
  });
  return new Response(nothing, { status, headers });
}

/** The bytes are others now: nginx's ngx_http_weak_etag (RFC 9110 section 8.8.1). */
function weaken(headers: Headers): void {
  const etag = headers.get("etag");
  if (etag === null || etag.startsWith("W/")) return;
  if (etag.startsWith('"')) headers.set("etag", `W/${etag}`);
  else headers.delete("etag");
}
