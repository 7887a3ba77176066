/**
 * `completion` in real shells, and `man` by real readers of manual pages.
 *
 * @module
 */
import { stripVTControlCharacters } from "node:util";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import {
  COMMAND_NAMES,
  commandSpec,
  OPTION_NAMES,
  optionSpec,
} from "../../lib/cli/commands.ts";
import type { Shell } from "../../lib/cli/completion/words.ts";
import { findProgram, testNeeding } from "../support/skip.ts";
import { command } from "../support/terminal.ts";

/** Runs a program to its end; what it has printed. */
async function outputOf(
  program: string,
  args: readonly string[],
  cwd?: string,
): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(
    findProgram(program) ?? program,
    { args: [...args], ...(cwd === undefined ? {} : { cwd }) },
  ).output();
  const decoder = new TextDecoder();
  assert.equal(decoder.decode(stderr), "", program);
  assert.equal(code, 0, program);
  return decoder.decode(stdout);
}

/** What a shell offers for a line; the cursor is at its end. */
type Complete = (script: string, line: string, cwd: string) => Promise<string>;

const BASH = `
source "$1"
words=$2
# As COMP_WORDBREAKS has it.
read -ra COMP_WORDS <<< "\${words//=/ = }"
[[ $words == *[[:space:]=] ]] && COMP_WORDS+=("")
COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
_sameorigin
printf '%s\\n' "\${COMPREPLY[@]}"
`;

const ZSH = fileURLToPath(new URL("complete.zsh", import.meta.url));

const SHELLS: Readonly<Record<Shell, Complete>> = {
  bash: (script, line, cwd) =>
    outputOf("bash", ["--norc", "-c", BASH, "bash", script, line], cwd),
  zsh: (script, line, cwd) => outputOf("zsh", ["-f", ZSH, script, line], cwd),
  fish: (script, line, cwd) =>
    outputOf("fish", [
      "--no-config",
      "-c",
      'source $argv[1]; complete -C "$argv[2]"',
      script,
      line,
    ], cwd),
};

/** A line, and the words that are offered. */
const CASES: readonly (readonly [string, readonly string[]])[] = [
  ["sameorigin ch", ["check"]],
  ["sameorigin do", ["doctor"]],
  ["sameorigin check --", ["--config", "--help", "--json", "--version"]],
  ["sameorigin --w", ["--watch"]],
  ["sameorigin run --de", ["--dev"]],
  ["sameorigin --log-format ", ["combined", "json", "off"]],
  ["sameorigin run --log-format j", ["json"]],
  ["sameorigin explain P", ["PATCH", "POST", "PUT"]],
  ["sameorigin explain GET ", []],
  ["sameorigin explain --rec", ["--recorded"]],
  ["sameorigin explain --recorded ", []],
  ["sameorigin help re", ["reload"]],
  ["sameorigin completion ", ["bash", "fish", "zsh"]],
  ["sameorigin doctor -c pr", ["prod.yaml"]],
  ["sameorigin doctor --config pr", ["prod.yaml"]],
  ["sameorigin --config prod.yaml ch", ["check"]],
  ["sameorigin check --config prod.yaml --j", ["--json"]],
  ["sameorigin schema --c", []],
];

for (const shell of ["bash", "zsh", "fish"] as const) {
  testNeeding(
    [shell],
    `${shell} completes commands, options and their values`,
    async () => {
      const folder = await Deno.makeTempDir();
      try {
        const script = `${folder}/completion`;
        const { code, output } = await command("completion", shell);
        assert.equal(code, 0);
        await Deno.writeTextFile(script, output);
        await Deno.writeTextFile(`${folder}/prod.yaml`, "");
        for (const [line, words] of CASES) {
          const offered = (await SHELLS[shell](script, line, folder))
            // fish tells what each word is, behind a tab.
            .split(/\r?\n/).map((word) => word.replace(/\t.*/, "").trim())
            .filter((word) => word !== "");
          assert.deepEqual([...new Set(offered)].toSorted(), words, line);
        }
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  );
}

testNeeding(["bash"], "bash completes a value behind =, too", async () => {
  const script = await Deno.makeTempFile();
  try {
    const { output } = await command("completion", "bash");
    await Deno.writeTextFile(script, output);
    const line = "sameorigin --log-format=j";
    assert.equal(await SHELLS.bash(script, line, "/"), "json\n");
  } finally {
    await Deno.remove(script);
  }
});

Deno.test("a shell that there is no completion for is a mistake", async () => {
  const { code, output, notes } = await command("completion", "bsh");
  assert.equal(code, 2);
  assert.equal(output, "");
  assert.match(notes, /no completion for "bsh" \(did you mean "bash"\?\)/);
  assert.match(notes, /It is one of: bash, zsh, fish\./);
});

Deno.test("every command and every option is in each script and in the manual", async () => {
  const { output: page } = await command("man");
  // The dashes of a manual page are escaped.
  const manual = page.replaceAll("\\-", "-");
  for (const name of COMMAND_NAMES) {
    assert.ok(manual.includes(`\\fB${name}\\fR`), name);
    const { summary } = commandSpec(name);
    assert.ok(manual.includes(summary.slice(1)), name);
  }
  for (const name of OPTION_NAMES.map((it) => optionSpec(it).name)) {
    assert.ok(manual.includes(`--${name}`), name);
  }
  for (const shell of ["bash", "zsh", "fish"]) {
    const { output } = await command("completion", shell);
    for (const name of COMMAND_NAMES) assert.ok(output.includes(name), name);
    for (const name of OPTION_NAMES.map((it) => optionSpec(it).name)) {
      const flag = shell === "fish" ? `-l ${name} ` : `--${name}`;
      assert.ok(output.includes(flag), `${shell}: ${name}`);
    }
  }
});

/** Writes the manual page and lets a program read it. */
async function withManual(read: (path: string) => Promise<void>) {
  const path = await Deno.makeTempFile({ suffix: ".1" });
  try {
    await Deno.writeTextFile(path, (await command("man")).output);
    await read(path);
  } finally {
    await Deno.remove(path);
  }
}

testNeeding(
  ["groff"],
  "groff has nothing against the manual page",
  async () => {
    await withManual(async (path) => {
      // What it has against a page stands on standard error, which is empty.
      const printed = await outputOf("groff", ["-man", "-Tascii", "-ww", path]);
      // Bold is written twice, or by an escape.
      const text = stripVTControlCharacters(printed).replace(/.[\b]/g, "");
      assert.match(text, /SYNOPSIS/);
      assert.match(text, /COMMAND/);
    });
  },
);

testNeeding(["mandoc"], "mandoc has nothing against it either", async () => {
  await withManual(async (path) => {
    const lint = await outputOf("mandoc", ["-T", "lint", "-W", "error", path]);
    assert.equal(lint, "");
  });
});
