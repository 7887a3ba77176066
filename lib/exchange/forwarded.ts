/**
 * What a trusted proxy in front says of the client: in `X-Forwarded-For`,
 * `-Proto` and `-Host`, in `Forwarded` (RFC 7239), or in a header such as
 * `X-Real-IP`.
 *
 * @module
 */
import { parseAddress } from "../route/address.ts";
import { isIn, type NetworkSet } from "../route/network.ts";

/** What the headers say of the client; null for what they do not say. */
export interface Forwarded {
  /** Its address, without brackets. */
  readonly remoteAddr: string | null;
  readonly scheme: "http" | "https" | null;
  /** Host and port of its request, unchecked. */
  readonly host: string | null;
}

/** One hop, as written. */
interface Hop {
  readonly node: string | null;
  readonly scheme: string | null;
  readonly host: string | null;
}

/**
 * Reads the headers of a trusted peer. The client is the last hop that is not
 * itself trusted, as with nginx's `real_ip_recursive`; hops before that one could
 * be forged.
 *
 * Only one header is read for the address, and never both `Forwarded` and
 * `X-Forwarded-*`: a proxy writes one of them and may pass on the other as the
 * client sent it.
 *
 * @param header nginx's `real_ip_header`, in lower case: `forwarded`, which also
 * has scheme and host; else the name of a header with an address or a list of
 * addresses, with `X-Forwarded-Proto` and `-Host` for scheme and host.
 */
export function readForwarded(
  headers: Headers,
  trusted: NetworkSet,
  header: string,
): Forwarded {
  const value = headers.get(header);
  if (header === "forwarded") {
    return fromHops(value === null ? [] : parseForwarded(value), trusted);
  }
  const nodes = value === null ? [] : value.split(",");
  const { remoteAddr } = fromHops(
    nodes.map((node) => ({ node: node.trim(), scheme: null, host: null })),
    trusted,
  );
  // The last item is from the nearest proxy, which is trusted.
  return {
    remoteAddr,
    scheme: schemeOf(last(headers.get("x-forwarded-proto"))),
    host: last(headers.get("x-forwarded-host")),
  };
}

function fromHops(hops: readonly Hop[], trusted: NetworkSet): Forwarded {
  let remoteAddr: string | null = null;
  let scheme: Forwarded["scheme"] = null;
  let host: string | null = null;
  for (const hop of hops.toReversed()) {
    scheme = schemeOf(hop.scheme) ?? scheme;
    host = hop.host ?? host;
    const address = hop.node === null ? null : addressOf(hop.node);
    // "unknown", or an obfuscated identifier (RFC 7239 section 6).
    if (address === null) break;
    remoteAddr = address;
    if (!isIn(trusted, address)) break;
  }
  return { remoteAddr, scheme, host };
}

function last(list: string | null): string | null {
  if (list === null) return null;
  const item = list.slice(list.lastIndexOf(",") + 1).trim();
  return item === "" ? null : item;
}

function schemeOf(text: string | null): Forwarded["scheme"] {
  const scheme = text?.toLowerCase();
  return scheme === "http" || scheme === "https" ? scheme : null;
}

/** The address in `192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]:80` or `2001:db8::1`; null for anything else. */
function addressOf(node: string): string | null {
  const [, bracketed, plain] =
    /^(?:\[([^\]]*)\](?::\w+)?|([\d.]+)(?::\w+)?)$/.exec(node) ?? [];
  const address = bracketed ?? plain ?? node;
  return parseAddress(address) === null ? null : address;
}

/** An optional `name=value` of RFC 7239 section 4, and what ends it. */
const PAIR =
  /[ \t]*(?:([!#$%&'*+.^_`|~\w-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",;=]*)))?[ \t]*([;,]|$)/gy;

/** The hops of a `Forwarded`; none if it is malformed, since it can't be trusted then. */
function parseForwarded(text: string): Hop[] {
  const hops: Hop[] = [];
  let pairs = new Map<string, string>();
  const pattern = new RegExp(PAIR);
  while (true) {
    const pair = pattern.exec(text);
    if (pair === null) return [];
    const [, name, quoted, token = "", end] = pair;
    if (name !== undefined) {
      pairs.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, "$1") ?? token);
    }
    if (end === ";") continue;
    if (pairs.size > 0) hops.push(hopOf(pairs));
    if (end === "") return hops;
    pairs = new Map();
  }
}

function hopOf(pairs: ReadonlyMap<string, string>): Hop {
  return {
    node: pairs.get("for") ?? null,
    scheme: pairs.get("proto") ?? null,
    host: pairs.get("host") ?? null,
  };
}
