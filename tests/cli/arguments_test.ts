/**
 * What command lines mean, and what is said about those that mean nothing.
 *
 * @module
 */
import assert from "node:assert/strict";
import { parseArguments, UsageError } from "../../lib/cli/arguments.ts";
import {
  COMMAND_NAMES,
  COMMANDS,
  OPTION_NAMES,
  OPTIONS,
} from "../../lib/cli/commands.ts";
import { help } from "../../lib/cli/help.ts";
import { command, keptTerminal } from "../support/terminal.ts";

const NOTHING = {
  config: undefined,
  listen: undefined,
  certificate: undefined,
  admin: undefined,
  logFormat: undefined,
  dev: false,
  watch: false,
  to: [],
  header: [],
  from: undefined,
  json: false,
  recorded: undefined,
  once: false,
};

Deno.test("without a command it is run that is meant", () => {
  assert.deepEqual(parseArguments([]), {
    command: "run",
    arguments: [],
    options: NOTHING,
  });
  assert.equal(parseArguments(["--listen", "9001"]).command, "run");
});

Deno.test("options stand before or behind the command, in either form", () => {
  const forms = [
    ["check", "-c", "a.yaml"],
    ["-c", "a.yaml", "check"],
    ["check", "--config", "a.yaml"],
    ["--config=a.yaml", "check"],
  ];
  for (const argv of forms) {
    assert.deepEqual(parseArguments(argv), {
      command: "check",
      arguments: [],
      options: { ...NOTHING, config: "a.yaml" },
    });
  }
});

Deno.test("options that may be repeated keep every value in order", () => {
  const { options } = parseArguments(
    ["explain", "GET", "/", "-H", "A: 1", "--to", "/=a:1", "-H", "B: 2=3"],
  );
  assert.deepEqual(options.header, ["A: 1", "B: 2=3"]);
  assert.deepEqual(options.to, ["/=a:1"]);
});

Deno.test("an argument that looks like a number stays as it is written", () => {
  const { arguments: words, options } = parseArguments(
    ["explain", "1e3", "0x10", "-c", "007"],
  );
  assert.deepEqual(words, ["1e3", "0x10"]);
  assert.equal(options.config, "007");
});

Deno.test("a dash is standard input, not an option", () => {
  assert.equal(parseArguments(["check", "-c", "-"]).options.config, "-");
  assert.equal(parseArguments(["check", "--config", "-"]).options.config, "-");
  assert.equal(parseArguments(["--config", "-"]).options.config, "-");
});

Deno.test("--help and --version win over what else is missing", () => {
  assert.equal(parseArguments(["--version"]).command, "version");
  assert.deepEqual(parseArguments(["explain", "-h"]).arguments, ["explain"]);
  assert.equal(parseArguments(["explain", "--help"]).command, "help");
  assert.deepEqual(parseArguments(["-h"]).arguments, []);
});

