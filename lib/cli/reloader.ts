/**
 * Reading the config of the running proxy again.
 *
 * @module
 */
import { ConfigError, type Problem } from "../config/config_error.ts";
import type { ConfigSource, LoadedConfig } from "../config/config_source.ts";
import type { Control } from "../request/control.ts";
import { type Changes, ListenError } from "../server/server.ts";
import { countsOf, printProblems } from "./check.ts";
import { configProof, sameProof } from "./config_proof.ts";
import { listenFailure } from "./listen_failure.ts";
import { type ConfigReader, planned } from "./load_plan.ts";
import { counted, failure, type Terminal } from "./terminal.ts";

/** What became of a reload; what `sameorigin reload` gets as JSON. */
export type ReloadOutcome =
  | { readonly kind: "done"; readonly message: string }
  /** The config is wrong. */
  | { readonly kind: "problems"; readonly problems: readonly Problem[] }
  /** The file can't be read. */
  | { readonly kind: "unreadable"; readonly message: string }
  /** It could not be put in effect. */
  | { readonly kind: "failed"; readonly message: string };

/** One reload at a time. Each says on the terminal what became of it. */
export class Reloader {
  readonly #reader: ConfigReader;
  readonly #swap: (loaded: LoadedConfig) => Promise<Changes>;
  readonly #terminal: Terminal;
  /** What was last tried, to tell an edit from a mere touch. */
  #tried: string;
  #last: Promise<unknown> = Promise.resolve();

  /**
   * @param loaded What runs.
   * @param swap Puts another in its place.
   */
  constructor(
    reader: ConfigReader,
    loaded: LoadedConfig,
    swap: (loaded: LoadedConfig) => Promise<Changes>,
    terminal: Terminal,
  ) {
    this.#reader = reader;
    this.#tried = textOf(loaded.config);
    this.#swap = swap;
    this.#terminal = terminal;
  }

  /**
   * Reads the config and puts it in effect. Never throws: a config that can't be
   * used changes nothing.
   *
   * @param cause Who asks, for the terminal: `SIGHUP`.
   */
  reload(cause: string): Promise<ReloadOutcome> {
    const outcome = this.#last.then(() => this.#attempt(cause));
    this.#last = outcome;
    return outcome;
  }

  /** The same, if it is another than at the last time. */
  reloadIfChanged(cause: string): Promise<void> {
    const done = this.#last.then(async () => {
      if (await this.#isChanged()) await this.#attempt(cause);
    });
    this.#last = done;
    return done;
  }

  /** For `sameorigin reload`. */
  readonly control: Control = async (proof) => {
    const { path } = this.#reader;
    if (path === null) return null;
    try {
      if (!sameProof(proof, await configProof(path))) return null;
    } catch {
      // Whoever asks can't have read it either.
      return null;
    }
    return JSON.stringify(await this.reload("sameorigin reload"));
  };

  async #attempt(cause: string): Promise<ReloadOutcome> {
    const outcome = await this.#try();
    this.#say(cause, outcome);
    return outcome;
  }

  async #isChanged(): Promise<boolean> {
    try {
      return textOf(await this.#reader.read()) !== this.#tried;
    } catch (error) {
      return messageOf(error) !== this.#tried;
    }
  }

  async #try(): Promise<ReloadOutcome> {
    if (this.#reader.path === null) {
      const message = "there is no config file to be read again";
      return { kind: "unreadable", message };
    }
    let loaded: LoadedConfig;
    try {
      const config = await this.#reader.read();
      this.#tried = textOf(config);
      loaded = planned(config);
    } catch (error) {
      if (error instanceof ConfigError) {
        return { kind: "problems", problems: error.problems };
      }
      this.#tried = messageOf(error);
      return { kind: "unreadable", message: this.#tried };
    }
    try {
      const changes = await this.#swap(loaded);
      return { kind: "done", message: summary(loaded, changes) };
    } catch (error) {
      const message = error instanceof ListenError
        ? listenFailure(error, loaded.plan, true)
        : messageOf(error);
      return { kind: "failed", message };
    }
  }

  #say(cause: string, outcome: ReloadOutcome): void {
    const terminal = this.#terminal;
    switch (outcome.kind) {
      case "done":
        terminal.note(`${cause}: ${outcome.message}\n`);
        return;
      case "problems":
        printProblems(new ConfigError(outcome.problems), terminal);
        break;
      default:
        failure(terminal, outcome.message);
    }
    failure(terminal, `${cause}: ${UNCHANGED}`);
  }
}

/** What is said after a config that can't be used. */
export const UNCHANGED = "the proxy keeps running with the config it has";

function textOf({ content }: ConfigSource): string {
  return "text" in content ? content.text : "";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** In one line. */
function summary(
  { plan }: LoadedConfig,
  { added, removed, notes }: Changes,
): string {
  return [
    `${plan.source} is in effect: ${
      counted(countsOf(plan).locations, "location")
    }`,
    ...added.map((address) => `now also on ${address}`),
    ...removed.map((address) => `no longer on ${address}`),
    ...notes,
  ].join(", ");
}
