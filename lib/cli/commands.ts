/**
 * The commands and their options: the one table from which the command line is
 * parsed, mistakes in it are named, and the help is printed.
 *
 * @module
 */

/** An option. */
export interface OptionSpec {
  /** Without the dashes. */
  readonly name: string;
  /** The letter of its short form. */
  readonly letter?: string;
  /** What its value is called; without it the option takes none. */
  readonly value?: string;
  /** The only values it takes. */
  readonly choices?: readonly string[];
  /** Whether it may be given more than once. */
  readonly repeatable?: boolean;
  readonly summary: string;
}

/** Every option of every command. */
export const OPTIONS = {
  config: {
    name: "config",
    letter: "c",
    value: "FILE",
    summary: "the config to use; - reads standard input",
  },
  listen: {
    name: "listen",
    value: "ADDRESS",
    summary: "listen here instead: 9001 or 127.0.0.1:9001",
  },
  logFormat: {
    name: "log-format",
    value: "FORMAT",
    choices: ["combined", "json", "off"],
    summary: "the access log's lines: combined, json or off",
  },
  dev: {
    name: "dev",
    summary: "let error pages say which upstream failed, and why",
  },
  watch: {
    name: "watch",
    summary: "read the config again when it changes",
  },
  to: {
    name: "to",
    value: "PREFIX=ADDRESS",
    repeatable: true,
    summary: "send a prefix there, without a config; repeatable",
  },
  header: {
    name: "header",
    letter: "H",
    value: "'NAME: VALUE'",
    repeatable: true,
    summary: "a header of the request; repeatable",
  },
  json: {
    name: "json",
    summary: "print JSON",
  },
  help: {
    name: "help",
    letter: "h",
    summary: "print help",
  },
  version: {
    name: "version",
    summary: "print the version",
  },
} as const satisfies Record<string, OptionSpec>;

export type OptionName = keyof typeof OPTIONS;

/** Options that every command takes. */
export const COMMON_OPTIONS: readonly OptionName[] = ["help", "version"];

/** A command. */
export interface CommandSpec {
  /** One line. */
  readonly summary: string;
  /** What more there is to know, in lines of at most 76 columns. */
  readonly details: readonly string[];
  /** Names of its arguments, in order; `[NAME]` may be left out. */
  readonly arguments: readonly string[];
  readonly options: readonly OptionName[];
  readonly examples: readonly {
    readonly line: string;
    readonly says: string;
  }[];
}

/** Every command. `run` is the one that is meant when none is named. */
export const COMMANDS = {
  run: {
    summary: "start the proxy (this is what happens without a command)",
    details: [
      "The config is the file named by --config, else config.yaml in the working",
      "directory, else the one built in. Standard output is the access log; all",
      "else goes to standard error. SIGINT or SIGTERM ends it when the requests",
      "in flight are done; a second one ends it at once. SIGHUP reads the config",
      "again: requests in flight and open WebSockets go on, and a config with a",
      "problem changes nothing.",
    ],
    arguments: [],
    options: ["config", "listen", "logFormat", "watch", "dev", "to"],
    examples: [
      { line: "sameorigin", says: "run with config.yaml" },
      {
        line: "sameorigin run -c prod.yaml --log-format json",
        says: "another config, another log",
      },
      {
        line: "sameorigin --to /=localhost:5173 --to /api=localhost:8000",
        says: "run without a config",
      },
    ],
  },
  check: {
    summary: "check the config and name every problem in it",
    details: ["Nothing is started. The exit code is 2 if there is a problem."],
    arguments: [],
    options: ["config", "json"],
    examples: [
      { line: "sameorigin check", says: "check config.yaml" },
      {
        line: "sameorigin check -c - < new.yaml",
        says: "check what is piped in",
      },
      {
        line: "sameorigin check --json",
        says: "problems for an editor or a CI",
      },
    ],
  },
  explain: {
    summary: "show which location takes a request, and what is sent",
    details: [
      "Nothing is sent. The decision is made by the code that serves requests.",
      "URL is a whole one or only a path; it is taken as it is written.",
    ],
    arguments: ["METHOD", "URL"],
    options: ["config", "listen", "to", "header", "json"],
    examples: [
      { line: "sameorigin explain GET /api/rooms/", says: "by its path" },
      {
        line: "sameorigin explain POST http://localhost:9000/admin/login/",
        says: "with the host of the URL",
      },
      {
        line: "sameorigin explain GET /connection/websocket " +
          "-H 'Upgrade: websocket' -H 'Connection: Upgrade'",
        says: "a WebSocket",
      },
    ],
  },
  schema: {
    summary: "print the JSON Schema of config.yaml, for editors",
    details: [],
    arguments: [],
    options: [],
    examples: [
      {
        line: "sameorigin schema > config.schema.json",
        says: "keep it beside",
      },
    ],
  },
  init: {
    summary: "write a commented config.yaml to start from",
    details: [
      "A file that exists is never written over. Without the permission to",
      "write files, which the executable does not have, it is printed.",
    ],
    arguments: [],
    options: [],
    examples: [
      { line: "sameorigin init > config.yaml", says: "start a config" },
    ],
  },
  health: {
    summary: "ask the running proxy whether it is alive",
    details: [
      "It asks the first address that the config listens on, and waits at most",
      "3 seconds. The exit code is 0 if there is an answer, else 1. No upstream",
      "takes part: one that is down does not make the proxy unhealthy.",
    ],
    arguments: [],
    options: ["config", "listen"],
    examples: [
      { line: "sameorigin health", says: "as a container's health check" },
      { line: "sameorigin health --listen 9001", says: "on another port" },
    ],
  },
  reload: {
    summary: "let the running proxy read its config again",
    details: [
      "It asks the proxy on the first address that the config listens on; if that",
      "has just been changed, name the old one with --listen. The exit code is 0",
      "if the config is in effect, 2 if it has problems (then nothing changes),",
      "1 if no proxy with this very file answers. SIGHUP does the same.",
    ],
    arguments: [],
    options: ["config", "listen"],
    examples: [
      { line: "sameorigin reload", says: "after a change of config.yaml" },
      { line: "sameorigin reload --listen 9000", says: "listen was changed" },
    ],
  },
  version: {
    summary: "print the version",
    details: [],
    arguments: [],
    options: [],
    examples: [{ line: "sameorigin version", says: "also: --version" }],
  },
  help: {
    summary: "print help about a command",
    details: [],
    arguments: ["[COMMAND]"],
    options: [],
    examples: [{
      line: "sameorigin help explain",
      says: "also: explain --help",
    }],
  },
} as const satisfies Record<string, CommandSpec>;

export type CommandName = keyof typeof COMMANDS;

/** The entry of a command. */
export function commandSpec(name: CommandName): CommandSpec {
  return COMMANDS[name];
}

/** The entry of an option. */
export function optionSpec(name: OptionName): OptionSpec {
  return OPTIONS[name];
}

export const COMMAND_NAMES = Object.keys(COMMANDS) as CommandName[];

export const OPTION_NAMES = Object.keys(OPTIONS) as OptionName[];

/** Whether there is a command of this name. */
export function isCommand(word: string): word is CommandName {
  return Object.hasOwn(COMMANDS, word);
}
