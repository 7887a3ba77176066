/**
 * What a process uses, from Linux's `/proc`.
 *
 * @module
 */

/** Whether this system has it. */
export const HAS_PROC = Deno.build.os === "linux";

/** Resident memory of a process, in MiB. */
export function residentMiB(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

/** How many files and sockets a process has open. */
export function descriptors(pid: number): number {
  return Array.from(Deno.readDirSync(`/proc/${pid}/fd`)).length;
}
