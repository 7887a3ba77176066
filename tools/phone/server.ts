/**
 * What a phone gets the authority from: a listener of its own, by http, since the
 * phone does not trust the https yet. All that it has is in memory: a page, and the
 * certificate. It reads no file, so no path leads to the key.
 *
 * @module
 */
import { httpUrl } from "./addresses.ts";
import { phonePage } from "./page.ts";

/** Of the page and the certificate. */
export const PAGE = "/.well-known/sameorigin/trust";
export const CERTIFICATE = "/.well-known/sameorigin/sameorigin.crt";

/** Where it listens, if nobody else does. */
const PORT = 9002;

/** What it is about. */
export interface PhoneOptions {
  /** PEM. */
  readonly authority: string;
  readonly hostname: string;
  /** Any free port for 0, and where this one is taken. */
  readonly port?: number;
  /** Where the proxy is. */
  readonly httpsPort: number;
  /** This machine's, the likeliest first. */
  readonly addresses: readonly string[];
}

/** It is running. */
export interface PhoneServer {
  /** Of the page, one for each address. */
  readonly urls: readonly string[];
  /** Of the authority, SHA-256 as systems show it: `AB:CD:…`. */
  readonly fingerprint: string;
  stop(): Promise<void>;
}

/** Starts it. */
export async function startPhoneServer(
  options: PhoneOptions,
): Promise<PhoneServer> {
  const { hostname, port = PORT, addresses, httpsPort } = options;
  const der = certificateOf(options.authority);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", der));
  const fingerprint = hash.toHex().toUpperCase().replace(/..(?!$)/g, "$&:");

  const handler = (request: Request): Response => {
    const { pathname, hostname: asked } = new URL(request.url);
    if (request.method !== "GET" && request.method !== "HEAD") {
      return new Response("GET only\n", {
        status: 405,
        headers: { allow: "GET, HEAD" },
      });
    }
    if (pathname === "/") {
      return new Response(null, { status: 302, headers: { location: PAGE } });
    }
    if (pathname === CERTIFICATE) {
      return new Response(der, {
        headers: {
          // No Content-Disposition: Safari would save a file.
          "content-type": "application/x-x509-ca-cert",
          "cache-control": "no-store",
        },
      });
    }
    if (pathname !== PAGE) return new Response("not here\n", { status: 404 });
    const host = asked.replace(/^\[|\]$/g, "");
    const address = addresses.includes(host) ? host : addresses[0] ?? host;
    const origin = httpUrl("https", address, httpsPort);
    const nonce = crypto.randomUUID();
    const page = phonePage({
      certificate: CERTIFICATE,
      origin,
      fingerprint,
      nonce,
    });
    return new Response(page, {
      headers: {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy":
          `default-src 'none'; img-src data:; style-src 'nonce-${nonce}'; ` +
          // Not the origin: a source can't be an IPv6 address (CSP 3, host-part).
          `script-src 'nonce-${nonce}'; connect-src https:; ` +
          "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
      },
    });
  };
  const server = serve({ hostname, port, onListen() {} }, handler);
  return {
    urls: addresses.map((address) =>
      new URL(PAGE, httpUrl("http", address, server.addr.port)).href
    ),
    fingerprint,
    stop: () => server.shutdown(),
  };
}

function serve(
  options: Deno.ServeTcpOptions,
  handler: (request: Request) => Response,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve(options, handler);
  } catch (error) {
    const isTaken = error instanceof Deno.errors.AddrInUse;
    if (!isTaken || options.port === 0) throw error;
    return serve({ ...options, port: 0 }, handler);
  }
}

/**
 * The certificate in a PEM file as DER, and nothing else of it.
 *
 * @throws {Error} if there is none.
 */
function certificateOf(pem: string): Uint8Array<ArrayBuffer> {
  const [, base64] =
    /-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----/.exec(pem) ??
      [];
  if (base64 === undefined) throw new Error("the authority has no certificate");
  return Uint8Array.fromBase64(base64.replace(/\s/g, ""));
}
