/**
 * One client's WebSocket, from its `connect` command to its close.
 *
 * @module
 */
import { type Claims, TokenError, verifyToken } from "../jwt.ts";
import type { Hub, Subscriber } from "./hub.ts";
import {
  type Command,
  DISCONNECT,
  type Disconnect,
  encode,
  ERROR,
  type Expiry,
  parseCommands,
  PING,
  ProtocolError,
  type Push,
  type Reply,
} from "./protocol.ts";

/** What connections go by. */
export interface ConnectionOptions {
  hub: Hub;
  /** The secret that connection tokens are signed with. */
  tokenSecret: string;
  /** Between two pings, in whole seconds: the protocol has no smaller unit. */
  pingInterval: number;
  /** The longest wait for the answer to a ping, in milliseconds. */
  pongTimeout: number;
}

/** The longest wait for the `connect` command, in milliseconds. */
const STALE_AFTER = 10_000;

/** How long after its token's end a connection may still refresh it, in milliseconds. */
const EXPIRY_GRACE = 25_000;

/** Bytes that may wait for a client; one that reads slower than that is closed. */
const MAX_BUFFERED = 1024 * 1024;

const VERSION = "sameorigin-demo";

type Timer = ReturnType<typeof setTimeout>;

/** One client's WebSocket. It needs no owner: its events keep it going. */
export class Connection {
  readonly #socket: WebSocket;
  readonly #options: ConnectionOptions;
  /** Set once `connect` was accepted. */
  #session: Subscriber | null = null;
  /** Commands are answered in the order in which they came. */
  #work: Promise<void> = Promise.resolve();
  /** Lines that go out together at the end of this turn of the event loop. */
  #lines: string[] = [];
  readonly #stale: Timer;
  #pings: Timer | undefined;
  #pong: Timer | undefined;
  #expiry: Timer | undefined;

  constructor(socket: WebSocket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#stale = setTimeout(() => this.close(DISCONNECT.stale), STALE_AFTER);
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = () => this.#release();
  }

  /** Closes it, with one of Centrifugo's codes. */
  close({ code, reason }: Disconnect): void {
    this.#release();
    this.#flush();
    if (this.#socket.readyState === WebSocket.OPEN) {
      this.#socket.close(code, reason);
    }
  }

