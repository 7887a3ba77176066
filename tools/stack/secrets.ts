/**
 * What the parts must know of each other and nobody else.
 *
 * @module
 */
import { join } from "node:path";

/** The secrets of a stack. */
export interface Secrets {
  /** Signs Django's sessions. */
  readonly django: string;
  /** Signs the tokens with which clients connect to Centrifugo. */
  readonly token: string;
  /** Opens Centrifugo's HTTP API. */
  readonly apiKey: string;
}

/** Those of this folder, made at the first start: later ones keep the logins. */
export async function secretsOf(folder: string): Promise<Secrets> {
  const file = join(folder, "secrets.json");
  try {
    return JSON.parse(await Deno.readTextFile(file));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const secrets = { django: random(), token: random(), apiKey: random() };
  await Deno.writeTextFile(file, JSON.stringify(secrets), { mode: 0o600 });
  return secrets;
}

/** 256 bits, hexadecimal. */
function random(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toHex();
}
