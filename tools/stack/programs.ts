/**
 * The tools that the stack needs on the machine, and their versions.
 *
 * @module
 */

/** A tool that is missing or too old. */
export interface Lack {
  /** Its name: `python3`. */
  readonly tool: string;
  /** What would do: `3.10 or newer`. */
  readonly wanted: string;
  /** What is there instead: `not found`, `3.8.10`. */
  readonly found: string;
  /** How to get it. */
  readonly get: string;
}

/** What a look for a tool came to: the program's name, or what is lacking. */
export type Finding = { readonly program: string } | { readonly lack: Lack };

/** Tools that are missing, all of them at once. */
export class MissingTools extends Error {
  override readonly name = "MissingTools";

  constructor(readonly lacks: readonly Lack[]) {
    const lines = lacks.map(({ tool, wanted, found, get }) =>
      `  ${tool} (${wanted}): ${found}\n    ${get}`
    );
    const what = lacks.length === 1 ? "a tool" : "tools";
    super(
      `the stack needs ${what} that this machine lacks:\n${lines.join("\n")}`,
    );
  }
}

/** What a program says when it is run; null where there is none. */
export type Ask = (
  program: string,
  args: readonly string[],
) => Promise<string | null>;

/** Names under which a Python may be installed, the usual first. */
const PYTHONS = [
  "python3",
  "python",
  "python3.14",
  "python3.13",
  "python3.12",
  "python3.11",
  "python3.10",
];

/** Debian splits off what makes an environment: it must be asked for. */
const PYTHON_QUESTION = "import sys; print(sys.version.split()[0]); " +
  "import venv, ensurepip; print('with venv')";

/** The first Python 3.10 or newer that can make a virtual environment. */
export async function findPython(ask: Ask = askProgram): Promise<Finding> {
  let found: Lack | null = null;
  for (const program of PYTHONS) {
    const words = await ask(program, ["-c", PYTHON_QUESTION]);
    const version = words === null ? null : versionIn(words);
    if (words === null || version === null) continue;
    const recent = atLeast(version, [3, 10]);
    if (recent && words.includes("with venv")) return { program };
    const lack = recent
      ? {
        tool: "python3's venv module",
        wanted: "with ensurepip",
        found: `not in ${program} ${version.join(".")}`,
        get: `Debian: apt install python${version[0]}.${version[1]}-venv`,
      }
      : python(`found ${version.join(".")}`);
    if (found === null || recent) found = lack;
  }
  return { lack: found ?? python("not found") };
}

function python(found: string): Lack {
  return {
    tool: "python3",
    wanted: "3.10 or newer",
    found,
    get: "https://www.python.org/downloads/, " +
      "Debian: apt install python3 python3-venv",
  };
}

/**
 * A Node that Vite runs on. Where there is none, Deno puts itself into `PATH`
 * as `node`.
 */
export function findNode(ask: Ask = askProgram): Promise<Finding> {
  return find(
    async (program, args) => {
      const words = await ask(program, args);
      return words?.startsWith("deno ") ? null : words;
    },
    ["node", "--version"],
    "20.19, or 22.12 or newer",
    (version) =>
      version[0] === 20
        ? atLeast(version, [20, 19])
        : atLeast(version, [22, 12]),
    NODE,
  );
}

/** npm, which comes with Node. */
export function findNpm(ask: Ask = askProgram): Promise<Finding> {
  return find(
    ask,
    ["npm", "--version"],
    "7 or newer",
    (version) => atLeast(version, [7]),
    NODE,
  );
}

/** Go 1.21 or newer: from then on it fetches the version that a module needs. */
export function findGo(ask: Ask = askProgram): Promise<Finding> {
  return find(
    ask,
    ["go", "version"],
    "1.21 or newer",
    (version) => atLeast(version, [1, 21]),
    GO,
  );
}

const NODE = "https://nodejs.org/en/download, Debian: apt install nodejs npm";
const GO = "https://go.dev/dl/, Debian: apt install golang; " +
  "or name a Centrifugo v6 in CENTRIFUGO_BIN";

async function find(
  ask: Ask,
  [program, ...args]: readonly [string, ...string[]],
  wanted: string,
  suits: (version: readonly number[]) => boolean,
  get: string,
): Promise<Finding> {
  const words = await ask(program, args);
  const version = words === null ? null : versionIn(words);
  if (version !== null && suits(version)) return { program };
  const found = words === null
    ? "not found"
    : version === null
    ? "found, but it does not say its version"
    : `found ${version.join(".")}`;
  return { lack: { tool: program, wanted, found, get } };
}

/** The first version number in a text: `go version go1.26.8 linux/amd64`. */
export function versionIn(words: string): number[] | null {
  const [version] = /\d+(\.\d+)+/.exec(words) ?? [];
  return version?.split(".").map(Number) ?? null;
}

/** Whether a version is the least that will do, or newer. */
export function atLeast(
  version: readonly number[],
  least: readonly number[],
): boolean {
  for (const [i, number] of least.entries()) {
    const difference = (version[i] ?? 0) - number;
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** Runs a program of this machine. */
export async function askProgram(
  program: string,
  args: readonly string[],
): Promise<string | null> {
  try {
    const { stdout } = await new Deno.Command(program, {
      args: [...args],
      stdin: "null",
      stderr: "null",
    }).output();
    return new TextDecoder().decode(stdout);
  } catch (error) {
    // Another user's program in PATH can't be run either.
    if (
      error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.PermissionDenied
    ) return null;
    throw error;
  }
}
