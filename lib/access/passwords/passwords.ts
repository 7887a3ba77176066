/**
 * Checking passwords, and remembering for a while which were right.
 *
 * @module
 */
import { schemeOf } from "../../config/user_file.ts";
import { PasswordThread } from "./password_thread.ts";

/** Milliseconds for which a right password is not checked again. */
const REMEMBERED = 5 * 60_000;

/** The most right passwords that are remembered. */
const MOST_REMEMBERED = 1_000;

/**
 * The longest password in bytes; htpasswd takes 255. sha512-crypt takes time by
 * the square of it.
 */
const LONGEST_PASSWORD = 1_024;

/** How the fast ones begin. */
const SHA = "{SHA}";
const SSHA = "{SSHA}";
const PLAIN = "{PLAIN}";

/** Bytes of a SHA-1 digest. */
const SHA1_LENGTH = 20;

/** Checks passwords. All texts are byte strings. */
export class Passwords {
  readonly #thread = new PasswordThread();
  /**
   * Until when, by `performance.now()`. The keys are made of passwords by a secret
   * that only this process has, so nothing can be learned from them.
   */
  readonly #right = new Map<string, number>();
  readonly #checks = new Map<string, Promise<boolean>>();
  #secret: Promise<CryptoKey> | null = null;

  /**
   * Whether a password is the one that is stored.
   *
   * @throws {TooManyWaiting}
   * @throws {Error} where that could not be found out.
   */
  async matches(password: string, stored: string): Promise<boolean> {
    if (password.length > LONGEST_PASSWORD) return false;
    switch (schemeOf(stored)) {
      case "PLAIN":
        return await isSame(
          bytesOf(password),
          bytesOf(stored.slice(PLAIN.length)),
        );
      case "SHA":
        return await isDigest(password, "", atob(stored.slice(SHA.length)));
      case "SSHA": {
        const bytes = atob(stored.slice(SSHA.length));
        return await isDigest(
          password,
          bytes.slice(SHA1_LENGTH),
          bytes.slice(0, SHA1_LENGTH),
        );
      }
      default:
        return await this.#matchesSlowly(password, stored);
    }
  }

  /** Ends the thread. */
  close(): void {
    this.#thread.close();
  }

  async #matchesSlowly(password: string, stored: string): Promise<boolean> {
    const key = await this.#keyOf(password, stored);
    const until = this.#right.get(key);
    if (until !== undefined && until > performance.now()) return true;
    // A browser sends many requests at once.
    let check = this.#checks.get(key);
    if (check === undefined) {
      check = this.#thread.matches(password, stored)
        .finally(() => this.#checks.delete(key));
      this.#checks.set(key, check);
    }
    const matches = await check;
    if (matches) this.#remember(key);
    return matches;
  }

  #remember(key: string): void {
    this.#right.delete(key);
    this.#right.set(key, performance.now() + REMEMBERED);
    if (this.#right.size <= MOST_REMEMBERED) return;
    const [oldest] = this.#right.keys();
    if (oldest !== undefined) this.#right.delete(oldest);
  }

  async #keyOf(password: string, stored: string): Promise<string> {
    this.#secret ??= crypto.subtle.generateKey(
      { name: "HMAC", hash: "SHA-256" },
      false,
      ["sign"],
    );
    const mac = await crypto.subtle.sign(
      "HMAC",
      await this.#secret,
      bytesOf(`${stored}\n${password}`),
    );
    return new Uint8Array(mac).toBase64();
  }
}

/** Whether a digest is that of a password and a salt. */
async function isDigest(
  password: string,
  salt: string,
  digest: string,
): Promise<boolean> {
  const made = await crypto.subtle.digest("SHA-1", bytesOf(password + salt));
  return isSame(new Uint8Array(made), bytesOf(digest));
}

/**
 * Whether bytes are the same. How long it takes tells nothing of them, nor of
 * their number: digests are compared.
 */
async function isSame(
  a: Uint8Array<ArrayBuffer>,
  b: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  const [first, second] = await Promise.all(
    [a, b].map(async (bytes) =>
      new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))
    ),
  );
  let differences = 0;
  for (const [i, byte] of (first ?? []).entries()) {
    differences |= byte ^ (second?.[i] ?? 0);
  }
  return differences === 0;
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}
