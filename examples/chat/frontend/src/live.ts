import {
  Centrifuge,
  type Subscription,
  type TransportName,
  UnauthorizedError,
} from "centrifuge";
import { useEffect, useEffectEvent, useState } from "react";
import { ApiError, getToken } from "./api.ts";

export type ConnectionState = "connecting" | "connected" | "disconnected";

export interface Connection {
  /** Null until there is one. */
  client: Centrifuge | null;
  state: ConnectionState;
}

/** Where Centrifugo listens for each of its transports, and how one is named. */
const ENDPOINTS = {
  websocket: "/connection/websocket",
  http_stream: "/connection/http_stream",
  sse: "/connection/sse",
} satisfies Partial<Record<TransportName, string>>;

export type Transport = keyof typeof ENDPOINTS;

/** The transport that the page's address asks for: `?transport=sse`. */
export function wantedTransport(): Transport {
  const wanted = new URLSearchParams(location.search).get("transport") ?? "";
  return Object.hasOwn(ENDPOINTS, wanted) ? wanted as Transport : "websocket";
}

/** This page's own origin, with the scheme that the transport speaks. */
function endpoint(transport: Transport): string {
  const url = new URL(ENDPOINTS[transport], location.origin);
  if (transport === "websocket") {
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  }
  return url.href;
}

/**
 * A connection to Centrifugo for as long as the component is there.
 *
 * @param onEnd The server has ended it for good: it won't be tried again.
 * @param onError A token could not be had; that is tried again.
 */
export function useConnection(
  transport: Transport,
  onEnd: () => void,
  onError: (error: unknown) => void,
): Connection {
  const [client, setClient] = useState<Centrifuge | null>(null);
  const [state, setState] = useState<ConnectionState>("connecting");
  const ended = useEffectEvent(onEnd);
  const failed = useEffectEvent(onError);

  useEffect(() => {
    const url = endpoint(transport);
    const client = new Centrifuge(
      transport === "websocket" ? url : [{ transport, endpoint: url }],
      {
        // Where the transports that only receive send what they have to say.
        emulationEndpoint: new URL("/emulation", location.origin).href,
        maxReconnectDelay: 5_000,
        getToken: async () => {
          try {
            return await getToken();
          } catch (error) {
            failed(error);
            throw error instanceof ApiError && error.isSignedOut
              ? new UnauthorizedError(error.message)
              : error;
          }
        },
      },
    );
    client.on("state", ({ newState }) => setState(newState));
    client.on("disconnected", () => ended());
    client.connect();
    setClient(client);
    return () => {
      client.removeAllListeners();
      client.disconnect();
    };
  }, [transport]);

  return { client, state };
}

export interface Handlers {
  /** `data` is whatever has been published. */
  onPublication: (data: unknown) => void;
  /** It begins, or goes on with a gap: what came before has to be asked for. */
  onGap: () => void;
  /** Who is there, each once; only for channels with presence. */
  onPresence?: (usernames: string[]) => void;
}

/** Subscribes to a channel for as long as the component is there. */
export function useChannel(
  client: Centrifuge | null,
  channel: string,
  { onPublication, onGap, onPresence }: Handlers,
): void {
  const hasPresence = onPresence !== undefined;
  const published = useEffectEvent(onPublication);
  const missed = useEffectEvent(onGap);
  const present = useEffectEvent((names: string[]) => onPresence?.(names));

  useEffect(() => {
    if (client === null) return;
    const subscription = client.newSubscription(channel, {
      joinLeave: hasPresence,
    });
    subscription.on("publication", ({ data }) => published(data));
    subscription.on("subscribed", ({ recovered }) => {
      if (!recovered) missed();
    });
    if (hasPresence) {
      const look = () => usernames(subscription).then(present, ignore);
      subscription.on("subscribed", look);
      subscription.on("join", look);
      subscription.on("leave", look);
    }
    subscription.subscribe();
    return () => {
      subscription.removeAllListeners();
      client.removeSubscription(subscription);
    };
  }, [client, channel, hasPresence]);
}

/** Who is subscribed, each once, however many pages they have open. */
async function usernames(subscription: Subscription): Promise<string[]> {
  const { clients } = await subscription.presence();
  const users = Object.values(clients).map(({ user, connInfo }) =>
    [user, String(connInfo?.username ?? user)] as const
  );
  return [...new Map(users).values()].sort();
}

/** The connection was lost meanwhile; `subscribed` will come again. */
function ignore() {}
