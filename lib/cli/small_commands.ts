/**
 * The part of the table of commands that is about those which only print
 * something: no proxy is run, and none is changed.
 *
 * @module
 */

/** For `COMMANDS`, too. */
export const TOP = {
  summary: "show what the running proxy does now",
  details: [
    "Requests, latency and errors by location, and each server of an upstream,",
    "from the admin listener of the config, or that of --admin. Drawn each second",
    "until Ctrl-C, over the last 10 seconds; printed once where the output is no",
    "terminal. A token is read from the config.",
  ],
  arguments: [],
  options: ["config", "admin", "once", "json"],
  examples: [
    { line: "sameorigin top", says: "by the admin of config.yaml" },
    {
      line: "sameorigin top --admin 9001",
      says: "of a proxy without a config",
    },
    { line: "sameorigin top --json", says: "one second of it, for a script" },
  ],
} as const;

/** For `COMMANDS`, which has the type. */
export const SMALL_COMMANDS = {
  schema: {
    summary: "print the JSON Schema of config.yaml, for editors",
    details: [],
    arguments: [],
    options: [],
    examples: [
      {
        line: "sameorigin schema > config.schema.json",
        says: "save it beside the config",
      },
    ],
  },
  init: {
    summary: "write a commented config.yaml to start from",
    details: [
      "An existing file is never overwritten. Without the permission to write",
      "files, which the executable does not have, the config is printed.",
    ],
    arguments: [],
    options: [],
    examples: [
      { line: "sameorigin init > config.yaml", says: "start a config" },
    ],
  },
  completion: {
    summary: "print a script that completes commands in a shell",
    details: ["SHELL is bash, zsh or fish. Load it where the shell starts."],
    arguments: ["SHELL"],
    options: [],
    examples: [
      {
        line: "sameorigin completion bash > ~/.sameorigin.bash",
        says: "save it; ~/.bashrc sources it",
      },
      {
        line:
          "sameorigin completion fish > ~/.config/fish/completions/sameorigin.fish",
        says: "fish finds it there",
      },
    ],
  },
  man: {
    summary: "print the manual page",
    details: [],
    arguments: [],
    options: [],
    examples: [
      {
        line: "sameorigin man > sameorigin.1",
        says: "save it; man ./sameorigin.1 shows it",
      },
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
} as const;
