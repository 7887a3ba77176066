/**
 * Scenarios with what nginx 1.22.1 does in them. `balance_nginx_test.ts` asks
 * the nginx that is installed whether it still does.
 *
 * @module
 */
import type { Client } from "../../lib/upstream/balance/method.ts";
import type { Scenario, Server } from "./balance_scenario.ts";
import { ANYBODY, client, seeded } from "./balance_support.ts";

/** A scenario, and the servers of each of its requests. */
export interface Vector extends Scenario {
  /**
   * One word a request, with `retry`; otherwise one letter. Other white space
   * is there for the eye.
   */
  readonly picks: string;
}

/** The picks of a vector, one by one. */
export function picksOf({ picks, retry }: Vector): string[] {
  return retry ? picks.trim().split(/\s+/) : [...picks.replaceAll(/\s/g, "")];
}

/** Servers of these weights. Nothing listens on their ports. */
function refusing(...weights: number[]): Server[] {
  return weights.map((weight, i) => ({ name: `127.0.0.1:${i + 1}`, weight }));
}

/** The same servers, those with these indexes down. */
function down(servers: readonly Server[], ...indexes: number[]): Server[] {
  return servers.map((server, i) => ({ ...server, down: indexes.includes(i) }));
}

function times(count: number): Client[] {
  return Array.from({ length: count }, () => ANYBODY);
}

const random = seeded(4);
const below = (limit: number) => Math.floor(random() * limit);

// Not 255.255.255.255, which nginx takes from no header.
const NETWORKS = [
  ...["0.0.0.0", "127.0.0.1", "192.168.1.1", "192.168.1.254", "255.255.255.0"],
  ...["::", "::1", "fe80::1", "2001:db8::1", "2001:db8::1:0:0:1", "1::"],
  ...["2001:db8:1:2:3:4:5:6", "::ffff:192.168.1.1", "64:ff9b::192.0.2.33"],
  "unix:",
  ...Array.from(
    { length: 35 },
    () => `${below(256)}.${below(256)}.${below(256)}.${below(256)}`,
  ),
].map((remoteAddr) => client({ remoteAddr }));

const KEYS = [
  ...["/", "/index.html", "a", "A", "0", "1", "2", "", "x=1&y=2", "a b", ""],
  ...["user:12345", "\xc3\xa4\xc3\xb6", "\xff\xfe", "long".repeat(100)],
  ...Array.from({ length: 35 }, () => `/item/${below(1_000_000)}`),
].map((key) => client({ key }));

const NAMES: Server[] = [
  { name: "127.0.0.1:1", weight: 1 },
  { name: "unix:/nowhere/a.sock", weight: 3 },
  { name: "127.0.0.1:12", weight: 2 },
  { name: "unix:/nowhere/b:80", weight: 2 },
];

const roundRobin = { kind: "round_robin" } as const;
const ipHash = { kind: "ip_hash" } as const;
const hash = { kind: "hash", consistent: false } as const;
const consistent = { kind: "hash", consistent: true } as const;

/** Three of thirty up: some keys draw more than 20 servers in vain. */
const FEW_UP = down(
  refusing(...Array.from({ length: 30 }, () => 1)),
  ...Array.from({ length: 30 }, (_, i) => i).filter((i) => i % 10 !== 7),
);

const FAILING: Server[] = [
  { name: "a", weight: 10, answers: true, maxFails: 5 },
  { name: "127.0.0.1:2", weight: 10, maxFails: 5 },
  { name: "c", weight: 7, answers: true, maxFails: 5 },
];

