/**
 * A copy of the frontend that may be edited while it runs.
 *
 * @module
 */
import { cp } from "node:fs/promises";
import { basename, join } from "node:path";
import { FRONTEND } from "./places.ts";

/** What is made from the rest. */
const MADE = new Set(["node_modules", "dist"]);

/**
 * Copies the frontend's sources and links its packages.
 *
 * Each package is linked by itself: `node_modules` as one link would make Vite
 * keep what it prepares (`node_modules/.vite`) in the original's folder, where
 * two that run at once would overwrite each other's. The packages' files are
 * outside of the copy then, and Vite refuses to serve them as they are; but it
 * serves only what it has prepared, and its own client.
 *
 * @param folder Where the copy is made; must not exist.
 */
export async function copyFrontend(folder: string): Promise<void> {
  await cp(FRONTEND, folder, {
    recursive: true,
    filter: (path) => !MADE.has(basename(path)),
  });
  const modules = join(folder, "node_modules");
  await Deno.mkdir(modules);
  const original = join(FRONTEND, "node_modules");
  for await (const { name } of Deno.readDir(original)) {
    if (name.startsWith(".") && name !== ".bin") continue;
    await Deno.symlink(join(original, name), join(modules, name));
  }
}
