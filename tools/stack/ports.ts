/**
 * Ports for programs that can't be told to choose one and say which.
 *
 * @module
 */
import { join } from "node:path";
import { locked } from "./lock.ts";
import { CACHE } from "./places.ts";

/**
 * Below the range that systems give to outgoing connections (from 32768 on
 * Linux, 49152 elsewhere): none of those takes the port of a part that is
 * being restarted.
 */
const FIRST = 20_000;
const LAST = 32_767;

/**
 * Ports of 127.0.0.1 that nobody listens on. They are given out in turn, so
 * that two stacks that start at once don't choose the same.
 */
export function freePorts(count: number): Promise<number[]> {
  return locked("ports", async () => {
    const note = join(CACHE, "next_port");
    let next = Number(await readOr(note, "")) || anywhere();
    const ports: number[] = [];
    for (let tries = 0; ports.length < count; tries++) {
      if (tries > LAST - FIRST) throw new Error("no port is free");
      if (next < FIRST || next > LAST) next = FIRST;
      if (isFree(next)) ports.push(next);
      next++;
    }
    await Deno.writeTextFile(note, String(next));
    return ports;
  });
}

/** Whether one could listen on this port of 127.0.0.1. */
export function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch {
    return false;
  }
}

/** Other checkouts begin elsewhere. */
function anywhere(): number {
  return FIRST + Math.floor(Math.random() * (LAST - FIRST));
}

async function readOr(file: string, otherwise: string): Promise<string> {
  try {
    return await Deno.readTextFile(file);
  } catch {
    return otherwise;
  }
}
