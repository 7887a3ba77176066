/**
 * A part that is started, stopped and started again.
 *
 * @module
 */
import { statusOf } from "./answer.ts";
import type { Part, PartName } from "./parts.ts";
import { ProcessGroup } from "./process_group.ts";
import { runToEnd, tail } from "./run_to_end.ts";

/** How long a part may take until it answers, in milliseconds. */
const PATIENCE = 120_000;

/** The time between two questions to a part that is starting, in milliseconds. */
const BETWEEN = 50;

/** A part that did not start, or has ended without being told to. */
export class PartFailed extends Error {
  override readonly name = "PartFailed";

  constructor(readonly part: PartName, what: string, log: string) {
    super(`${part} ${what}:\n${tail(log)}`);
  }
}

/** A part with the process that runs it. */
export class RunningPart {
  /** Rejects when a process ends that nobody has stopped; never resolves. */
  readonly failed: Promise<never>;
  /** The file that has all its output. */
  readonly log: string;
  readonly #fail: (error: PartFailed) => void;
  #part: Part;
  #group: ProcessGroup | null = null;
  #isReady = false;

  /**
   * @param address `host:port`
   * @param signal Ends what is being waited for.
   */
  constructor(
    readonly name: PartName,
    readonly address: string,
    part: Part,
    log: string,
    readonly signal: AbortSignal,
  ) {
    this.#part = part;
    this.log = log;
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => {});
    this.failed = promise;
    this.#fail = reject;
  }

  /** Does what comes before the first start. */
  async prepare(): Promise<void> {
    for (const command of this.#part.before) {
      await runToEnd(command, this.signal);
    }
  }

  /** The process id; null while it is stopped. */
  get pid(): number | null {
    return this.#group?.pid ?? null;
  }

  /** How it is started. */
  get part(): Part {
    return this.#part;
  }

  /**
   * Starts it and waits until it answers.
   *
   * @param part Another way to start it from now on.
   * @throws {PartFailed} if it ends instead, or does not answer in time.
   */
  async start(part = this.#part): Promise<void> {
    if (this.#group !== null) throw new Error(`${this.name} runs already`);
    this.signal.throwIfAborted();
    this.#part = part;
    const group = new ProcessGroup(part.command, this.log);
    this.#group = group;
    this.#isReady = false;
    group.ended.then(({ code }) => this.#ended(group, code));
    try {
      await this.#untilThere(group);
      this.#isReady = true;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Ends it, if it runs. */
  async stop(): Promise<void> {
    const group = this.#group;
    this.#group = null;
    await group?.stop();
  }

  /** What it has said so far. */
  async output(): Promise<string> {
    try {
      return await Deno.readTextFile(this.log);
    } catch {
      return "";
    }
  }

  async #untilThere(group: ProcessGroup): Promise<void> {
    const ended = group.ended.then(({ code }) => code);
    const until = performance.now() + PATIENCE;
    while (performance.now() < until) {
      this.signal.throwIfAborted();
      const event = await Promise.race([ended, this.#isThere()]);
      if (typeof event === "number") {
        throw new PartFailed(
          this.name,
          `ended with code ${event} before it answered`,
          await this.output(),
        );
      }
      if (event) return;
      await new Promise((resolve) => setTimeout(resolve, BETWEEN));
    }
    throw new PartFailed(
      this.name,
      `did not answer within ${PATIENCE / 1_000} s`,
      await this.output(),
    );
  }

  async #isThere(): Promise<boolean> {
    try {
      const status = await statusOf(this.address, this.#part.question);
      return this.#part.isThere(status);
    } catch {
      return false;
    }
  }

  async #ended(group: ProcessGroup, code: number): Promise<void> {
    if (this.#group !== group || !this.#isReady) return;
    this.#group = null;
    const what = `has ended with code ${code}`;
    this.#fail(new PartFailed(this.name, what, await this.output()));
  }
}
