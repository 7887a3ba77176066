/**
 * `admin`: where the proxy tells how it is, to whom it may.
 *
 * @module
 */
import * as v from "valibot";
import { type ListenAddress, parseListen } from "../address.ts";
import { block, byType, parsedBy, shortFor, text } from "../schema_parts.ts";
import { quote, ValueError } from "../words.ts";
import { allowedIn, entriesIn, required } from "./directive.ts";
import type { Listen } from "./listen.ts";

/** Where the admin listener is, and what it asks for. */
export interface AdminPlan {
  readonly address: ListenAddress;
  /** As the config writes it. */
  readonly written: string;
  /** What a client has to know; null where all on this machine may ask. */
  readonly token: string | null;
}

/** Fewer can be guessed by whoever may try as often as they like. */
const SHORTEST_TOKEN = 16;

const ADDRESS_WORDS = `a port, or an address such as 127.0.0.1:9001`;
const ADMIN_WORDS = `${ADDRESS_WORDS}, or a map with listen and token`;

/**
 * Reads where the admin listener is. A port alone is one of this machine only,
 * other than with `listen`.
 *
 * @throws {ValueError} As {@link parseListen} does.
 */
export function readAdminListen(value: string | number): Listen {
  const written = String(value);
  const isPort = /^\s*\d+\s*$/.test(written);
  const address = parseListen(isPort ? `127.0.0.1:${written.trim()}` : value);
  return { address, ssl: false, written };
}

/** Whether only this machine can connect to an address. */
export function isLoopback(address: ListenAddress): boolean {
  if (address.transport === "unix") return true;
  const { hostname } = address;
  return hostname === "localhost" || hostname === "::1" ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/**
 * The plan of an address and a token.
 *
 * @throws {ValueError} Where others could come in without a token.
 */
export function adminPlan(
  { address, written }: Listen,
  token: string | null,
): AdminPlan {
  if (token === null && !isLoopback(address)) {
    throw new ValueError(
      `${quote(written)} can be reached from other machines: give it a token ` +
        "too (admin: { listen: …, token: … }), or write 127.0.0.1",
    );
  }
  return { address, written, token };
}

const Address = byType(ADDRESS_WORDS, [
  v.pipe(
    v.number(),
    v.metadata({ type: "integer", minimum: 0, maximum: 65535 }),
    parsedBy<number, Listen>(readAdminListen),
  ),
  v.pipe(v.string(), parsedBy<string, Listen>(readAdminListen)),
]);

const TOKEN_WORDS =
  `a token of at least ${SHORTEST_TOKEN} letters, digits and ._~+/=-`;

const Token = v.pipe(
  text(TOKEN_WORDS),
  v.metadata({ minLength: SHORTEST_TOKEN }),
  parsedBy((token) => {
    // RFC 6750 section 2.1: it stands in `Authorization` as it is. It is a
    // secret: the message does not repeat it.
    if (!/^[\w.~+/-]+=*$/.test(token) || token.length < SHORTEST_TOKEN) {
      throw new ValueError(`expected ${TOKEN_WORDS}`);
    }
    return token;
  }),
);

/** What may stand in an `admin`. */
export const adminOptions = {
  listen: required(
    ["admin"],
    Address,
    'Where to listen: 9001 (of this machine only), "127.0.0.1:9001", ' +
      '"unix:/run/admin.sock".',
  ),
  token: allowedIn(
    ["admin"],
    Token,
    undefined,
    "What a client has to know: `Authorization: Bearer TOKEN`, or the form at " +
      "/login. Needed where other machines can connect.",
  ),
};

const AdminBlock = v.pipe(
  block(ADMIN_WORDS, entriesIn("admin", adminOptions)),
  parsedBy(({ listen, token = null }) => adminPlan(listen, token)),
);

export const admin = {
  admin: allowedIn(
    ["top"],
    byType(ADMIN_WORDS, [
      shortFor(["listen"], Address, AdminBlock),
      AdminBlock,
    ]),
    undefined,
    "Where the proxy tells how it is: /metrics, /healthz, /readyz, /config, " +
      "/state, /events, and POST /reload. A port alone is one of this machine " +
      "only; where other machines can connect a token is needed. Off unless set.",
  ),
};
