/**
 * Requests to the proxy itself: `RELOAD`, which `sameorigin reload` sends.
 *
 * No page can send one: a browser asks with a preflight before a method like
 * this, which goes to an upstream like all others, and no page knows the proof.
 *
 * @module
 */
import type { ListenAddress } from "../config/plan.ts";

/** The method that asks the proxy to read its config again. */
export const RELOAD = "RELOAD";

/** The header with the proof that its sender may ask. */
export const PROOF_HEADER = "sameorigin-proof";

/**
 * Takes a proof, does what is asked for, and gives the answer as JSON; null if
 * the proof is wrong.
 */
export type Control = (proof: string) => Promise<string | null>;

/**
 * Answers a request to the proxy itself.
 *
 * @returns Null for one that is to be treated like all others.
 */
export async function answerControl(
  request: Request,
  { remoteAddr }: Deno.ServeHandlerInfo<Deno.Addr>,
  address: ListenAddress,
  control: Control,
): Promise<Response | null> {
  const proof = request.headers.get(PROOF_HEADER);
  if (proof === null || !isNear(remoteAddr, address)) return null;
  const answer = await control(proof);
  if (answer === null) return null;
  return new Response(answer, {
    headers: {
      "content-type": "application/json",
      "cache-control": "no-store",
    },
  });
}

/** Whether it comes from this machine. */
function isNear(peer: Deno.Addr, own: ListenAddress): boolean {
  if (!("hostname" in peer)) return true;
  const host = peer.hostname.replace(/^::ffff:(?=[\d.]+$)/, "");
  return host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host) ||
    // From one address of a machine to the same.
    own.transport === "tcp" && host === own.hostname;
}
