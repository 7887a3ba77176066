/**
 * The WebSocket to Centrifugo, by its own client.
 *
 * @module
 */
import { ApiError, get } from "./backend.js";

/** Set by the script `/centrifuge.js`: the client as its package ships it for browsers. */
const { Centrifuge } = globalThis;

/**
 * Connects, and stays connected.
 *
 * @param {(state: "connecting" | "connected" | "off", reason: string) => void} onState
 */
export function connect(onState) {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const centrifuge = new Centrifuge(
    `${scheme}://${location.host}/connection/websocket`,
    { getToken: connectionToken, maxReconnectDelay: 3_000 },
  );
  let why = "";
  centrifuge.on("connecting", () => onState("connecting", why));
  centrifuge.on("connected", () => {
    why = "";
    onState("connected", "");
  });
  centrifuge.on("disconnected", ({ reason }) => onState("off", why || reason));
  centrifuge.on("error", ({ error }) => {
    why = error.message ?? String(error);
  });
  centrifuge.connect();
  return centrifuge;

  async function connectionToken() {
    try {
      return (await get("/api/connection-token")).token;
    } catch (error) {
      // Signed out, or there is no token to be had: asking again won't help.
      if (
        error instanceof ApiError && [401, 403, 404, 503].includes(error.status)
      ) {
        why = error.message;
        throw new Centrifuge.UnauthorizedError(error.message);
      }
      throw error;
    }
  }
}

/**
 * Enters a channel. `onSubscribed` comes again after each reconnection: what was
 * missed meanwhile has to be fetched.
 *
 * @param {Centrifuge} centrifuge
 * @param {string} channel
 * @param {{
 *   onSubscribed?: () => void,
 *   onPublication: (data: unknown, user: string | null) => void,
 *   onPresence?: (users: string[]) => void,
 * }} listener `user` is null for what the backend has published.
 */
export function enter(centrifuge, channel, listener) {
  const subscription = centrifuge.newSubscription(channel, { joinLeave: true });
  subscription.on("publication", ({ data, info }) => {
    listener.onPublication(data, info?.user ?? null);
  });
  subscription.on("subscribed", () => {
    listener.onSubscribed?.();
    countPresent();
  });
  subscription.on("join", countPresent);
  subscription.on("leave", countPresent);
  subscription.subscribe();
  return {
    /** @param {unknown} data */
    publish: (data) => subscription.publish(data).catch(() => {}),
    leave() {
      subscription.unsubscribe();
      centrifuge.removeSubscription(subscription);
    },
  };

  async function countPresent() {
    if (listener.onPresence === undefined) return;
    try {
      const { clients } = await subscription.presence();
      const users = Object.values(clients).map(({ user }) => user);
      listener.onPresence([...new Set(users)].sort());
    } catch {
      // A Centrifugo that does not tell, or a connection that has just gone.
      listener.onPresence([]);
    }
  }
}
