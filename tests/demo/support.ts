/**
 * The real `centrifuge` client, a browser's cookies, and a raw handshake, as
 * the tests of the demo use them.
 *
 * @module
 */
import {
  Centrifuge,
  type ClientEvents,
  type Options,
  type Subscription,
  type SubscriptionEvents,
} from "centrifuge";
import {
  type CentrifugoOptions,
  startCentrifugo,
} from "../../demo/centrifugo.ts";
import { signToken } from "../../demo/jwt.ts";
import type { Running } from "../../demo/listener.ts";

export const TOKEN_SECRET = "the secret of the tests";
export const API_KEY = "the key of the tests";

/** The demo's WebSocket server, stopped at the end of the test. */
export function centrifugo(
  options: Partial<CentrifugoOptions> = {},
): Running & AsyncDisposable {
  return disposable(
    startCentrifugo({ tokenSecret: TOKEN_SECRET, apiKey: API_KEY, ...options }),
  );
}

/** Stops it at the end of the test. */
export function disposable<Part extends { stop(): Promise<void> }>(
  part: Part,
): Part & AsyncDisposable {
  return Object.assign(part, { [Symbol.asyncDispose]: () => part.stop() });
}

/** A connection token. `lifetime` is in seconds. */
export function tokenFor(user: string, lifetime = 60): Promise<string> {
  const exp = Math.floor(Date.now() / 1_000) + lifetime;
  return signToken({ sub: user, exp, info: { name: user } }, TOKEN_SECRET);
}

/** A client that is not connected yet; disconnected at the end of the test. */
export function client(
  address: string,
  user: string,
  options: Partial<Options> = {},
): Centrifuge & Disposable {
  const centrifuge = new Centrifuge(
    `ws://${address}/connection/websocket`,
    { getToken: () => tokenFor(user), minReconnectDelay: 10, ...options },
  );
  return Object.assign(centrifuge, {
    [Symbol.dispose]: () => centrifuge.disconnect(),
  });
}

/** Enters a channel; resolves when the server has said that it is in. */
export async function subscribed(
  centrifuge: Centrifuge,
  channel: string,
): Promise<Subscription> {
  const subscription = centrifuge.newSubscription(channel, { joinLeave: true });
  subscription.subscribe();
  await subscription.ready();
  return subscription;
}

/** The next event of this name. */
export function once<Name extends keyof ClientEvents>(
  emitter: Centrifuge,
  name: Name,
): Promise<Parameters<ClientEvents[Name]>[0]>;
export function once<Name extends keyof SubscriptionEvents>(
  emitter: Subscription,
  name: Name,
): Promise<Parameters<SubscriptionEvents[Name]>[0]>;
export function once(
  emitter: {
    once(name: string, listener: (context: unknown) => void): unknown;
  },
  name: string,
): Promise<unknown> {
  return new Promise((resolve) => emitter.once(name, resolve));
}

/** What comes as publications, in order. */
export function publications(
  subscription: Subscription,
): AsyncIterator<{ data: unknown; user: string | null }, never> {
  const { readable, writable } = new TransformStream<
    { data: unknown; user: string | null }
  >(undefined, { highWaterMark: 100 });
  const writer = writable.getWriter();
  subscription.on("publication", ({ data, info }) => {
    writer.write({ data, user: info?.user ?? null });
  });
  const reader = readable.getReader();
  return {
    async next() {
      const { value } = await reader.read();
      if (value === undefined) throw new Error("the subscription has ended");
      return { done: false, value };
    },
  };
}

/** The close event of a raw WebSocket that says these things once it is open. */
export function closedAfter(
  address: string,
  ...messages: (string | Uint8Array<ArrayBuffer>)[]
): Promise<{ code: number; reason: string }> {
  const socket = new WebSocket(`ws://${address}/connection/websocket`);
  socket.onopen = () => {
    for (const message of messages) socket.send(message);
  };
  return new Promise((resolve) => {
    socket.onclose = ({ code, reason }) => resolve({ code, reason });
  });
}

/** The status of a WebSocket handshake with these headers. */
export async function handshakeStatus(
  address: string,
  headers: Record<string, string>,
): Promise<number> {
  const [hostname = "", port] = address.split(":");
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const lines = Object.entries({
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  await connection.write(new TextEncoder().encode(
    `GET /connection/websocket HTTP/1.1\r\n${lines.join("")}\r\n`,
  ));
  const start = new Uint8Array("HTTP/1.1 101".length);
  for (let at = 0; at < start.length;) {
    const read = await connection.read(start.subarray(at));
    if (read === null) break;
    at += read;
  }
  return Number(new TextDecoder().decode(start).slice(-3));
}

/** A browser, as far as cookies and the CSRF header go. */
export class Browser {
  readonly cookies = new Map<string, string>();

  /** @param origin Where the page is from: `http://127.0.0.1:9000`. */
  constructor(readonly origin: string) {}

  /** Sends the cookies, keeps those that come, and follows no redirect. */
  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    const cookies = [...this.cookies].map(([name, value]) =>
      `${name}=${value}`
    );
    if (cookies.length > 0) headers.set("cookie", cookies.join("; "));
    const response = await fetch(new URL(path, this.origin), {
      redirect: "manual",
      ...init,
      headers,
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (/max-age=0(;|$)/i.test(cookie)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return response;
  }

  /** As the page's scripts post. */
  post(
    path: string,
    body: unknown,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    return this.fetch(path, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        origin: this.origin,
        "x-csrftoken": this.cookies.get("csrftoken") ?? "",
        ...headers,
      },
      body: JSON.stringify(body),
    });
  }

  /** As a form posts, with the token in a field. */
  submit(path: string, fields: Record<string, string>): Promise<Response> {
    return this.fetch(path, {
      method: "POST",
      headers: { origin: this.origin },
      body: new URLSearchParams({
        csrfmiddlewaretoken: this.cookies.get("csrftoken") ?? "",
        ...fields,
      }),
    });
  }

  /** Loads the page's first data and signs in. */
  async signIn(name: string): Promise<void> {
    await this.json("/api/me");
    const response = await this.post("/api/login", { name, password: "demo" });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`signing in: ${response.status}`);
  }

  /** What a GET answers. */
  async json(path: string): Promise<unknown> {
    return await (await this.fetch(path)).json();
  }
}
