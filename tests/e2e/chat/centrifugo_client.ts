/**
 * Clients of Centrifugo as pages have them, and what its backend tells it.
 *
 * @module
 */
import { createHmac } from "node:crypto";
import { Centrifuge, type Options, type Subscription } from "centrifuge";
import { Centrifuge as OverProtobuf } from "centrifuge/build/protobuf";
import type { Stack } from "../../../tools/stack/start_stack.ts";

/** The ways to Centrifugo, each as a page's author names it. */
export const TRANSPORTS = [
  "WebSocket, JSON",
  "WebSocket, Protobuf",
  "SSE",
  "HTTP streaming",
] as const;

/** One of {@linkcode TRANSPORTS}. */
export type Transport = typeof TRANSPORTS[number];

/** Where a client connects to, and as whom. */
export interface Wishes {
  readonly transport: Transport;
  /** `host:port` of the proxy, or of what is before it. */
  readonly address: string;
  /** The page's. */
  readonly origin: string;
  readonly options: Partial<Options>;
}

/** What Protobuf's client gives and takes are bytes; here they hold JSON. */
export function pack(transport: Transport, data: unknown): unknown {
  return transport === "WebSocket, Protobuf"
    ? new TextEncoder().encode(JSON.stringify(data))
    : data;
}

/** The other way round than {@linkcode pack}. */
export function unpack(data: unknown): unknown {
  return data instanceof Uint8Array
    ? JSON.parse(new TextDecoder().decode(data))
    : data;
}

/** A client that does not yet connect. */
export function clientOf(
  { transport, address, origin, options }: Wishes,
): Centrifuge {
  const all: Partial<Options> = {
    emulationEndpoint: `http://${address}/emulation`,
    websocket: socketOf(origin),
    fetch: (url: string, init: RequestInit) =>
      fetch(url, { ...init, headers: { ...init.headers, origin } }),
    ...options,
  };
  const endpoint = `ws://${address}/connection/websocket`;
  switch (transport) {
    case "WebSocket, JSON":
      return new Centrifuge(endpoint, all);
    case "WebSocket, Protobuf":
      // Its types are another copy of the same.
      return new OverProtobuf(endpoint, all) as unknown as Centrifuge;
    case "SSE":
      return overHttp("sse", address, all);
    case "HTTP streaming":
      return overHttp("http_stream", address, all);
  }
}

function overHttp(
  transport: "sse" | "http_stream",
  address: string,
  options: Partial<Options>,
): Centrifuge {
  const endpoint = `http://${address}/connection/${transport}`;
  return new Centrifuge([{ transport, endpoint }], options);
}

/** A WebSocket that says which page it is of, as a browser's does. */
export function socketOf(origin: string) {
  return class extends WebSocket {
    constructor(url: string | URL, protocols: string | string[] = []) {
      super(url, { protocols: [protocols].flat(), headers: { origin } });
    }
  };
}

/** Subscribes, and resolves with what the server says to it. */
export function subscribed(subscription: Subscription) {
  const { promise, resolve } = Promise.withResolvers<
    Parameters<Parameters<typeof subscription.on<"subscribed">>[1]>[0]
  >();
  subscription.once("subscribed", resolve);
  subscription.subscribe();
  return promise;
}

/** A token for a connection, as the backend makes it. */
export function connectionToken(
  secret: string,
  claims: Readonly<Record<string, unknown>>,
): string {
  const encode = (part: unknown) =>
    new TextEncoder().encode(JSON.stringify(part))
      .toBase64({ alphabet: "base64url", omitPadding: true });
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
  const signature = createHmac("sha256", secret).update(signed);
  return `${signed}.${signature.digest("base64url")}`;
}

/** Calls a method of Centrifugo's HTTP API, not through the proxy. */
export async function callCentrifugo(
  { addresses, secrets }: Pick<Stack, "addresses" | "secrets">,
  method: string,
  params: unknown,
): Promise<unknown> {
  const response = await fetch(`http://${addresses.centrifugo}/api/${method}`, {
    method: "POST",
    headers: { "x-api-key": secrets.apiKey },
    body: JSON.stringify(params),
  });
  const answer = await response.json();
  if (answer.error) throw new Error(`${method}: ${answer.error.message}`);
  return answer.result;
}
