/**
 * The request that `explain` is asked about, made from the command line as
 * `Deno.serve` would hand it over.
 *
 * @module
 */
import type { ListenerPlan, Plan } from "../config/plan.ts";
import { didYouMean, quote } from "../config/words.ts";
import { utf8Bytes } from "../route/bytes.ts";
import { parseAddress } from "../route/address.ts";
import { UsageError } from "./arguments.ts";

/** A request, and the listener it would come to. */
export interface AskedRequest {
  readonly listener: ListenerPlan;
  /** Scheme, `Host` and target glued together and not normalised. */
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly target: string;
  /** The peer's address; `unix:` for a unix socket. */
  readonly remoteAddr: string;
}

/** RFC 6455 section 4.1; any 16 bytes are a key. */
const HANDSHAKE = [
  ["sec-websocket-version", "13"],
  ["sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA=="],
] as const;

/** Methods that are likely meant. */
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/**
 * Makes the request.
 *
 * @param url A whole URL or a path. It is cut by hand, since `URL` would
 * resolve the dot segments that matter here.
 * @param headerLines `Name: value` each; `Host` is the URL's unless given.
 * @param from The peer's address; by default that of this machine.
 * @throws {UsageError} for what no client could send.
 */
export function askedRequest(
  plan: Plan,
  method: string,
  url: string,
  headerLines: readonly string[],
  from = "127.0.0.1",
): AskedRequest {
  const remoteAddr = from === "unix" ? "unix:" : from;
  if (remoteAddr !== "unix:" && parseAddress(remoteAddr) === null) {
    throw new UsageError(
      `--from ${quote(from)} is not an address`,
      "Write it as: --from 192.0.2.1",
    );
  }
  if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(method)) {
    const guess = didYouMean(method, METHODS);
    throw new UsageError(
      `${quote(method)} is not a method${guess}`,
      "METHOD comes before URL: sameorigin explain GET /api",
    );
  }
  const headers = parseHeaders(headerLines);
  const { scheme, authority, target } = cut(url);
  const websocket = scheme.startsWith("ws");
  const listener = listenerFor(plan, scheme, authority);
  if (!headers.has("host")) {
    headers.set("host", authority ?? localAuthority(listener));
  }
  if (websocket) {
    // What ws: means is a handshake (RFC 6455 section 4.1).
    headers.set("upgrade", "websocket");
    headers.set("connection", "Upgrade");
    for (const [name, value] of HANDSHAKE) {
      if (!headers.has(name)) headers.set(name, value);
    }
  }
  return {
    listener,
    url: `${schemeOf(listener)}://${headers.get("host")}${target}`,
    method,
    headers,
    target,
    remoteAddr,
  };
}

function schemeOf({ certificate }: ListenerPlan): "http" | "https" {
  return certificate === null ? "http" : "https";
}

/** A URL's parts; of a mere path the scheme is empty and the host null. */
function cut(
  url: string,
): { scheme: string; authority: string | null; target: string } {
  if (/[ \p{Cc}]/u.test(url)) {
    throw new UsageError(
      `a URL has no spaces and no control characters: ${quote(url)}`,
      "Write a space as %20.",
    );
  }
  if (url.startsWith("/")) {
    return { scheme: "", authority: null, target: url };
  }
  const parts = /^(https?|wss?):\/\/([^/?#]+)(.*)$/is.exec(url);
  if (parts === null) {
    throw new UsageError(
      `${quote(url)} is neither a path nor a URL`,
      /^[\w.-]+(:\d+)?(\/|$)/.test(url)
        ? `Did you mean http://${url} or /${url}?`
        : "A path begins with /, a URL with http://.",
    );
  }
  const [, scheme = "", authority = "", rest = ""] = parts;
  return {
    scheme: scheme.toLowerCase(),
    authority,
    target: rest.startsWith("/") ? rest : `/${rest}`,
  };
}

/** The listener with the URL's port. Published under another one, as from a container, it is the first. */
function listenerFor(
  plan: Plan,
  scheme: string,
  authority: string | null,
): ListenerPlan {
  const usual = /^(https|wss)$/.test(scheme) ? "443" : "80";
  const port = Number(/:(\d+)$/.exec(authority ?? "")?.[1] ?? usual);
  const named = authority === null ? undefined : plan.listeners.find(
    ({ address }) => address.transport === "tcp" && address.port === port,
  );
  const listener = named ?? plan.listeners[0];
  if (listener === undefined) throw new Error("a plan without a listener");
  return listener;
}

/** What a browser on this machine would say. */
function localAuthority(listener: ListenerPlan): string {
  const { address } = listener;
  const usual = schemeOf(listener) === "https" ? 443 : 80;
  if (address.transport === "unix" || address.port === usual) {
    return "localhost";
  }
  return `localhost:${address.port}`;
}

function parseHeaders(lines: readonly string[]): Headers {
  const headers = new Headers();
  for (const line of lines) {
    const [, name, value] = /^([^:\s]+):\s*(.*?)\s*$/s.exec(line) ?? [];
    try {
      if (name === undefined) throw new TypeError("no colon");
      // On the wire a value is bytes; `Headers` has a character for each.
      const bytes = utf8Bytes(value ?? "");
      const cookies = headers.get("cookie");
      if (name.toLowerCase() === "cookie" && cookies !== null) {
        // As Deno.serve does: a comma would be part of a value (RFC 6265).
        headers.set(name, `${cookies}; ${bytes}`);
      } else {
        headers.append(name, bytes);
      }
    } catch {
      throw new UsageError(
        `${quote(line)} is not a header`,
        "Write it as: -H 'Name: value'",
      );
    }
  }
  return headers;
}
