/**
 * The API of `examples/chat`, as its page uses it.
 *
 * @module
 */
import type { Stack } from "../../tools/stack/start_stack.ts";

/** A message of a room. */
export interface ChatMessage {
  readonly id: number;
  readonly text: string;
}

/** Somebody who is logged in. */
export interface ChatUser {
  /** As Centrifugo knows it: a token's `sub`. */
  readonly id: string;
  /** A token for Centrifugo. */
  token(): Promise<string>;
  /** The newest 50 messages of a room, the oldest of them first. */
  messages(room: number): Promise<ChatMessage[]>;
  /** Says something in a room. */
  say(room: number, text: string): Promise<ChatMessage>;
}

/** Logs in through the proxy. */
export async function logIn(
  stack: Pick<Stack, "addresses" | "users">,
  name: keyof Stack["users"],
): Promise<ChatUser> {
  const cookies = new Map<string, string>();
  const ask = async (path: string, body?: unknown) => {
    const pairs = Array.from(cookies, (pair) => pair.join("="));
    const response = await fetch(`http://${stack.addresses.proxy}/api${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: {
        cookie: pairs.join("; "),
        "x-csrftoken": cookies.get("csrftoken") ?? "",
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    for (const cookie of response.headers.getSetCookie()) {
      const [, key = "", value = ""] = /^([^=]*)=([^;]*)/.exec(cookie) ?? [];
      cookies.set(key, value);
    }
    return JSON.parse(text);
  };
  await ask("/session/");
  const { user } = await ask("/login/", stack.users[name]);
  return {
    id: String(user.id),
    token: async () => (await ask("/centrifugo/token/")).token,
    messages: async (room) => (await ask(`/rooms/${room}/messages/`)).messages,
    say: (room, text) => ask(`/rooms/${room}/messages/`, { text }),
  };
}
