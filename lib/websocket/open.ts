/**
 * Opening a WebSocket to an upstream: the handshake (RFC 6455 section 4.1).
 *
 * @module
 */
import type { Field } from "../exchange/fields.ts";
import { UpstreamError } from "../transport/errors.ts";
import type {
  Transport,
  UpstreamRequest,
  UpstreamResponse,
} from "../transport/transport.ts";
import { FrameDecoder, MAX_MESSAGE } from "./frames/decoder.ts";
import { UpstreamSocket, type WebSocketSupplies } from "./upstream_socket.ts";

/** The upstream has agreed. */
export interface UpgradedResponse {
  readonly status: 101;
  /** The end-to-end ones, but for those of the handshake. */
  readonly fields: readonly Field[];
  readonly socket: UpstreamSocket;
}

/** What a WebSocket has beside other requests. */
export interface WebSocketOptions {
  /** The server's name, for errors. */
  readonly name: string;
  /** The sub-protocols as the client offers them, null for none. */
  readonly protocols: string | null;
  /** Bytes of the longest message taken from the upstream; 0 is as many as can be. */
  readonly maxMessageSize: number;
}

/** The fields of a handshake; it has no others of these names. */
export const HANDSHAKE_FIELDS: ReadonlySet<string> = new Set([
  "sec-websocket-accept",
  "sec-websocket-extensions",
  "sec-websocket-key",
  "sec-websocket-protocol",
  "sec-websocket-version",
]);

/**
 * Sends a handshake.
 *
 * @param now The time, by `performance.now()`.
 * @returns The open WebSocket, or the upstream's own answer if it refuses.
 * @throws What {@linkcode Transport.send} throws; `invalid` also for an answer
 * that is none to this handshake.
 */
export async function openWebSocket(
  transport: Transport,
  request: UpstreamRequest,
  { name, protocols, maxMessageSize }: WebSocketOptions,
  supplies: WebSocketSupplies,
  now: number,
): Promise<UpstreamResponse | UpgradedResponse> {
  const key = crypto.getRandomValues(new Uint8Array(16)).toBase64();
  const response = await transport.send({
    ...request,
    upgrade: "websocket",
    fields: [...request.fields, ...handshakeFields(key, protocols)],
  }, now);
  if (response.upgraded === null) return response;
  const { conn, ahead } = response.upgraded;
  const problem = await problemOf(response.fields, key, protocols);
  if (problem !== null) {
    conn.close();
    throw new UpstreamError("invalid", name, { detail: problem });
  }
  const protocol = valueOf(response.fields, "sec-websocket-protocol") ?? "";
  const decoder = new FrameDecoder(
    ahead,
    supplies.messages,
    maxMessageSize || MAX_MESSAGE,
  );
  return {
    status: 101,
    fields: response.fields.filter(([name]) => !HANDSHAKE_FIELDS.has(name)),
    socket: new UpstreamSocket(conn, decoder, protocol, supplies),
  };
}

/**
 * The fields that ask for a WebSocket.
 *
 * @param key 16 random bytes in base64 (RFC 6455 section 4.1).
 */
export function handshakeFields(
  key: string,
  protocols: string | null,
): Field[] {
  const fields: Field[] = [
    ["sec-websocket-version", "13"],
    ["sec-websocket-key", key],
  ];
  if (protocols !== null) fields.push(["sec-websocket-protocol", protocols]);
  return fields;
}

/** What is wrong with a 101, null where nothing is (RFC 6455 section 4.1). */
async function problemOf(
  fields: readonly Field[],
  key: string,
  protocols: string | null,
): Promise<string | null> {
  if (valueOf(fields, "sec-websocket-accept") !== await acceptOf(key)) {
    return "its Sec-WebSocket-Accept is wrong";
  }
  const extensions = valueOf(fields, "sec-websocket-extensions");
  if (extensions !== null && extensions !== "") {
    return "it chose an extension that nobody offered";
  }
  const protocol = valueOf(fields, "sec-websocket-protocol");
  const offered = (protocols ?? "").split(",").map((each) => each.trim());
  return protocol === null || protocol !== "" && offered.includes(protocol)
    ? null
    : "it chose a sub-protocol that nobody offered";
}

/** The value of a field, several joined by commas; null without one. */
function valueOf(fields: readonly Field[], name: string): string | null {
  let value: string | null = null;
  for (const [each, its] of fields) {
    if (each === name) value = value === null ? its : `${value},${its}`;
  }
  return value;
}

/** The `Sec-WebSocket-Accept` that answers a key (RFC 6455 section 4.2.2). */
async function acceptOf(key: string): Promise<string> {
  const bytes = new TextEncoder().encode(
    key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
  );
  return new Uint8Array(await crypto.subtle.digest("SHA-1", bytes)).toBase64();
}
