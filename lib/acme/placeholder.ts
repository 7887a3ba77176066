/**
 * What a listener has until the authority has issued its certificate: the one of
 * before, where a name was added; else one that is signed with its own key, which
 * no client takes.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { suffixOf } from "../config/acme.ts";
import {
  type Certificate,
  covers,
  joinCertificate,
  parseChain,
  parseKey,
} from "../config/certificate.ts";
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
  for (const plan of plans) {
    const { file, names, stateDir } = plan;
    try {
      if (await exists(file)) continue;
      await writeWhole(file, await former(plan) ?? await placeholder(names));
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

/**
 * The certificate and its key, as they are in a file.
 *
 * @throws {ValueError} if they are of no use.
 */
export function certificateIn(text: string, path: string): Certificate {
  return joinCertificate(parseChain(text, path), parseKey(text, path));
}

/** How many of the names a certificate is for. */
export function coverage(
  certificate: Certificate,
  names: readonly string[],
): number {
  return names.filter((name) => covers(certificate.names, name)).length;
}

/** The text of a file with a valid certificate of the same authority for most of the names. */
async function former(
  { file, names, directory }: AcmePlan,
): Promise<string | null> {
  const folder = dirname(file);
  let best: { text: string; certificate: Certificate } | null = null;
  for (const name of await filesIn(folder)) {
    if (!name.endsWith(suffixOf(directory))) continue;
    const path = join(folder, name);
    try {
      const text = await Deno.readTextFile(path);
      const certificate = certificateIn(text, path);
      const isValid = certificate.issuer !== PLACEHOLDER &&
        certificate.notAfter > Date.now();
      const most = best === null ? 0 : coverage(best.certificate, names);
      if (isValid && coverage(certificate, names) > most) {
        best = { text, certificate };
      }
    } catch {
      // Another one may do.
    }
  }
  return best?.text ?? null;
}

async function filesIn(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder)))
      .map(({ name }) => name).toSorted();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
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
