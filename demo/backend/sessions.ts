/**
 * Who is signed in.
 *
 * @module
 */
import {
  CSRF_COOKIE,
  randomValue,
  readCookie,
  SESSION_COOKIE,
  setCookie,
} from "./cookies.ts";

/** Everybody's password. */
export const PASSWORD = "demo";

/** The longest name, in UTF-16 units. */
export const MAX_NAME = 24;

/** The sessions of one backend, by the value of their cookie. */
export class Sessions {
  readonly #users = new Map<string, string>();

  /** The name of the user who sends a request, or null. */
  user(request: Request): string | null {
    const id = readCookie(request, SESSION_COOKIE);
    return id === null ? null : this.#users.get(id) ?? null;
  }

  /**
   * Signs a user in, or not.
   *
   * @returns The cookies of a new session with a new CSRF token, as Django
   * renews it at each login; null for a wrong name or password.
   */
  signIn(request: Request, name: string, password: string): string[] | null {
    const user = name.trim();
    if (user === "" || user.length > MAX_NAME || password !== PASSWORD) {
      return null;
    }
    this.#forget(request);
    const id = randomValue();
    this.#users.set(id, user);
    return [
      setCookie(SESSION_COOKIE, id, request),
      setCookie(CSRF_COOKIE, randomValue(), request),
    ];
  }

  /** Ends the session; the cookie that deletes the browser's. */
  signOut(request: Request): string[] {
    this.#forget(request);
    return [setCookie(SESSION_COOKIE, null, request)];
  }

  #forget(request: Request): void {
    const id = readCookie(request, SESSION_COOKIE);
    if (id !== null) this.#users.delete(id);
  }
}
