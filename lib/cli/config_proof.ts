/**
 * How `sameorigin reload` shows the running proxy that it sees the very same
 * config file: whoever can't read it can't make it be read again.
 *
 * @module
 */

/**
 * A hash of the file as it is now: its place, its identity and its content.
 *
 * @returns 64 hexadecimal digits (SHA-256).
 * @throws If it can't be read.
 */
export async function configProof(path: string): Promise<string> {
  const place = await Deno.realPath(path);
  const { dev, ino, size, mtime } = await Deno.stat(place);
  const identity = JSON.stringify([place, dev, ino, size, mtime?.getTime()]);
  const content = await Deno.readFile(place);
  const head = new TextEncoder().encode(`sameorigin reload\n${identity}\n`);
  const all = new Uint8Array(head.length + content.length);
  all.set(head);
  all.set(content, head.length);
  const digest = await crypto.subtle.digest("SHA-256", all);
  return new Uint8Array(digest).toHex();
}

/** Whether two proofs are the same, in a time that does not tell how far they are. */
export function sameProof(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) {
    difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  }
  return difference === 0;
}
