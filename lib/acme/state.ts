/**
 * What is kept in `state_dir`: the keys of accounts, certificates, the answers to
 * challenges, and a lock, since several processes may share it.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { challengeFolder } from "../config/acme.ts";
import {
  generateKeys,
  importKeys,
  privateKeyPem,
} from "../x509/certificate.ts";
import type { ChallengeStore } from "./order.ts";

/** Milliseconds between two signs of life of whoever holds the lock. */
const LOCK_BEAT = 20 * 1000;

/** Milliseconds without any after which it is taken for dead. */
const LOCK_LIFE = 5 * LOCK_BEAT;

export class State implements ChallengeStore {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /**
   * The keys of the account with an authority, made at the first time.
   *
   * @param directory The URL of its directory.
   * @throws {Error} of the system.
   */
  async accountKeys(directory: string): Promise<CryptoKeyPair> {
    const path = join(this.#dir, `account-${await shortHash(directory)}.pem`);
    try {
      return await importKeys(await Deno.readTextFile(path));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    const keys = await generateKeys();
    await writeWhole(path, await privateKeyPem(keys.privateKey));
    return keys;
  }

  async put(token: string, answer: string): Promise<void> {
    await writeWhole(join(challengeFolder(this.#dir), token), answer);
  }

  async remove(token: string): Promise<void> {
    try {
      await Deno.remove(join(challengeFolder(this.#dir), token));
    } catch {
      // Another process has tidied up.
    }
  }

  /**
   * Takes the lock; null if another process has it. Disposing gives it back.
   *
   * @throws {Error} of the system.
   */
  async lock(): Promise<AsyncDisposable | null> {
    const path = join(this.#dir, "lock");
    await Deno.mkdir(this.#dir, { recursive: true, mode: 0o700 });
    await removeStale(path);
    try {
      (await Deno.open(path, { write: true, createNew: true })).close();
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) return null;
      throw error;
    }
    const beat = setInterval(() => {
      const now = new Date();
      // Another process may have taken it for stale, and be done with it.
      Deno.utime(path, now, now).catch(() => {});
    }, LOCK_BEAT);
    return {
      async [Symbol.asyncDispose]() {
        clearInterval(beat);
        try {
          await Deno.remove(path);
        } catch {
          // It was taken for stale.
        }
      },
    };
  }
}

async function removeStale(path: string): Promise<void> {
  try {
    const { mtime } = await Deno.stat(path);
    if (Date.now() - (mtime?.getTime() ?? 0) > LOCK_LIFE) {
      await Deno.remove(path);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/**
 * Writes a file that only its owner can read, so that nobody ever sees half of it.
 *
 * @throws {Error} of the system.
 */
export async function writeWhole(path: string, text: string): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${crypto.randomUUID()}.new`;
  try {
    await Deno.writeTextFile(temporary, text, { mode: 0o600 });
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
}

async function shortHash(text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  const hash = await crypto.subtle.digest("SHA-256", bytes);
  return new Uint8Array(hash).toHex().slice(0, 8);
}
