/**
 * The real `centrifuge` client, as tests use it.
 *
 * @module
 */
import { Centrifuge, type Options } from "centrifuge";
import { signToken } from "../../demo/jwt.ts";

export const TOKEN_SECRET = "the secret of the tests";
export const API_KEY = "the key of the tests";

/** A connection token. `lifetime` is in seconds. */
export function tokenFor(user: string, lifetime = 60): Promise<string> {
  const exp = Math.floor(Date.now() / 1_000) + lifetime;
  return signToken({ sub: user, exp, info: { name: user } }, TOKEN_SECRET);
}

/** A client that is not connected yet. Disposing disconnects it for good. */
export function client(
  address: string,
  user: string,
  options: Partial<Options> = {},
): Centrifuge & Disposable {
  const centrifuge = new Centrifuge(
    `ws://${address}/connection/websocket`,
    { getToken: () => tokenFor(user), ...options },
  );
  return Object.assign(centrifuge, {
    [Symbol.dispose]: () => centrifuge.disconnect(),
  });
}

/** The next event of a kind. */
export function next<Context>(
  emitter: {
    once(event: string, listener: (context: Context) => void): unknown;
  },
  event: string,
): Promise<Context> {
  return new Promise((resolve) => emitter.once(event, resolve));
}
