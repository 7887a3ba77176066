/**
 * A lock between processes, and between the workers of one.
 *
 * @module
 */
import { join } from "node:path";
import { CACHE } from "./places.ts";
import { type Report, SILENT } from "./report.ts";

/** How often a taken lock is tried, in milliseconds: waiting can be given up. */
const BETWEEN = 100;

/** How a lock is waited for. */
export interface LockOptions {
  /** Who shares the lock shares the folder. */
  readonly folder?: string;
  /** Who is told that it is waited for. */
  readonly report?: Report;
  /** Ends the wait. */
  readonly signal?: AbortSignal;
}

/**
 * Does work while nobody else does the work of this name. The system gives the
 * lock back when its holder dies, so none is ever left behind.
 *
 * @param name A file's name.
 * @throws The signal's reason when that is aborted before it has the lock.
 */
export async function locked<T>(
  name: string,
  work: () => Promise<T>,
  { folder = CACHE, report = SILENT, signal }: LockOptions = {},
): Promise<T> {
  await Deno.mkdir(folder, { recursive: true });
  using file = await openLock(name, folder);
  if (!await file.tryLock(true)) {
    await report.step(`another run makes the same (${name})`, async () => {
      do {
        signal?.throwIfAborted();
        await new Promise((resolve) => setTimeout(resolve, BETWEEN));
      } while (!await file.tryLock(true));
    });
  }
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