  #receive(data: unknown): void {
    if (typeof data !== "string") {
      // Protobuf: a client asks for it with the sub-protocol, which is not taken.
      this.close(DISCONNECT.inappropriateProtocol);
      return;
    }
    this.#work = this.#work.then(() => this.#answer(data)).catch((error) => {
      if (error instanceof ProtocolError) {
        this.close(DISCONNECT.badRequest);
      } else {
        console.error("demo/centrifugo:", error);
        this.close(DISCONNECT.serverError);
      }
    });
  }

  async #answer(message: string): Promise<void> {
    for (const command of parseCommands(message)) {
      // A closed connection must not come back into a channel.
      if (this.#socket.readyState !== WebSocket.OPEN) return;
      if (command.kind === "connect") {
        await this.#connect(command);
        // Refused: it can ask again, but what it sent along is void.
        if (this.#session === null) return;
        continue;
      }
      const session = this.#session;
      if (session === null) throw new ProtocolError("connect comes first");
      if (command.kind === "pong") {
        clearTimeout(this.#pong);
      } else if (command.kind === "refresh") {
        await this.#refresh(command, session);
      } else {
        // In one step: no publication may come between joining a channel and
        // the reply that tells the client so.
        this.#reply(inChannel(command, session, this.#options.hub));
      }
    }
  }

  async #connect(
    { id, token }: Command & { kind: "connect" },
  ): Promise<void> {
    if (this.#session !== null) throw new ProtocolError("connected already");
    const claims = await this.#verify(id, token);
    if (claims === null) return;
    clearTimeout(this.#stale);
    const client = crypto.randomUUID();
    this.#session = {
      info: {
        user: claims.sub,
        client,
        ...(claims.info === undefined ? {} : { conn_info: claims.info }),
      },
      send: (push: Push) => this.#send(encode(push)),
    };
    const { pingInterval: ping } = this.#options;
    this.#pings = setInterval(() => this.#ping(), ping * 1_000);
    const expiry = this.#expireAt(claims.exp);
    this.#reply({
      id,
      connect: { client, version: VERSION, ping, pong: true, ...expiry },
    });
  }

  async #refresh(
    { id, token }: Command & { kind: "refresh" },
    { info: { client, user } }: Subscriber,
  ): Promise<void> {
    const claims = await this.#verify(id, token);
    if (claims === null) return;
    if (claims.sub !== user) {
      this.close(DISCONNECT.invalidToken);
      return;
    }
    const expiry = this.#expireAt(claims.exp);
    this.#reply({ id, refresh: { client, version: VERSION, ...expiry } });
  }

  /** The claims of a token; null where the client was told that it won't do. */
  async #verify(id: number, token: string | null): Promise<Claims | null> {
    if (token === null) {
      this.#reply({ id, error: ERROR.unauthorized });
      return null;
    }
    try {
      const claims = await verifyToken(token, this.#options.tokenSecret);
      // The client may have left meanwhile.
      return this.#socket.readyState === WebSocket.OPEN ? claims : null;
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      if (error.expired) this.#reply({ id, error: ERROR.tokenExpired });
      else this.close(DISCONNECT.invalidToken);
      return null;
    }
  }

  /** @param exp In seconds of the epoch. */
  #expireAt(exp: number | undefined): Expiry {
    clearTimeout(this.#expiry);
    if (exp === undefined) return {};
    const left = exp * 1_000 - Date.now();
    this.#expiry = setTimeout(
      () => this.close(DISCONNECT.expired),
      // A longer timer would end at once: setTimeout counts in 31 bits.
      Math.min(left + EXPIRY_GRACE, 2 ** 31 - 1),
    );
    return { expires: true, ttl: Math.max(1, Math.ceil(left / 1_000)) };
  }

  #ping(): void {
    this.#send(PING);
    clearTimeout(this.#pong);
    this.#pong = setTimeout(
      () => this.close(DISCONNECT.noPong),
      this.#options.pongTimeout,
    );
  }

  #reply(reply: Reply): void {
    this.#send(encode(reply));
  }

  #send(line: string): void {
    if (this.#lines.push(line) === 1) queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    const lines = this.#lines.splice(0);
    if (lines.length === 0 || this.#socket.readyState !== WebSocket.OPEN) {
      return;
    }
    this.#socket.send(lines.join("\n"));
    if (this.#socket.bufferedAmount > MAX_BUFFERED) {
      this.close(DISCONNECT.slow);
    }
  }

  /** Leaves the channels and stops the timers; more than once does no harm. */
  #release(): void {
    clearTimeout(this.#stale);
    clearInterval(this.#pings);
    clearTimeout(this.#pong);
    clearTimeout(this.#expiry);
    if (this.#session !== null) this.#options.hub.remove(this.#session);
  }
}

/** The commands that a connected client has for channels. */
type ChannelCommand = Exclude<
  Command,
  { kind: "connect" | "refresh" | "pong" }
>;

function inChannel(
  command: ChannelCommand,
  session: Subscriber,
  hub: Hub,
): Reply {
  const { id } = command;
  if (command.kind === "unsupported") return { id, error: ERROR.notAvailable };
  const { channel } = command;
  if (channel === "") return { id, error: ERROR.badRequest };
  if (command.kind === "subscribe") {
    return hub.subscribe(channel, session, command.joinLeave)
      ? { id, subscribe: {} }
      : { id, error: ERROR.alreadySubscribed };
  }
  // Centrifugo's "allow_publish_for_subscriber" and the like: who is in a
  // channel may do everything there.
  if (!hub.has(channel, session)) {
    return { id, error: ERROR.permissionDenied };
  }
  switch (command.kind) {
    case "unsubscribe":
      hub.unsubscribe(channel, session);
      return { id, unsubscribe: {} };
    case "publish":
      hub.publish(channel, { data: command.data, info: session.info });
      return { id, publish: {} };
    case "presence":
      return { id, presence: { presence: hub.presence(channel) } };
    case "presence_stats": {
      const members = Object.values(hub.presence(channel));
      const users = new Set(members.map(({ user }) => user));
      return {
        id,
        presence_stats: { num_clients: members.length, num_users: users.size },
      };
    }
  }
}
