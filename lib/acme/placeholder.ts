/**
 * What a listener has until the authority has issued its certificate: one that is
 * signed with its own key, which no client takes.
 *
 * @module
 */
import type { AcmePlan } from "../config/plan.ts";
import {
  generateKeys,
  makeSelfSigned,
  privateKeyPem,
} from "../x509/certificate.ts";
import { writeWhole } from "./state.ts";

/** Tells it from one of an authority. */
export const PLACEHOLDER = "sameorigin, until the authority has issued one";

/** In milliseconds. Nobody looks at it. */
const LIFE = 365 * 24 * 60 * 60 * 1000;

/** The state can't be written. */
export class StateError extends Error {
  override readonly name = "StateError";
}

/**
 * Puts a placeholder where there is no certificate yet.
 *
 * @returns Whether there was any to put.
 * @throws {StateError}
 */
export async function putPlaceholders(
  plans: readonly AcmePlan[],
): Promise<boolean> {
  let put = false;
  for (const { file, names, stateDir } of plans) {
    try {
      if (await exists(file)) continue;
      await writeWhole(file, await placeholder(names));
    } catch (cause) {
      const why = cause instanceof Deno.errors.NotCapable
        ? `deno was started without --allow-write=${stateDir}`
        : cause instanceof Error
        ? cause.message
        : String(cause);
      throw new StateError(`${stateDir} can't be written: ${why}`, { cause });
    }
    put = true;
  }
  return put;
}

async function placeholder(names: readonly string[]): Promise<string> {
  const keys = await generateKeys();
  const now = Date.now();
  const certificate = await makeSelfSigned({
    subject: { organization: PLACEHOLDER, commonName: names[0] ?? "" },
    names,
    notBefore: new Date(now),
    notAfter: new Date(now + LIFE),
    authority: null,
  }, keys);
  return await privateKeyPem(keys.privateKey) + certificate;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
