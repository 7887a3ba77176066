/**
 * The table of the commands and their options: the command line is parsed by it,
 * and the help is printed from it.
 *
 * @module
 */
import { SMALL_COMMANDS, TOP } from "./small_commands.ts";

/** An option. */
export interface OptionSpec {
  /** Without the dashes. */
  readonly name: string;
  /** The letter of its short form. */
  readonly letter?: string;
  /** The name of its value; an option without one is a flag. */
  readonly value?: string;
  /** The valid values, if they are few. */
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
  certificate: {
    name: "certificate",
    value: "FILE",
    summary: 'PEM, the key too, for --listen "9000 ssl"',
  },
  admin: {
    name: "admin",
    value: "ADDRESS",
    summary: "serve metrics and health here: 9001",
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
    summary: "reload the config when its file changes",
  },
  to: {
    name: "to",
    value: "PREFIX=ADDRESS",
    repeatable: true,
    summary: "proxy a prefix there, without a config; repeatable",
  },
  header: {
    name: "header",
    letter: "H",
    value: "'NAME: VALUE'",
    repeatable: true,
    summary: "a header of the request; repeatable",
  },
  from: {
    name: "from",
    value: "ADDRESS",
    summary: "the client's address (127.0.0.1)",
  },
  recorded: {
    name: "recorded",
    value: "ID",
    summary: "a request of the live page, not METHOD and URL",
  },
  once: {
    name: "once",
    summary: "print once, of one second",
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
interface CommandSpec {
  /** One line. */
  readonly summary: string;
  /** More about it, in lines of at most 76 columns. */
  readonly details: readonly string[];
  /** Names of its arguments, in order; `[NAME]` may be left out. */
  readonly arguments: readonly string[];
  readonly options: readonly OptionName[];
  readonly examples: readonly {
    readonly line: string;
    readonly says: string;
  }[];
}

/** Every command. `run` is the default. */
export const COMMANDS = {
  run: {
    summary: "start the proxy (the default command)",
    details: [
      "The config is the file named by --config, else config.yaml in the working",
      "directory, else the built-in one. Standard output is the access log; all",
      "other messages go to standard error. SIGINT or SIGTERM ends the proxy when",
      "the requests in flight are done; a second signal ends it at once. SIGHUP",
      "reloads the config: requests in flight and open WebSockets go on, and a",
      "config with a problem changes nothing.",
    ],
    arguments: [],
    options: [
      "config",
      "listen",
      "certificate",
      "admin",
      "logFormat",
      "watch",
      "dev",
      "to",
    ],
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
    summary: "check the config and print every problem in it",
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
        says: "problems as JSON, for an editor or a CI",
      },
    ],
  },
  explain: {
    summary: "show which location takes a request, and what is sent",
    details: [
      "Nothing is sent. The decision is made by the code that serves requests.",
      "URL is a whole URL or a path; it is not normalised.",
      "With --recorded the request is one that the live page shows: what the config",
      "would do with it is printed beside what the proxy did. The proxy is asked on",
      "the config's admin, and knows requests only while the page is open.",
    ],
    arguments: ["METHOD", "URL"],
    options: [
      "config",
      "listen",
      "admin",
      "to",
      "header",
      "from",
      "recorded",
      "json",
    ],
    examples: [
      { line: "sameorigin explain GET /api/rooms/", says: "by its path" },
      {
        line: "sameorigin explain POST http://localhost:9000/admin/login/",
        says: "with the host of the URL",
      },
      {
        line: "sameorigin explain GET ws://localhost:9000/connection/websocket",
        says: "a WebSocket",
      },
      {
        line: "sameorigin explain GET /admin/ --from 192.0.2.1",
        says: "by its client's address",
      },
      {
        line: "sameorigin explain --recorded ID -c proposed.yaml",
        says: "a request that was, by another config",
      },
    ],
  },
  doctor: {
    summary: "look at the running stack, and say what is wrong in it",
    details: [
      "The proxy and its upstreams are asked as a browser would ask them: pages,",
      "redirects, cookies, scripts, WebSockets. Each finding says what was seen and",
      "what to do. URL is where browsers open the stack; without, it is the first",
      "address that the config listens on. No cookie and no password is sent, and",
      "no redirect is followed out of the origin. The exit code is 0 if nothing is",
      "wrong, else 1.",
    ],
    arguments: ["[URL]"],
    options: ["config", "listen", "to", "json"],
    examples: [
      { line: "sameorigin doctor", says: "the stack of config.yaml" },
      {
        line: "sameorigin doctor https://app.example.com/login",
        says: "as published, from the page that sets the cookies",
      },
      { line: "sameorigin doctor --json", says: "for a CI" },
    ],
  },
  health: {
    summary: "check that the running proxy answers",
    details: [
      "The exit code is 0 if it answers within 3 seconds, else 1. With --listen it",
      "is asked on that address, and no file is read. Without, the address is the",
      "first listen of the config; a config that can't be used does not make the",
      "proxy unhealthy. Nor does an upstream that is down: none is asked.",
    ],
    arguments: [],
    options: ["config", "listen"],
    examples: [
      {
        line: "sameorigin health --listen 9000",
        says: "as a container's health check",
      },
      { line: "sameorigin health", says: "on the address in config.yaml" },
    ],
  },
  reload: {
    summary: "reload the config of the running proxy",
    details: [
      "The proxy is asked on the first address that the config listens on; if that",
      "has changed, name the old one with --listen. The exit code is 0 if the",
      "config is in effect, 2 if it has problems (then nothing changes), 1 if no",
      "proxy that runs with this file answers. SIGHUP does the same.",
    ],
    arguments: [],
    options: ["config", "listen"],
    examples: [
      { line: "sameorigin reload", says: "after a change of config.yaml" },
      {
        line: "sameorigin reload --listen 9000",
        says: "after a change of listen",
      },
    ],
  },
  top: TOP,
  ...SMALL_COMMANDS,
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
