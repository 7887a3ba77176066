/**
 * Where a server listens, and which hosts it answers for.
 *
 * @module
 */
import * as v from "valibot";
import { LISTEN_PATTERN, type ListenAddress, parseListen } from "../address.ts";
import { plainText } from "../plain_text.ts";
import { block, byType, oneOrMore, parsedBy, text } from "../schema_parts.ts";
import { quote, ValueError } from "../words.ts";
import { allowedIn, documented } from "./directive.ts";
import { Toggle, wholly } from "./values.ts";

/** One address to listen on, and how it was written. */
export interface Listen {
  readonly address: ListenAddress;
  /** Whether clients speak TLS there. */
  readonly ssl: boolean;
  readonly written: string;
}

/**
 * Reads a `listen`, which may end with nginx's `ssl`, and keeps how it is
 * written.
 *
 * @throws {ValueError} As {@link parseListen} does; also for a unix socket with
 * `ssl`.
 */
export function readListen(value: string | number): Listen {
  const written = String(value);
  const [address = "", ...parameters] = written.trim().split(/\s+/);
  if (typeof value === "number" || !parameters.includes("ssl")) {
    return { address: parseListen(value), ssl: false, written };
  }
  const others = parameters.filter((word) => word !== "ssl");
  return withSsl({
    address: parseListen([address, ...others].join(" ")),
    ssl: true,
    written,
  });
}

/** `Deno.serve` has no TLS on a unix socket (2.9.6). */
function withSsl(listen: Listen): Listen {
  if (listen.ssl && listen.address.transport === "unix") {
    throw new ValueError("a unix socket can't have ssl");
  }
  return listen;
}

const Port = v.pipe(
  v.number(),
  v.metadata({ type: "integer", minimum: 0, maximum: 65535 }),
  parsedBy<number, Listen>(readListen),
);

const AddressText = v.pipe(
  v.string(),
  v.metadata({ pattern: LISTEN_PATTERN }),
  parsedBy<string, Listen>(readListen),
);

/** Where to listen, and whether with TLS; read as {@link Listen}. */
const ListenBlock = v.pipe(
  block("a map with address and ssl", {
    address: documented(
      byType(`a port or "host:port"`, [Port, AddressText]),
      'A port, "host:port", or "unix:/path".',
    ),
    ssl: v.optional(
      documented(Toggle, "Whether clients speak TLS there: HTTP/2 or 1.1."),
      false,
    ),
  }),
  parsedBy(({ address, ssl }): Listen =>
    withSsl({ ...address, ssl: ssl || address.ssl })
  ),
);

/** One address, in any form. */
export const ListenValue = byType(`a port or "host:port"`, [
  Port,
  AddressText,
  // One that is refused in part comes out as undefined, as the others do.
  wholly(ListenBlock),
]);

const Listens = oneOrMore(
  `a port, "host:port", or a list of them`,
  ListenValue,
);

const ServerNames = oneOrMore(
  "a host name or a list of them",
  v.pipe(text("a host name"), parsedBy(parseServerName)),
);

export const listen = {
  server_name: allowedIn(
    ["top", "server"],
    ServerNames,
    "",
    "The hosts this server answers for: example.com, *.example.com, example.*, " +
      ".example.com (it and all below), or a list. The first server of a listen " +
      "also takes what no other has.",
  ),
  listen: allowedIn(
    ["top", "server"],
    Listens,
    9000,
    'Where to listen: 9000, "127.0.0.1:9000", "[::]:9000", "unix:/run/x.sock", ' +
      "or a list. A port alone is one of all IPv4 addresses. With TLS: " +
      '"443 ssl", or {address: 443, ssl: true}.',
  ),
};

/**
 * Reads a name, in lower case: `example.com`, `*.example.com`, `example.*`,
 * `.example.com` (the name and all below it), `[::1]`, `_`, `""`.
 *
 * @throws {ValueError} If it could not match any host.
 */
export function parseServerName(text: string): string {
  const name = plainText(text).toLowerCase();
  if (name.startsWith("~")) {
    throw new ValueError("regular expressions are not supported here");
  }
  if (name.startsWith("[") && /^\[[0-9a-f:.]+\]$/.test(name)) {
    const canonical = URL.parse(`http://${name}/`)?.hostname;
    if (canonical === undefined) throw new ValueError(noName(text));
    return name;
  }
  if (
    /^(?:\*\.|\.)?[\w-]+(?:\.[\w-]+)*\.?$|^[\w-]+(?:\.[\w-]+)*\.\*$|^$/.test(
      name,
    )
  ) {
    return name;
  }
  throw new ValueError(noName(text));
}

function noName(text: string): string {
  const trimmed = text.trim();
  if (/\s/.test(trimmed)) {
    const list = trimmed.split(/\s+/).join(", ");
    return `${
      quote(text)
    } is not a host name (write several as a list: [${list}])`;
  }
  const [, host, port] = /^(?:\w+:\/\/)?([^/:]+)(:\d+)?\/?$/.exec(trimmed) ??
    [];
  if (host !== undefined && host !== trimmed) {
    const what = port === undefined
      ? "the host alone"
      : "the host without a port";
    return `${quote(text)} is not a host name (write ${what}: ${quote(host)})`;
  }
  if (trimmed.includes("*")) {
    return `${quote(text)}: a "*" is only allowed first or last, next to a dot`;
  }
  const ascii = URL.parse(`http://${trimmed}/`)?.hostname;
  if (ascii !== undefined && /[^\x21-\x7e]/.test(trimmed)) {
    return `${quote(text)}: browsers send this name as ${
      quote(ascii)
    }, write that`;
  }
  return `${quote(text)} is not a host name`;
}

/** The name that `$server_name` has: the first one, without a leading dot. */
export function primaryName(names: readonly string[]): string {
  const [name = ""] = names;
  return name.startsWith(".") ? name.slice(1) : name;
}
