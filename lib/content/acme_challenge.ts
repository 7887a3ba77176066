/**
 * The answers to the challenges of an ACME authority (RFC 8555 section 8.3). They
 * are files, so that every worker, and every replica with the same `state_dir`,
 * has them.
 *
 * @module
 */
import { join } from "node:path";
import type { AcmeChallengePlan } from "../config/plan.ts";
import type { Exchange } from "../exchange/exchange.ts";
import { LocalResponse } from "../exchange/local_response.ts";

/** The last segment of the path. Tokens are base64url (section 8.3): no dots, no slashes. */
const TOKEN = /\/acme-challenge\/([\w-]{1,256})$/;

/** The answer of `/.well-known/acme-challenge/TOKEN`. */
export async function challengeAnswer(
  { folder }: AcmeChallengePlan,
  { path, method }: Exchange,
): Promise<Response | LocalResponse> {
  const [, token] = TOKEN.exec(path) ?? [];
  const answer = token === undefined ? null : await read(join(folder, token));
  if (answer === null) {
    return new LocalResponse(404, "There is no such challenge.");
  }
  return new Response(method === "HEAD" ? null : answer, {
    headers: {
      "content-type": "application/octet-stream",
      "content-length": String(answer.length),
    },
  });
}

async function read(path: string): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    return await Deno.readFile(path);
  } catch {
    return null;
  }
}
