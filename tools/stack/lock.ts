/**
 * A lock between processes, and between the workers of one.
 *
 * @module
 */
import { join } from "node:path";
import { CACHE } from "./places.ts";

/**
 * Does work while nobody else does the work of this name. The system gives the
 * lock back when its holder dies, so none is ever left behind.
 *
 * @param name A file's name.
 * @param folder Who shares the lock shares the folder.
 */
export async function locked<T>(
  name: string,
  work: () => Promise<T>,
  folder = CACHE,
): Promise<T> {
  await Deno.mkdir(folder, { recursive: true });
  using file = await openLock(name, folder);
  await file.lock(true);
  return await work();
}

/**
 * Takes the lock if it is free.
 *
 * @returns What gives it back when it is closed; null where another holds it.
 */
export async function tryLock(
  name: string,
  folder: string,
): Promise<Disposable | null> {
  await Deno.mkdir(folder, { recursive: true });
  const file = await openLock(name, folder);
  if (await file.tryLock(true)) return file;
  file.close();
  return null;
}

function openLock(name: string, folder: string): Promise<Deno.FsFile> {
  return Deno.open(join(folder, `${name}.lock`), { create: true, write: true });
}
