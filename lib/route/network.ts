/**
 * Networks of addresses, such as `10.0.0.0/8`, and whether an address is in one.
 *
 * node:net's BlockList does the same, and the tests compare with it, but loading
 * it would cost 15 ms at each start.
 *
 * @module
 */
import { parseAddress } from "./address.ts";

/** Networks, and perhaps all peers on a unix socket. */
export interface NetworkSet {
  readonly networks: readonly Network[];
  /** Whether peers on a unix socket belong to it. */
  readonly unix: boolean;
}

/** A network: the addresses whose first `bits` are these. */
export interface Network {
  /** 16, of an IPv4 network in its IPv6 form. */
  readonly bytes: Uint8Array;
  /** 0 to 128. */
  readonly bits: number;
}

/**
 * Parses `10.0.0.0/8`, `192.0.2.1`, `fd00::/8`, or `unix`.
 *
 * @returns Null for anything else.
 */
export function parseNetwork(text: string): Network | "unix" | null {
  if (text === "unix" || text === "unix:") return "unix";
  const [, address = "", length] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const bytes = parseAddress(address);
  if (bytes === null) return null;
  const most = address.includes(":") ? 128 : 32;
  const bits = length === undefined ? most : Number(length);
  return bits > most ? null : { bytes, bits: bits + 128 - most };
}

/** The set of these networks; invalid ones are left out. */
export function networkSet(written: readonly string[]): NetworkSet {
  const networks: Network[] = [];
  let unix = false;
  for (const text of written) {
    const network = parseNetwork(text);
    if (network === "unix") unix = true;
    else if (network !== null) networks.push(network);
  }
  return { networks, unix };
}

/**
 * Whether an address is in one of the networks.
 *
 * @param address Without brackets; `unix:` for a peer on a unix socket. An
 * invalid address is in no network.
 */
export function isIn(set: NetworkSet, address: string): boolean {
  if (address === "unix:") return set.unix;
  if (set.networks.length === 0) return false;
  const bytes = parseAddress(address);
  return bytes !== null &&
    set.networks.some((network) => contains(network, bytes));
}

function contains(network: Network, address: Uint8Array): boolean {
  let left = network.bits;
  for (let i = 0; left > 0; i++, left -= 8) {
    const unlike = (network.bytes[i] ?? 0) ^ (address[i] ?? 0);
    if (unlike >>> Math.max(0, 8 - left) !== 0) return false;
  }
  return true;
}
