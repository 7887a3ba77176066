/**
 * What a proxy holds, before and after.
 *
 * @module
 */
import { ok } from "node:assert/strict";
import { descriptors, HAS_PROC, residentMiB } from "../../support/proc.ts";

/** Connections that the proxy may keep for later: a browser's, an upstream's. */
const POOLED = 8;

/**
 * How much more memory the proxy may hold afterwards, in MiB: the room for new
 * objects, which V8 does not give back while the process has something to do.
 */
const ROOM = 128;

/** Milliseconds between two looks, and how often it is looked. */
const BETWEEN = 50;
const LOOKS = 200;

/** What the proxy held at one time. */
export interface ProxyUse {
  /**
   * Shows that it holds no more now: no descriptor, and not much memory. Prints
   * both. Nothing is shown where there is no `/proc`.
   *
   * @param when For what is printed.
   * @param most Of growth, in MiB.
   */
  returns(when: string, most?: number): Promise<void>;
}

/** Notes what the proxy with this process id holds. */
export function proxyUse(pid: number): ProxyUse {
  const look = () => {
    if (!HAS_PROC) return null;
    return { memory: residentMiB(pid), descriptors: descriptors(pid) };
  };
  const before = look();
  return {
    async returns(when, most = ROOM) {
      let now = look();
      if (before === null || now === null) return;
      const limit = before.descriptors + POOLED;
      // The proxy does not say when it has closed what its clients have left.
      for (let i = 0; i < LOOKS && now.descriptors > limit; i++) {
        await new Promise((resolve) => setTimeout(resolve, BETWEEN));
        now = look() ?? now;
      }
      console.log(
        `${when}: the proxy has ${now.memory.toFixed(0)} MiB ` +
          `(before: ${before.memory.toFixed(0)}), ` +
          `${now.descriptors} descriptors (before: ${before.descriptors})`,
      );
      ok(now.descriptors <= limit, "descriptors are not given back");
      ok(now.memory - before.memory < most, "memory is not given back");
    },
  };
}