export const VECTORS: readonly Vector[] = [
  {
    title: "round_robin of equals",
    balance: roundRobin,
    servers: refusing(1, 1, 1),
    clients: times(7),
    picks: "abcabca",
  },
  {
    title: "round_robin of 5, 1 and 1",
    balance: roundRobin,
    servers: refusing(5, 1, 1),
    clients: times(15),
    picks: "aabacaaaab acaaa",
  },
  {
    title: "round_robin where weights tie",
    balance: roundRobin,
    servers: refusing(2, 3, 2, 3),
    clients: times(21),
    picks: "bdacbdacbd bdacbdacbd b",
  },
  {
    title: "round_robin of 1 to 7",
    balance: roundRobin,
    servers: refusing(1, 2, 3, 4, 5, 6, 7),
    clients: times(40),
    picks: "gfedcgbfeg dfacgefdge bfgcdefggf edcgbfegdf",
  },
  {
    title: "round_robin with servers that are down",
    balance: roundRobin,
    servers: down(refusing(4, 3, 2, 1), 0, 2),
    clients: times(9),
    picks: "bbdbbbdbb",
  },
  {
    title: "round_robin of one",
    balance: roundRobin,
    servers: refusing(3),
    clients: times(3),
    picks: "aaa",
  },
  {
    title: "round_robin, tried again",
    balance: roundRobin,
    servers: refusing(5, 1, 2, 3),
    clients: times(12),
    retry: true,
    picks: "adcb cdab abdc dacb bacd cadb dabc acdb dacb bacd dacb cadb",
  },
  {
    title:
      "round_robin with a server that fails: its effective weight sinks and recovers",
    balance: roundRobin,
    servers: FAILING,
    clients: times(48),
    retry: true,
    picks: `
      a bc a c ba c a ba c a ba c a bc a a c a c a c a a c a c a a c a c
      a a c a c a c a a c a c a a c a c`,
  },
  {
    title: "least_conn with nothing in flight",
    balance: { kind: "least_conn" },
    servers: refusing(5, 1, 2, 3),
    clients: times(12),
    retry: true,
    picks: "adcb cdab abdc dacb bacd cadb dabc acdb dacb bacd dacb cadb",
  },
  {
    title: "ip_hash of equals",
    balance: ipHash,
    servers: refusing(1, 1, 1),
    clients: NETWORKS,
    picks: "bcbbabcacc ccbbbcbaac aaacaaaaaa abacbcaaab bcacacaabc",
  },
  {
    title: "ip_hash of 5, 1, 2 and 3, tried again",
    balance: ipHash,
    servers: refusing(5, 1, 2, 3),
    clients: NETWORKS.slice(0, 24),
    retry: true,
    picks: `
      dcab adcb adcb adcb cadb acbd bdca adcb adcb adcb dbac dabc bacd
      abdc dcab adbc adbc acdb adbc cadb dabc adbc acdb cadb`,
  },
  {
    title: "ip_hash with servers that are down",
    balance: ipHash,
    servers: down(refusing(5, 1, 2, 3), 0, 2),
    clients: NETWORKS,
    picks: "dddddbbddd ddbbdddddd ddddddbddd bdbddddbdd bdbddbdbdd",
  },
  {
    title: "ip_hash with few servers up",
    balance: ipHash,
    servers: FEW_UP,
    clients: NETWORKS,
    picks: "hhhh||rrrr h|rhr|||h| ||rh|rh||| h|rh||||hh h|||hrrrh|",
  },
  {
    title: "hash of equals",
    balance: hash,
    servers: refusing(1, 1, 1),
    clients: KEYS,
    picks: "cccacbcaba bbcbcabaca aacbcbbbaa ccababbcbb cabcbbaaba",
  },
  {
    title: "hash over 5, 1, 2 and 3, tried again",
    balance: hash,
    servers: refusing(5, 1, 2, 3),
    clients: KEYS.slice(0, 24),
    retry: true,
    picks: `
      adcb adcb acdb acbd cadb dbac bcad adcb dcba dcab cdab abcd bcda
      dacb dcab cabd dbac cdba adbc badc acdb adcb cadb acdb`,
  },
  {
    title: "hash with servers that are down",
    balance: hash,
    servers: down(refusing(5, 1, 2, 3), 0, 2),
    clients: KEYS,
    picks: "dddbddbddd bbbddbdddb dddddddddd ddddddddbd ddddddbddb",
  },
  {
    title: "hash with few servers up",
    balance: hash,
    servers: FEW_UP,
    clients: KEYS,
    picks: "rrr||rrh|h rrrrhh|||h hhr||hr|hr hhrh|hhrr| r||hhr|h|h",
  },
  {
    title: "hash consistent of equals",
    balance: consistent,
    servers: refusing(1, 1, 1),
    clients: KEYS,
    picks: "ccbaaabaaa bcabacabbc cabbcacbcc ccbcacbbab ccaaabbbbb",
  },
  {
    title: "hash consistent over 5, 1, 2 and 3, tried again",
    balance: consistent,
    servers: refusing(5, 1, 2, 3),
    clients: KEYS.slice(0, 24),
    retry: true,
    picks: `
      adcb cdab abcd dacb dacb adbc adbc adcb adbc adcb cdab cadb adcb
      cbda dabc cadb adcb badc dabc cdab dcab adbc dbca bcad`,
  },
  {
    title: "hash consistent with servers that are down",
    balance: consistent,
    servers: down(refusing(5, 1, 2, 3), 0, 2),
    clients: KEYS,
    picks: "ddbddddddd bddbdddbdd dddbdddbdd ddddbbbbdd dddbdbdbdd",
  },
  {
    title: "hash consistent with few servers up",
    balance: consistent,
    servers: FEW_UP,
    clients: KEYS,
    picks: "hhr|hhrh|h r|rhhrrh|r hh|hr|rrrh |hrrhhrh|| hrh|hh|rhr",
  },
  {
    title: "hash consistent over names of every kind",
    balance: consistent,
    servers: NAMES,
    clients: KEYS,
    picks: "cadaadcbda cbdcabbadc ccbdbcbddb bcdddcbdac bdadbcbcbb",
  },
];
