/**
 * `proxy_ssl_…`: TLS to upstreams (nginx's ngx_http_proxy_module).
 *
 * @module
 */
import * as v from "valibot";
import { plainText } from "../plain_text.ts";
import { parsedBy, text } from "../schema_parts.ts";
import { expected, ValueError } from "../words.ts";
import { inherited, unset } from "./directive.ts";
import { Toggle } from "./values.ts";

/** How an upstream is spoken to by TLS, where the config says more than `https://`. */
export interface UpstreamTls {
  /** PEM: authorities that are trusted in place of the public ones; null for these. */
  readonly trusted: string | null;
  /** The name that is asked for and verified; null for the host of the server's address. */
  readonly name: string | null;
  /** Whether the server's certificate is verified. */
  readonly verify: boolean;
  /** The proxy's own certificate and its key, PEM; null for none. */
  readonly certificate: { readonly chain: string; readonly key: string } | null;
}

const FILE_WORDS = `the path of a PEM file, or "off"`;

/** A path as the config writes it; null for none. */
const File = v.pipe(
  text(FILE_WORDS),
  parsedBy((written: string) => {
    const path = plainText(written);
    if (path === "") throw new ValueError(expected(FILE_WORDS, path));
    return path === "off" ? null : path;
  }),
);

const NAME_WORDS = "a host name such as backend.example.com";

/** For editors: a name or an address, without a port. */
const NAME_PATTERN = "^(off|[A-Za-z0-9_.-]+|[0-9A-Fa-f:.]+)$";

const Name = v.pipe(
  text(NAME_WORDS),
  v.metadata({ pattern: NAME_PATTERN }),
  parsedBy((written: string) => {
    const name = plainText(written);
    if (name === "off") return null;
    if (new RegExp(NAME_PATTERN).test(name)) return name.toLowerCase();
    throw new ValueError(expected(NAME_WORDS, name));
  }),
);

const ServerName = v.pipe(
  Toggle,
  parsedBy((on: boolean) => {
    if (on) return on;
    throw new ValueError(
      "the platform always sends the name to which it connects (set another one " +
        "with proxy_ssl_name)",
    );
  }),
);

export const proxySsl = {
  // nginx's default is off: whoever stands between could be the upstream then.
  proxy_ssl_verify: inherited(
    Toggle,
    true,
    "Whether the certificates of https:// upstreams are verified. (nginx's " +
      "default is off.)",
  ),
  proxy_ssl_trusted_certificate: inherited(
    File,
    unset<string | null>(null),
    "A PEM file of authorities that are trusted for https:// upstreams, in " +
      "place of the public ones.",
  ),
  proxy_ssl_name: inherited(
    Name,
    unset<string | null>(null),
    "The name that https:// upstreams are asked for (SNI) and that their " +
      "certificates must have. If unset, the host of the server's address.",
  ),
  proxy_ssl_server_name: inherited(
    ServerName,
    true,
    "Always on: the name is sent in the handshake (SNI).",
  ),
  proxy_ssl_certificate: inherited(
    File,
    unset<string | null>(null),
    "A PEM file with the proxy's own certificate, for https:// upstreams that " +
      "ask for one.",
  ),
  proxy_ssl_certificate_key: inherited(
    File,
    unset<string | null>(null),
    "A PEM file with the key of proxy_ssl_certificate.",
  ),
};
