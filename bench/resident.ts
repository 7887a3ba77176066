/**
 * The resident memory of another process, from Linux's `/proc`.
 *
 * @module
 */

const MIB = 1024 * 1024;

/** Resident memory of a process in MiB. */
export async function residentMiB(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kib === undefined) throw new Error(`/proc/${pid}/status has no VmRSS`);
  return Number(kib) * 1024 / MIB;
}

/** Watches a process until disposed of; `peak` is the most seen, in MiB. */
export function watchResident(pid: number, everyMs = 20) {
  const watch = { peak: 0 };
  const look = async () => {
    watch.peak = Math.max(watch.peak, await residentMiB(pid));
  };
  const timer = setInterval(() => look().catch(() => {}), everyMs);
  return {
    get peak() {
      return watch.peak;
    },
    [Symbol.dispose]() {
      clearInterval(timer);
    },
  };
}
