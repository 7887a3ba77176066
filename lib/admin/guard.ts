/**
 * Who may use the admin listener: a browser's page from elsewhere may not, and
 * where there is a token only who knows it.
 *
 * @module
 */
import { text } from "./response.ts";

/** How long a browser that has signed in stays so, in seconds. */
const SESSION = 12 * 60 * 60;

const encoder = new TextEncoder();

/** Refuses what other pages make a browser send, and strangers. */
export class Guard {
  readonly #token: string | null;
  readonly #cookie: string;
  /** Of this listener only: with it end all sessions. */
  readonly #key: Promise<CryptoKey>;

  /**
   * @param token Null where all who can connect may ask.
   * @param place Tells the listener from others on the same host: cookies know
   * no ports (RFC 6265 section 8.5).
   */
  constructor(token: string | null, place: string) {
    this.#token = token;
    this.#cookie = `sameorigin_admin_${place}`;
    this.#key = crypto.subtle.generateKey(
      { name: "HMAC", hash: "SHA-256" },
      false,
      ["sign"],
    ) as Promise<CryptoKey>;
  }

  /**
   * Refuses what a page of another origin has a browser send.
   *
   * @returns Null for what may pass.
   */
  refuseForeign({ method, headers, url }: Request): Response | null {
    const host = headers.get("host") ?? URL.parse(url)?.host ?? "";
    // DNS rebinding: a page whose name is resolved to this address. With a token
    // it is of no use, since the cookie belongs to another name.
    if (this.#token === null && !isOwnHost(host)) {
      return text(421, "Ask for this host by its address, or as localhost.");
    }
    const origin = headers.get("origin");
    if (
      origin !== null && origin !== `http://${host}` &&
      origin !== `https://${host}`
    ) return text(403, "Not for pages of another origin.");
    const site = headers.get("sec-fetch-site") ?? "none";
    const follows = method === "GET" &&
      headers.get("sec-fetch-mode") === "navigate";
    return site === "same-origin" || site === "none" || follows
      ? null
      : text(403, "Not for pages of another origin.");
  }

  /** Whether there is no token, or the request shows it, or a session. */
  async knows({ headers }: Request): Promise<boolean> {
    const token = this.#token;
    if (token === null) return true;
    const [, shown] = /^Bearer +(\S+) *$/i
      .exec(headers.get("authorization") ?? "") ?? [];
    if (shown !== undefined) return await this.isToken(shown);
    const session = cookieOf(headers, this.#cookie);
    return session !== null &&
      await this.#same(session, await this.#session(token));
  }

  /** Whether it is the token. */
  async isToken(shown: string): Promise<boolean> {
    return this.#token !== null && await this.#same(shown, this.#token);
  }

  /** The `Set-Cookie` of one who has shown the token; null without one. */
  async sessionCookie(): Promise<string | null> {
    if (this.#token === null) return null;
    const value = await this.#session(this.#token);
    return `${this.#cookie}=${value}; Path=/; Max-Age=${SESSION}; HttpOnly; ` +
      "SameSite=Strict";
  }

  async #session(token: string): Promise<string> {
    return (await this.#sign(`session ${token}`)).toHex();
  }

  /** Compares in a time that tells nothing: under a key that nobody knows. */
  async #same(a: string, b: string): Promise<boolean> {
    const [x, y] = await Promise.all([this.#sign(a), this.#sign(b)]);
    let difference = 0;
    for (const [at, byte] of x.entries()) difference |= byte ^ (y[at] ?? 0);
    return difference === 0;
  }

  async #sign(words: string): Promise<Uint8Array> {
    const bytes = encoder.encode(words);
    return new Uint8Array(
      await crypto.subtle.sign("HMAC", await this.#key, bytes),
    );
  }
}

/** Whether nobody else can have a page under this host: an address, or localhost. */
function isOwnHost(host: string): boolean {
  const [, name] = /^(\[[\da-f:.]+\]|[\w.-]+)(?::\d+)?$/i.exec(host) ?? [];
  if (name === undefined) return false;
  return name.startsWith("[") || /^(?:.+\.)?localhost$/i.test(name) ||
    /^\d+\.\d+\.\d+\.\d+$/.test(name);
}

/** The value of a cookie, null for none. */
function cookieOf(headers: Headers, name: string): string | null {
  for (const pair of (headers.get("cookie") ?? "").split(";")) {
    const [key = "", value] = pair.trim().split("=");
    if (key === name && value !== undefined) return value;
  }
  return null;
}
