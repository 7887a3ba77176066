/**
 * Files that a config names.
 *
 * @module
 */
import { dirname, resolve } from "node:path";

/** Reads a whole file, and throws where the system does. */
export type ReadFile = (path: string) => Uint8Array;

/**
 * The path of a file that a config names: a relative one begins at the config's
 * directory, as in nginx.
 *
 * @param source The config's file, or what stands for it in messages.
 */
export function pathOf(written: string, source: string): string {
  return resolve(dirname(source), written);
}

/** In words, why a file can't be read. */
export function unreadable(path: string, error: unknown): string {
  const { errors } = Deno;
  if (
    error instanceof errors.NotFound || error instanceof errors.NotADirectory
  ) return `there is no file ${path}`;
  if (error instanceof errors.IsADirectory) return `${path} is a directory`;
  if (
    error instanceof errors.PermissionDenied ||
    error instanceof errors.NotCapable
  ) return `no permission to read ${path}: check its owner and its mode`;
  const why = error instanceof Error ? error.message : String(error);
  return `${path} can't be read: ${why}`;
}
