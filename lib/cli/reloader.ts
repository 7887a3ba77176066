/**
 * Reloads the config of the running proxy.
 *
 * @module
 */
import { ConfigError } from "../config/config_error.ts";
import type { ConfigSource, LoadedConfig } from "../config/config_source.ts";
import { type NamedFileMap, readFile } from "../config/named_files.ts";
import type { Plan } from "../config/plan.ts";
import type { Control } from "../request/control.ts";
import { type Changes, ListenError } from "../server/server.ts";
import { countsOf, printProblems } from "./check.ts";
import {
  type ConfigReader,
  planned,
  type ReadConfig,
} from "./config_reader.ts";
import type { ConfigStatus } from "./config_status.ts";
import { withPlaceholders } from "./issued_certificates.ts";
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
  readonly #status: ConfigStatus;
  /** The text, or error, of the last attempt: a touched file is not a changed one. */
  #tried: string;
  /** The files that it named, as they were. */
  #files: NamedFileMap;
  #last: Promise<unknown> = Promise.resolve();

  /**
   * @param status Says which config is in effect, and is told.
   * @param swap Puts another in effect.
   */
  constructor(
    reader: ConfigReader,
    status: ConfigStatus,
    swap: (loaded: LoadedConfig) => Promise<Changes>,
    terminal: Terminal,
  ) {
    this.#reader = reader;
    this.#tried = textOf(status.loaded.config);
    this.#files = status.loaded.config.files;
    this.#status = status;
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

  /** The files that the config names. */
  get files(): readonly string[] {
    return [...this.#files.keys()];
  }

  /** Reloads if the config, or a file that it names, differs from that of the last attempt. */
  reloadIfChanged(cause: string): Promise<void> {
    const done = this.#last.then(async () => {
      if (await this.#isChanged()) await this.#attempt(cause);
    });
    this.#last = done;
    return done;
  }

  /** Reads the files again that the config in effect names, and not the config. */
  reloadFiles(cause: string): Promise<void> {
    const done = this.#last.then(async () => {
      const config = { ...this.#status.loaded.config, files: new Map() };
      this.#print(cause, await this.#putInEffect(config, null), null);
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
    const { outcome, file } = await this.#try();
    this.#status.reloaded(outcome.kind === "done");
    this.#print(cause, outcome, file);
    return outcome;
  }

  async #isChanged(): Promise<boolean> {
    try {
      const { config } = await this.#reader.read();
      return textOf(config) !== this.#tried || haveChanged(this.#files);
    } catch (error) {
      return messageOf(error) !== this.#tried;
    }
  }

  /** @returns The outcome, and which file was read, as text. */
  async #try(): Promise<{ outcome: ReloadOutcome; file: string | null }> {
    let read: ReadConfig;
    try {
      if (this.#reader.path === null) {
        throw new Error("there is no config file to reload");
      }
      read = await this.#reader.read();
    } catch (error) {
      this.#tried = messageOf(error);
      const outcome = { kind: "unreadable", message: this.#tried } as const;
      return { outcome, file: null };
    }
    this.#tried = textOf(read.config);
    const file = describeFile(read);
    return { outcome: await this.#putInEffect(read.config, file), file };
  }

  async #putInEffect(
    config: ConfigSource,
    file: string | null,
  ): Promise<ReloadOutcome> {
    let plan: Plan | null = null;
    // Filled while the plan is made.
    this.#files = config.files;
    try {
      const loaded = await withPlaceholders(planned(config));
      this.#files = loaded.config.files;
      ({ plan } = loaded);
      const changes = await this.#swap(loaded);
      this.#status.replaced(loaded);
      return { kind: "done", message: summary(loaded, changes, file) };
    } catch (error) {
      if (error instanceof ConfigError) {
        return { kind: "problems", problems: error.problems };
      }
      const message = error instanceof ListenError && plan !== null
        ? listenFailure(error, plan, true)
        : messageOf(error);
      return { kind: "failed", message };
    }
  }

  #print(cause: string, outcome: ReloadOutcome, file: string | null): void {
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
    if (file !== null) failure(terminal, `${cause}: not used: ${file}`);
    failure(terminal, `${cause}: ${UNCHANGED}`);
  }
}

function textOf({ content }: ConfigSource): string {
  return "text" in content ? content.text : "";
}

function haveChanged(files: NamedFileMap): boolean {
  return [...files].some(([path, before]) =>
    JSON.stringify(readFile(path)) !== JSON.stringify(before)
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** `/srv/releases/2/config.yaml, modified 2026-11-26 14:25:10 UTC`. */
function describeFile({ file }: ReadConfig): string | null {
  if (file === null) return null;
  const [, date, time] = /^(.+)T(.+)\.\d+Z$/
    .exec(file.modified?.toISOString() ?? "") ?? [];
  return date === undefined
    ? file.path
    : `${file.path}, modified ${date} ${time} UTC`;
}

/** A reload that is done, in one line. */
function summary(
  { plan }: LoadedConfig,
  { added, removed, notes }: Changes,
  file: string | null,
): string {
  return [
    `${plan.source} is in effect: ${
      counted(countsOf(plan).locations, "location")
    }`,
    ...added.map((address) => `now also on ${address}`),
    ...removed.map((address) => `no longer on ${address}`),
    ...notes,
    ...file === null ? [] : [`read from ${file}`],
  ].join(", ");
}
