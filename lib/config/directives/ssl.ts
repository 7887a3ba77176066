/**
 * TLS for clients: nginx's `ssl_certificate` and `ssl_certificate_key`, and what
 * goes with a site that is to be reached by HTTPS only.
 *
 * @module
 */
import * as v from "valibot";
import { LISTEN_PATTERN } from "../address.ts";
import { block, byType, parsedBy, text } from "../schema_parts.ts";
import { expected, quote, ValueError } from "../words.ts";
import { type Acme, AcmeBlock } from "./acme.ts";
import { allowedIn, documented } from "./directive.ts";
import { type Listen, readListen } from "./listen.ts";
import { measure, parseCount, wholly } from "./values.ts";

/** `redirect_to_https`. */
export interface HttpsRedirect {
  readonly listen: Listen;
  /** The port in the URLs; null for that of the server's first `listen` with ssl. */
  readonly port: number | null;
}

const REDIRECT_WORDS = `an address such as 80, "on" (80), or "off"`;

/** Reads where plain HTTP is to be redirected; `off` is null. */
function parseRedirect(value: string | number | boolean): Listen | null {
  if (value === "off" || value === false) return null;
  const listen = readListen(
    value === "on" || value === true ? 80 : value,
  );
  if (listen.ssl) {
    throw new ValueError("this address is for HTTP: it can't have ssl");
  }
  return listen;
}

const RedirectAddress = byType(REDIRECT_WORDS, [
  v.pipe(
    v.number(),
    v.metadata({ type: "integer", minimum: 0, maximum: 65535 }),
    parsedBy<number, Listen | null>(parseRedirect),
  ),
  v.pipe(v.boolean(), parsedBy<boolean, Listen | null>(parseRedirect)),
  v.pipe(
    v.string(),
    v.metadata({ pattern: `^(on|off)$|${LISTEN_PATTERN}` }),
    parsedBy<string, Listen | null>(parseRedirect),
  ),
]);

const PORT_WORDS = "a port from 1 to 65535";

const RedirectBlock = v.pipe(
  block("a map with address and port", {
    address: documented(RedirectAddress, "Where to listen for HTTP."),
    port: v.optional(
      documented(
        measure(
          PORT_WORDS,
          "^\\d+$",
          (value) => parseCount(value, PORT_WORDS, 1, 65535),
        ),
        "The port in the URLs, if HTTPS is published under another one than " +
          "it is listened on.",
      ),
    ),
  }),
  v.transform(({ address, port = null }): HttpsRedirect | null =>
    address === null ? null : { listen: address, port }
  ),
);

const Redirect = byType(REDIRECT_WORDS, [
  v.pipe(
    RedirectAddress,
    v.transform((listen): HttpsRedirect | null =>
      listen === null ? null : { listen, port: null }
    ),
  ),
  wholly(RedirectBlock),
]);

/** RFC 6797 section 6.1: directives, of which `max-age` is required. */
function parseHsts(value: string): string | null {
  if (value === "off") return null;
  const names = value.split(";").map((part) => {
    const [, name] = /^\s*([\w-]+)\s*(?:=\s*("?)\d+\2\s*)?$/.exec(part) ?? [];
    return name?.toLowerCase();
  });
  const unknown = names.findIndex((name) =>
    name === undefined ||
    !["max-age", "includesubdomains", "preload"].includes(name)
  );
  if (unknown !== -1 || !names.includes("max-age")) {
    throw new ValueError(
      expected(`"max-age=31536000", perhaps with "; includeSubDomains"`, value),
    );
  }
  if (new Set(names).size < names.length) {
    throw new ValueError(`${quote(value)}: a directive is there twice`);
  }
  return value;
}

function parseFile(value: string): string {
  if (value.trim() === "" || value.includes("\0")) {
    throw new ValueError(expected("a file", value));
  }
  return value;
}

const File = v.pipe(text("a file"), parsedBy(parseFile));

const Certificate = byType("a file, or a map with acme", [
  File,
  wholly(v.pipe(
    block("a map with acme", {
      acme: documented(
        AcmeBlock,
        "Gets the certificate from an authority, and renews it (RFC 8555, " +
          "HTTP-01). Needs redirect_to_https on port 80.",
      ),
    }),
    v.transform(({ acme }): Acme => acme),
  )),
]);

export const ssl = {
  ssl_certificate: allowedIn(
    ["top", "server"],
    Certificate,
    undefined,
    "A PEM file with the certificate, followed by those of its chain " +
      "(fullchain.pem), for each listen with ssl. Relative to the folder of " +
      "this file. Or {acme: {email: you@example.com}}: Let's Encrypt issues " +
      "it, for server_name.",
  ),
  ssl_certificate_key: allowedIn(
    ["top", "server"],
    File,
    undefined,
    "A PEM file with the private key of ssl_certificate, not encrypted.",
  ),
  state_dir: allowedIn(
    ["top"],
    File,
    undefined,
    "The folder for what the proxy must remember: keys and certificates of " +
      "acme. /var/lib/sameorigin if unset, the only one that the executable " +
      "may write to.",
  ),
  redirect_to_https: allowedIn(
    ["top", "server"],
    Redirect,
    undefined,
    "Where to listen for HTTP too, to send every request to HTTPS with 308: " +
      "an address such as 80, or {address: 8080, port: 443} where HTTPS is " +
      "published under another port than it is listened on. Off if unset.",
  ),
  strict_transport_security: allowedIn(
    ["top", "server"],
    v.pipe(
      text(`"max-age=31536000" or "off"`),
      v.metadata({ pattern: "^off$|max-age" }),
      parsedBy(parseHsts),
    ),
    undefined,
    "The Strict-Transport-Security of every response over HTTPS, such as " +
      '"max-age=31536000; includeSubDomains". Browsers then never use HTTP ' +
      "again for that time, so try a short one first. Off if unset.",
  ),
};
