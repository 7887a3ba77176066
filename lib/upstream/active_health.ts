/**
 * Active health checks: each server of a group is asked for a path now and
 * then.
 *
 * @module
 */
import type { HealthCheckPlan } from "../config/plan.ts";
import { Cancellation } from "../exchange/cancellation.ts";
import { UpstreamError } from "../transport/errors.ts";
import type { UpstreamGroup } from "./group.ts";
import type { UpstreamServer } from "./server.ts";

/** Share of the interval by which a check may come earlier or later. */
const JITTER = 0.1;

/**
 * Watches the servers of a group until it is closed. A server is healthy until
 * checks have failed; the first check of each comes at once.
 *
 * @param report Hears of servers that go and come.
 */
export function watchHealth(
  group: UpstreamGroup,
  report: (line: string) => void,
): void {
  const plan = group.plan.healthCheck;
  if (plan === null) return;
  const watch = new HealthWatch(group, plan, report);
  group.onClose(() => watch.close());
}

class HealthWatch {
  readonly #runs = new Map<UpstreamServer, Run>();
  /** The checks under way. */
  readonly #running = new Set<Cancellation>();
  #closed = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly group: UpstreamGroup,
    readonly plan: HealthCheckPlan,
    readonly report: (line: string) => void,
  ) {
    this.#round();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const check of this.#running) check.cancel(new Late());
  }

  /** Checks all, and comes again. A slow server does not hold up the others. */
  #round(): void {
    const { servers } = this.group;
    for (const server of this.#runs.keys()) {
      // Its address is no longer one of the name.
      if (!servers.includes(server)) this.#runs.delete(server);
    }
    for (const server of servers) {
      if (!server.plan.down) void this.#check(server);
    }
    // Several proxies that start together must not ask together for ever.
    const spread = 1 + JITTER * (2 * Math.random() - 1);
    const wait = this.plan.interval * spread;
    this.#timer = setTimeout(() => this.#round(), wait);
  }

  async #check(server: UpstreamServer): Promise<void> {
    let run = this.#runs.get(server);
    if (run === undefined) {
      run = { passes: 0, fails: 0, checking: false };
      this.#runs.set(server, run);
    }
    if (run.checking) return;
    run.checking = true;
    const problem = await this.#ask(server);
    run.checking = false;
    if (this.#closed) return;
    run.passes = problem === null ? run.passes + 1 : 0;
    run.fails = problem === null ? 0 : run.fails + 1;
    const { plan: { name } } = this.group;
    const now = performance.now();
    if (
      problem !== null && run.fails >= this.plan.fails &&
      server.checked(false, now, problem)
    ) {
      this.report(`upstream ${name} ${server.name} is unhealthy: ${problem}`);
    } else if (run.passes >= this.plan.passes && server.checked(true, now)) {
      this.report(`upstream ${name} ${server.name} is healthy again`);
    }
  }

  /** @returns Null if it passes, else what is wrong. */
  async #ask(server: UpstreamServer): Promise<string | null> {
    const { path, timeout, status } = this.plan;
    const cancellation = new Cancellation();
    const timer = setTimeout(() => cancellation.cancel(new Late()), timeout);
    this.#running.add(cancellation);
    try {
      const response = await server.transport.send({
        method: "GET",
        target: path,
        fields: [
          ["host", this.group.plan.name],
          ["user-agent", "sameorigin health check"],
        ],
        body: null,
        upgrade: null,
        timeouts: { connect: timeout, head: timeout, body: 0 },
        cancellation,
      }, performance.now());
      response.body?.discard();
      const passes = status.some(([from, to]) =>
        response.status >= from && response.status <= to
      );
      return passes ? null : `${path} answers ${response.status}`;
    } catch (error) {
      const late = error instanceof Late ||
        error instanceof UpstreamError && error.status === 504;
      return late
        ? `${path} does not answer within ${timeout} ms`
        : `${path} can't be had: ${
          error instanceof UpstreamError ? error.failure : String(error)
        }`;
    } finally {
      clearTimeout(timer);
      this.#running.delete(cancellation);
    }
  }
}

/** The time of a check is over. */
class Late extends Error {}

/** What the last checks of a server found, and whether one is under way. */
interface Run {
  passes: number;
  fails: number;
  checking: boolean;
}
