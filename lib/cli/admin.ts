/**
 * The admin listener of the running proxy: opened at the start, and where a
 * reload says so.
 *
 * @module
 */
import type { AdminListener } from "../admin/listener.ts";
import type { AdminParts } from "../admin/parts.ts";
import { listenKey } from "../config/address.ts";
import type { AdminPlan, Plan } from "../config/plan.ts";

/** A change of the listener that has what it needs. */
export interface PreparedAdmin {
  /** Makes it so. */
  commit(): void;
  /** Leaves everything as it was. */
  cancel(): void;
}

/** The listener, where the config has one now. */
export class Admin implements AsyncDisposable {
  readonly #parts: Omit<AdminParts, "cpu">;
  #listener: AdminListener | null = null;

  constructor(parts: Omit<AdminParts, "cpu">) {
    this.#parts = parts;
  }

  /** How to open it in a browser; null where there is none. */
  get url(): string | null {
    return this.#listener?.url ?? null;
  }

  /**
   * Opens what a plan says.
   *
   * @throws {ListenError} If the address can't be had; nothing has changed then.
   */
  async prepare({ admin }: Pick<Plan, "admin">): Promise<PreparedAdmin> {
    const before = this.#listener;
    const key = admin === null ? null : listenKey(admin.address);
    if (admin !== null && before !== null && before.key === key) {
      return { commit: () => before.use(admin), cancel() {} };
    }
    const next = admin === null ? null : await this.#open(admin);
    return {
      commit: () => {
        this.#listener = next;
        before?.[Symbol.asyncDispose]();
      },
      cancel: () => void next?.[Symbol.asyncDispose](),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listener?.[Symbol.asyncDispose]();
  }

  /** What most proxies do without is not loaded at every start. */
  async #open(plan: AdminPlan): Promise<AdminListener> {
    const { AdminListener } = await import("../admin/listener.ts");
    const { default: process } = await import("node:process");
    const cpu = () => {
      // Microseconds, of all threads.
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    };
    return new AdminListener(plan, { ...this.#parts, cpu });
  }
}
