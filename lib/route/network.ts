/**
 * Networks of addresses, such as `10.0.0.0/8`, and whether an address is in one.
 *
 * The platform has this too (node:net's BlockList, which the tests compare it
 * with), but loading that costs every start 15 ms.
 *
 * @module
 */

/** Networks, and perhaps all that connect by a unix socket. */
export interface NetworkSet {
  readonly networks: readonly Network[];
  /** Whether peers on a unix socket belong to it. */
  readonly unix: boolean;
}

/** A network: the first `bits` of an IPv6 address in eight groups. */
export interface Network {
  readonly groups: readonly number[];
  /** 0 to 128; IPv4 is the network ::ffff:0:0/96 of IPv6 (RFC 4291 section 2.5.5.2). */
  readonly bits: number;
}

/**
 * Reads `10.0.0.0/8`, `192.0.2.1`, `fd00::/8`, or `unix`.
 *
 * @returns Null if it is none of these.
 */
export function parseNetwork(text: string): Network | "unix" | null {
  if (text === "unix" || text === "unix:") return "unix";
  const [, address = "", length] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const groups = parseAddress(address);
  if (groups === null) return null;
  const most = address.includes(":") ? 128 : 32;
  const bits = length === undefined ? most : Number(length);
  return bits > most ? null : { groups, bits: bits + 128 - most };
}

/** The set of these networks; what is no network is left out. */
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
 * @param address Without brackets; `unix:` for a peer on a unix socket. What is
 * no address is in no network.
 */
export function isIn(set: NetworkSet, address: string): boolean {
  if (address === "unix:") return set.unix;
  if (set.networks.length === 0) return false;
  const groups = parseAddress(address);
  return groups !== null &&
    set.networks.some((network) => contains(network, groups));
}

function contains(network: Network, address: readonly number[]): boolean {
  let left = network.bits;
  for (let i = 0; left > 0; i++, left -= 16) {
    const unlike = (network.groups[i] ?? 0) ^ (address[i] ?? 0);
    if (unlike >>> Math.max(0, 16 - left) !== 0) return false;
  }
  return true;
}

const IPV4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

/**
 * An IPv4 or IPv6 address (without brackets or zone) in eight groups of 16 bits.
 *
 * @returns Null if it is none.
 */
export function parseAddress(text: string): number[] | null {
  const v4 = IPV4.exec(text);
  if (v4 !== null) {
    const [a = 0, b = 0, c = 0, d = 0] = v4.slice(1).map(Number);
    if (Math.max(a, b, c, d) > 255) return null;
    return [0, 0, 0, 0, 0, 0xffff, a << 8 | b, c << 8 | d];
  }
  if (!/^[\da-f:.]+$/i.test(text) || !text.includes(":")) return null;
  // The URL parser knows the grammar and gives the shortest form, hex only.
  const shortest = URL.parse(`http://[${text}]/`)?.hostname.slice(1, -1);
  if (shortest === undefined) return null;
  const [head = "", tail] = shortest.split("::");
  const first = groupsOf(head);
  if (tail === undefined) return first;
  const last = groupsOf(tail);
  const zeros = 8 - first.length - last.length;
  return [...first, ...new Array<number>(zeros).fill(0), ...last];
}

function groupsOf(text: string): number[] {
  return text === "" ? [] : text.split(":").map((group) => parseInt(group, 16));
}
