/**
 * A program and all that it starts, as one group of processes that ends
 * together: by itself, when it is told to, and when this process dies, however
 * that comes about.
 *
 * @module
 */

/** A program and how it is started. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** In addition to this process's own. */
  readonly env: Readonly<Record<string, string>>;
}

/** The shell turns into the program, which so has the id that is known here. */
const LOGGED = 'exec "$@" >>"$0" 2>&1';

/**
 * Reads what never comes. The end of its input is the end of the runner, when
 * nobody else would end the group.
 */
const GUARD =
  'read -r _; kill -s TERM -- "-$0"; sleep 2; kill -s KILL -- "-$0"';

/** What a group is told, and how many milliseconds it may take to end then. */
export type Telling = readonly (readonly [Deno.Signal, number])[];

/**
 * Five seconds in all. The second signal tells the proxy not to wait for what
 * is in flight; a process that hangs hears neither.
 */
const TELLING: Telling = [["SIGTERM", 1_500], ["SIGTERM", 3_500]];

/** A group of processes that is running. */
export class ProcessGroup {
  /** The program's process id, which is the group's too. */
  readonly pid: number;
  /** Settles when the program has ended and the rest of the group is killed. */
  readonly ended: Promise<Deno.CommandStatus>;

  /**
   * Starts a program, in a session of its own: Ctrl-C at the terminal reaches
   * the runner only, which ends everything in order.
   *
   * @param log The file that all output is added to.
   */
  constructor({ program, args, cwd, env }: Command, log: string) {
    const child = new Deno.Command("/bin/sh", {
      args: ["-c", LOGGED, log, program, ...args],
      cwd,
      env: { ...env },
      detached: true,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.pid = child.pid;
    const guard = new Deno.Command("/bin/sh", {
      args: ["-c", GUARD, String(child.pid)],
      // Ctrl-C at the terminal is not for it either.
      detached: true,
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.ended = (async () => {
      const status = await child.status;
      this.#signal("SIGKILL");
      unlessGone(() => guard.kill("SIGKILL"));
      await Promise.all([guard.status, guard.stdin.close().catch(() => {})]);
      return status;
    })();
  }

  /** Ends the group: politely, and when that takes too long, by force. */
  async stop(telling: Telling = TELLING): Promise<void> {
    for (const [signal, patience] of telling) {
      this.#signal(signal);
      if (await within(patience, this.ended)) return;
    }
    this.#signal("SIGKILL");
    await this.ended;
  }

  #signal(signal: Deno.Signal): void {
    unlessGone(() => Deno.kill(-this.pid, signal));
  }
}

/** Sends a signal to what may have ended a moment ago. */
function unlessGone(send: () => void): void {
  try {
    send();
  } catch {
    // It has.
  }
}

/** Whether it happens in time, in milliseconds. */
async function within(
  milliseconds: number,
  event: Promise<unknown>,
): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  try {
    return await Promise.race([event.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
