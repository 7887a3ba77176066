/**
 * Reloads the config of the running proxy.
 *
 * @module
 */
import { ConfigError } from "../config/config_error.ts";
import type { ConfigSource, LoadedConfig } from "../config/config_source.ts";
import type { Control } from "../server/control.ts";
import { type Changes, ListenError } from "../server/server.ts";
import { countsOf, printProblems } from "./check.ts";
import { type ConfigReader, planned } from "./config_reader.ts";
import {
  configProof,
  type ReloadOutcome,
  sameProof,
  UNCHANGED,
} from "./reload_protocol.ts";
import { listenFailure } from "./startup_messages.ts";
import { counted, failure, type Terminal } from "./terminal.ts";

/** Runs one reload at a time, and prints the outcome of each. */
export class Reloader {
  readonly #reader: ConfigReader;
  readonly #swap: (loaded: LoadedConfig) => Promise<Changes>;
  readonly #terminal: Terminal;
  /** The text, or error, of the last attempt: a touched file is not a changed one. */
  #tried: string;
  #last: Promise<unknown> = Promise.resolve();

  /**
   * @param loaded The config in effect.
   * @param swap Puts another in effect.
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
   * @param cause The reason, for the terminal: `SIGHUP`.
   */
  reload(cause: string): Promise<ReloadOutcome> {
    const outcome = this.#last.then(() => this.#attempt(cause));
    this.#last = outcome;
    return outcome;
  }

  /** Reloads if the config differs from that of the last attempt. */
  reloadIfChanged(cause: string): Promise<void> {
    const done = this.#last.then(async () => {
      if (await this.#isChanged()) await this.#attempt(cause);
    });
    this.#last = done;
    return done;
  }

  /** Reloads for `sameorigin reload`, if the proof is right. */
  readonly control: Control = async (proof) => {
    const { path } = this.#reader;
    if (path === null) return null;
    try {
      if (!sameProof(proof, await configProof(path))) return null;
    } catch {
      // The sender can't have read it either.
      return null;
    }
    return JSON.stringify(await this.reload("sameorigin reload"));
  };

  async #attempt(cause: string): Promise<ReloadOutcome> {
    const outcome = await this.#try();
    this.#print(cause, outcome);
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
      const message = "there is no config file to reload";
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

  #print(cause: string, outcome: ReloadOutcome): void {
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

function textOf({ content }: ConfigSource): string {
  return "text" in content ? content.text : "";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A reload that is done, in one line. */
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
