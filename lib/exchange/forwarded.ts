/**
 * What a trusted proxy in front says of the client: `X-Forwarded-For`,
 * `X-Forwarded-Proto`, `X-Forwarded-Host`, or `Forwarded` (RFC 7239) where
 * there is none of these.
 *
 * @module
 */
import { parseAddress } from "../route/address.ts";
import { isIn, type NetworkSet } from "../route/network.ts";

/** The client, as far as it is told. */
export interface Forwarded {
  /** Its address, without brackets. */
  readonly remoteAddr: string | null;
  readonly scheme: "http" | "https" | null;
  /** Host and port that it asked for, unchecked. */
  readonly host: string | null;
}

/** One hop, as it is written. */
interface Hop {
  readonly node: string | null;
  readonly scheme: string | null;
  readonly host: string | null;
}

/**
 * Reads the headers of a trusted peer. The client is the last hop that is not
 * itself trusted, as with nginx's `real_ip_recursive`; what is left of it could
 * be made up.
 */
export function readForwarded(
  headers: Headers,
  trusted: NetworkSet,
): Forwarded {
  const chain = headers.get("x-forwarded-for");
  const proto = headers.get("x-forwarded-proto");
  const host = headers.get("x-forwarded-host");
  if (chain === null && proto === null && host === null) {
    const forwarded = headers.get("forwarded");
    if (forwarded !== null) return fromHops(parseForwarded(forwarded), trusted);
  }
  const nodes = chain === null ? [] : chain.split(",");
  const { remoteAddr } = fromHops(
    nodes.map((node) => ({ node: node.trim(), scheme: null, host: null })),
    trusted,
  );
  // The nearest proxy, which is trusted, wrote the last one.
  return { remoteAddr, scheme: schemeOf(last(proto)), host: last(host) };
}

function fromHops(hops: readonly Hop[], trusted: NetworkSet): Forwarded {
  let remoteAddr: string | null = null;
  let scheme: Forwarded["scheme"] = null;
  let host: string | null = null;
  for (const hop of hops.toReversed()) {
    scheme = schemeOf(hop.scheme) ?? scheme;
    host = hop.host ?? host;
    const address = hop.node === null ? null : addressOf(hop.node);
    // "unknown", or a name that hides the address (RFC 7239 section 6).
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

/** `192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]:80`, `2001:db8::1`; null if it is none. */
function addressOf(node: string): string | null {
  const [, bracketed, plain] =
    /^(?:\[([^\]]*)\](?::\w+)?|([\d.]+)(?::\w+)?)$/.exec(node) ?? [];
  const address = bracketed ?? plain ?? node;
  return parseAddress(address) === null ? null : address;
}

/** One `name=value` of RFC 7239 section 4, which may be missing, and what ends it. */
const PAIR =
  /[ \t]*(?:([!#$%&'*+.^_`|~\w-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",;=]*)))?[ \t]*([;,]|$)/gy;

/** The hops of a `Forwarded`; none of one that is malformed, which can't be trusted. */
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
