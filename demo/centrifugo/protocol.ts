/**
 * The part of Centrifugo's JSON client protocol that the demo speaks: commands
 * come in, replies and pushes go out, one JSON object per line and one or more
 * lines per WebSocket message. An empty object is a ping and its answer.
 *
 * Source: centrifugal.dev/docs/transports/client_protocol.
 *
 * @module
 */

/** Who is connected, as others in a channel see it. */
export interface ClientInfo {
  user: string;
  /** The connection's own id. */
  client: string;
  /** `info` of the connection token. */
  conn_info?: unknown;
}

/** A message in a channel. */
export interface Publication {
  data: unknown;
  /** Only where a client published it; one from the HTTP API has none. */
  info?: ClientInfo;
}

/** What a client asks for. */
export type Command =
  | { kind: "pong" }
  | { kind: "connect"; id: number; token: string | null }
  | { kind: "refresh"; id: number; token: string }
  | { kind: "subscribe"; id: number; channel: string; joinLeave: boolean }
  | { kind: "unsubscribe"; id: number; channel: string }
  | { kind: "publish"; id: number; channel: string; data: unknown }
  | { kind: "presence"; id: number; channel: string }
  | { kind: "presence_stats"; id: number; channel: string }
  | { kind: "unsupported"; id: number };

/** What a connection says about its token's end. `ttl` is in seconds. */
export type Expiry = { expires: true; ttl: number } | Record<never, never>;

/** What the server answers. */
export type Reply =
  | { id: number; error: { code: number; message: string } }
  | {
    id: number;
    connect:
      & { client: string; version: string; ping: number; pong: true }
      & Expiry;
  }
  | { id: number; refresh: { client: string; version: string } & Expiry }
  | { id: number; subscribe: Record<never, never> }
  | { id: number; unsubscribe: Record<never, never> }
  | { id: number; publish: Record<never, never> }
  | { id: number; presence: { presence: Record<string, ClientInfo> } }
  | {
    id: number;
    presence_stats: { num_clients: number; num_users: number };
  };

/** What the server says unasked. */
export type Push = {
  push:
    & { channel: string }
    & (
      | { pub: Publication }
      | { join: { info: ClientInfo } }
      | { leave: { info: ClientInfo } }
    );
};

/** Centrifugo's error codes: the connection stays open. */
export const ERROR = {
  unauthorized: { code: 101, message: "unauthorized" },
  permissionDenied: { code: 103, message: "permission denied" },
  alreadySubscribed: { code: 105, message: "already subscribed" },
  badRequest: { code: 107, message: "bad request" },
  notAvailable: { code: 108, message: "not available" },
  tokenExpired: { code: 109, message: "token expired" },
} as const;

/**
 * Centrifugo's disconnect codes: the WebSocket's close code and reason. The
 * client comes back by itself from 3000..3499, but not from 3500..3999.
 */
export const DISCONNECT = {
  shutdown: { code: 3001, reason: "shutdown" },
  serverError: { code: 3004, reason: "internal server error" },
  expired: { code: 3005, reason: "connection expired" },
  slow: { code: 3008, reason: "slow" },
  noPong: { code: 3012, reason: "no pong" },
  invalidToken: { code: 3500, reason: "invalid token" },
  badRequest: { code: 3501, reason: "bad request" },
  stale: { code: 3502, reason: "stale" },
  inappropriateProtocol: { code: 3506, reason: "inappropriate protocol" },
} as const;

/** Why a connection is closed. */
export type Disconnect = typeof DISCONNECT[keyof typeof DISCONNECT];

/** A message that is not in the protocol. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

/** The server's ping, which the client answers with the same. */
export const PING = "{}";

/** One line of a WebSocket message. */
export function encode(message: Reply | Push): string {
  return JSON.stringify(message);
}

/**
 * The commands of one WebSocket message.
 *
 * @throws {ProtocolError} if a line is no command.
 */
export function parseCommands(message: string): Command[] {
  return message.split("\n").filter((line) => line !== "").map(parseCommand);
}

function parseCommand(line: string): Command {
  const command = asObject(parseJson(line));
  const { id } = command;
  if (id === undefined && Object.keys(command).length === 0) {
    return { kind: "pong" };
  }
  if (typeof id !== "number") throw new ProtocolError("a command without id");
  if ("connect" in command) {
    const { token } = asObject(command["connect"]);
    return { kind: "connect", id, token: asText(token) };
  }
  if ("refresh" in command) {
    const { token } = asObject(command["refresh"]);
    return { kind: "refresh", id, token: asText(token) ?? "" };
  }
  if ("subscribe" in command) {
    const { channel, join_leave } = asObject(command["subscribe"]);
    return {
      kind: "subscribe",
      id,
      channel: asText(channel) ?? "",
      joinLeave: join_leave === true,
    };
  }
  if ("publish" in command) {
    const { channel, data } = asObject(command["publish"]);
    return { kind: "publish", id, channel: asText(channel) ?? "", data };
  }
  for (const kind of ["unsubscribe", "presence", "presence_stats"] as const) {
    if (kind in command) {
      const { channel } = asObject(command[kind]);
      return { kind, id, channel: asText(channel) ?? "" };
    }
  }
  return { kind: "unsupported", id };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ProtocolError("a line that is not JSON");
  }
}

function asObject(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ProtocolError("not an object where the protocol has one");
  }
  return value as Record<string, unknown>;
}

/** A string that says something, else null. */
function asText(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