/** What is wrong, and what is said: the line, and the hint below it. */
const MISTAKES: [argv: string[], message: string, hint: string][] = [
  [
    ["--lissten", "1"],
    `there is no option "--lissten" (did you mean --listen?)`,
    "See: sameorigin help run",
  ],
  [
    ["check", "--confg=x"],
    `there is no option "--confg" (did you mean --config?)`,
    "See: sameorigin help check",
  ],
  [["-x"], `there is no option "-x"`, "See: sameorigin help run"],
  [
    ["-listen", "1"],
    `there is no option "-listen" (did you mean --listen?)`,
    "See: sameorigin help run",
  ],
  [
    ["chekc"],
    `there is no command "chekc" (did you mean "check"?)`,
    "See: sameorigin help",
  ],
  [
    ["prod.yaml"],
    `there is no command "prod.yaml"`,
    "Name a config with: sameorigin -c prod.yaml",
  ],
  [
    ["help", "runn"],
    `there is no command "runn" (did you mean "run"?)`,
    "See: sameorigin help",
  ],
  [["--listen"], "--listen needs a value", "Write it as: --listen ADDRESS"],
  [["--listen="], "--listen needs a value", "Write it as: --listen ADDRESS"],
  [["--listen", ""], "--listen needs a value", "Write it as: --listen ADDRESS"],
  [
    ["-c", "--dev"],
    "--config needs a value",
    "Write it as: --config FILE",
  ],
  [
    ["--listen", "1", "--listen", "2"],
    "--listen is given twice",
    "Give it once.",
  ],
  [
    ["--log-format", "jsn"],
    `--log-format can't be "jsn" (did you mean "json"?)`,
    "It is one of: combined, json, off.",
  ],
  [
    ["check", "--dev"],
    "check takes no option --dev",
    "It is for run. See: sameorigin help check",
  ],
  [["explain"], "explain needs METHOD", "See: sameorigin help explain"],
  [["explain", "GET"], "explain needs URL", "See: sameorigin help explain"],
  [
    ["schema", "more"],
    `schema takes no argument "more"`,
    "See: sameorigin help schema",
  ],
  [
    ["run", "--", "more"],
    `run takes no argument "more"`,
    "See: sameorigin help run",
  ],
  [
    ["-c", "a", "--to", "/=b:1"],
    "--to and --config can't be given together",
    "Write the location into the config, or omit --config.",
  ],
];

for (const [argv, message, hint] of MISTAKES) {
  Deno.test(`a mistake is named: ${JSON.stringify(argv)}`, () => {
    assert.throws(() => parseArguments(argv), (error) => {
      assert(error instanceof UsageError, String(error));
      assert.equal(error.message, message);
      assert.equal(error.hint, hint);
      return true;
    });
  });
}

Deno.test("a mistake is two lines on standard error and exit code 2", async () => {
  const { code, output, notes } = await command("chekc");
  assert.equal(code, 2);
  assert.equal(output, "");
  assert.equal(
    notes,
    `sameorigin: there is no command "chekc" (did you mean "check"?)\n` +
      "See: sameorigin help\n",
  );
});

Deno.test("every example in the help is a command line that makes sense", () => {
  for (const name of COMMAND_NAMES) {
    assert(COMMANDS[name].examples.length > 0, name);
    for (const { line } of COMMANDS[name].examples) {
      const [program, ...argv] = shellWords(line.replace(/ [<>].*/, ""));
      assert.equal(program, "sameorigin");
      assert.equal(parseArguments(argv).command, name, line);
    }
  }
});

Deno.test("help names every command, and of a command every option", async () => {
  const overview = await command("help");
  assert.equal(overview.code, 0);
  for (const name of COMMAND_NAMES) {
    assert.match(overview.output, new RegExp(`^  ${name}\\b`, "m"));
    const { code, output } = await command("help", name);
    assert.equal(code, 0);
    assert(output.startsWith(`${name}: ${COMMANDS[name].summary}\n`));
    for (const option of COMMANDS[name].options) {
      assert(output.includes(` --${OPTIONS[option].name}`), output);
    }
    assert.equal((await command(name, "--help")).output, output);
  }
});

Deno.test("help fits into 80 columns", () => {
  for (const about of [undefined, ...COMMAND_NAMES]) {
    const terminal = keptTerminal();
    help(about, terminal);
    const long = terminal.output.split("\n").filter((line) =>
      // An example is one line, whatever its length, to be copied.
      line.length > 80 && !line.startsWith("  sameorigin ")
    );
    assert.deepEqual(long, []);
  }
});

Deno.test("no two options share a name or a letter", () => {
  const names = OPTION_NAMES.flatMap((name) => {
    const spec: { name: string; letter?: string } = OPTIONS[name];
    return spec.letter === undefined ? [spec.name] : [spec.name, spec.letter];
  });
  assert.equal(new Set(names).size, names.length);
});

function shellWords(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)]
    .map(([, quoted, plain]) => quoted ?? plain ?? "");
}
