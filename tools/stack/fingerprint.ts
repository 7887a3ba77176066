/**
 * Whether what was made before was made of the same.
 *
 * @module
 */
import { join } from "node:path";

/** A short name for a content, the same for the same: 16 hexadecimal digits. */
export async function fingerprint(
  ...parts: readonly string[]
): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(parts));
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return new Uint8Array(digest).slice(0, 8).toHex();
}

/** The names and texts of a Go module's files, without those below its folder. */
export async function goSources(folder: string): Promise<string[]> {
  const names = (await Array.fromAsync(Deno.readDir(folder)))
    .map(({ name }) => name)
    .filter((name) => /\.go$|^go\.(mod|sum)$/.test(name))
    .sort();
  const texts = names.map((name) => Deno.readTextFile(join(folder, name)));
  return [...names, ...await Promise.all(texts)];
}

/** Whether a note was left that says the same; see {@linkcode leaveNote}. */
export async function hasNote(file: string, text: string): Promise<boolean> {
  try {
    return await Deno.readTextFile(file) === text;
  } catch {
    return false;
  }
}

/** Leaves a note that something has been made, for later runs. */
export async function leaveNote(file: string, text: string): Promise<void> {
  await Deno.writeTextFile(file, text);
}
