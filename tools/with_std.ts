/**
 * Runs a `deno` subcommand with @std from JSR, or where JSR can't be reached
 * with `tools/std/`, which offers the part of it that is used over npm:
 *
 *     deno run -A tools/with_std.ts test -A tests/
 *
 * `SAMEORIGIN_STD=jsr` or `=npm` in the environment decides it beforehand. With
 * `jsr`, which releases are made with, a JSR that can't be reached is an error.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import config from "../deno.json" with { type: "json" };

/** Where @std comes from. */
export type StdSource = "jsr" | "npm";

/** The modules of @std that are used, and what stands in for them. */
const STAND_INS = {
  "@std/cli/parse-args": "cli.ts",
  "@std/http/negotiation": "http_negotiation.ts",
  "@std/http/status": "http_status.ts",
  "@std/yaml/parse": "yaml.ts",
};

/** The longest wait for JSR, in milliseconds. */
const PATIENCE = 3_000;

/** How long JSR is left alone once it did not answer, in milliseconds. */
const MEMORY = 60 * 60 * 1_000;

/** What is noted between two starts; git ignores it. */
const CACHE = new URL("../.cache/", import.meta.url);

/** What the choice depends on. */
export interface Surroundings {
  /** `SAMEORIGIN_STD`. */
  forced: string | undefined;
  /** When JSR last failed to answer, in milliseconds of the epoch; null if never. */
  failedAt(): number | null;
  /** Whether @std is in Deno's cache: then no network is needed. */
  isCached(): Promise<boolean>;
  /** Whether JSR answers, after {@linkcode PATIENCE} at most. */
  answers(): Promise<boolean>;
  /** Notes that JSR does not answer. */
  remember(): void;
}

/**
 * Decides where @std comes from, at the least cost that is possible.
 *
 * @throws {Error} for a `SAMEORIGIN_STD` that is neither `jsr` nor `npm`.
 */
export async function chooseStd(around: Surroundings): Promise<StdSource> {
  const { forced } = around;
  if (forced === "jsr" || forced === "npm") return forced;
  // A release with a misspelt one must not fall back.
  if (forced) throw new Error(`SAMEORIGIN_STD is "${forced}": jsr or npm`);
  // On a network that swallows packets the wait must not come at each start.
  const failedAt = around.failedAt();
  if (failedAt !== null && Math.abs(Date.now() - failedAt) < MEMORY) {
    return "npm";
  }
  if (await around.isCached() || await around.answers()) return "jsr";
  around.remember();
  return "npm";
}

/**
 * Decides it for this process and what it starts. Where it falls back, one line
 * on stderr says so.
 *
 * @throws What {@linkcode chooseStd} throws.
 */
export async function stdSource(): Promise<StdSource> {
  const around = here();
  const source = await chooseStd(around);
  if (source !== around.forced && source === "npm") {
    console.error(
      "JSR can't be reached: using tools/std/ instead of @std for now.",
    );
  }
  // What is started from here, tests above all, inherits the choice.
  Deno.env.set("SAMEORIGIN_STD", source);
  return source;
}

/**
 * The entries of an import map for @std.
 *
 * @param folder The address of `tools/std/`, as the map is to have it.
 */
export function stdImports(
  source: StdSource,
  folder: string,
): Record<string, string> {
  const imports: Record<string, string> = {};
  for (const [name, file] of Object.entries(STAND_INS)) {
    imports[name] = source === "npm" ? folder + file : jsrAddress(name);
  }
  return imports;
}

/** `jsr:@std/yaml@^1/parse` for `@std/yaml/parse`. */
function jsrAddress(name: string): string {
  for (const [key, target] of Object.entries(config.imports)) {
    if (name.startsWith(`${key}/`)) return target + name.slice(key.length);
  }
  throw new Error(`deno.json does not import ${name}`);
}

/**
 * The arguments for `deno` that run a subcommand with @std.
 *
 * @param subcommand Of those that take an import map: `run`, `test`, `check`,
 * `bench` … For `compile` there is `compile.ts`.
 * @param args What follows it.
 * @throws What {@linkcode chooseStd} throws.
 */
export async function denoArguments(
  subcommand: string,
  args: readonly string[],
): Promise<string[]> {
  return await stdSource() === "jsr"
    ? [subcommand, ...args]
    : [subcommand, `--import-map=${standInMap()}`, ...args];
}

/** `deno.json`'s imports with the stand-ins in place of @std. */
function standInMap(): string {
  const imports: Record<string, string> = {};
  for (const [name, target] of Object.entries(config.imports)) {
    if (!name.startsWith("@std/")) imports[name] = target;
  }
  Object.assign(
    imports,
    stdImports("npm", new URL("std/", import.meta.url).href),
  );
  const json = JSON.stringify({ imports });
  return `data:application/json,${encodeURIComponent(json)}`;
}

/** This machine, this network. */
function here(): Surroundings {
  const failure = new URL("jsr_unreachable", CACHE);
  return {
    forced: Deno.env.get("SAMEORIGIN_STD"),
    failedAt: () => {
      try {
        return Deno.statSync(failure).mtime?.getTime() ?? null;
      } catch {
        return null;
      }
    },
    isCached: async () => {
      const imports = Object.keys(STAND_INS).map((name) => `import "${name}";`);
      const deno = new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "--cached-only",
          "--quiet",
          `--config=${fileURLToPath(new URL("../deno.json", import.meta.url))}`,
          `data:text/javascript,${encodeURIComponent(imports.join(""))}`,
        ],
        stdin: "null",
        stdout: "null",
        stderr: "null",
      });
      return (await deno.output()).success;
    },
    answers: async () => {
      const registry = Deno.env.get("JSR_URL") ?? "https://jsr.io";
      try {
        const response = await fetch(new URL("/@std/cli/meta.json", registry), {
          signal: AbortSignal.timeout(PATIENCE),
        });
        await response.body?.cancel();
        return response.ok;
      } catch {
        return false;
      }
    },
    remember: () => {
      try {
        Deno.mkdirSync(CACHE, { recursive: true });
        Deno.writeTextFileSync(failure, "");
      } catch {
        // A read-only checkout: the next start asks again.
      }
    },
  };
}

/** Runs `deno` with these arguments in this process's place; the exit code. */
export async function runDeno(args: readonly string[]): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), { args: [...args] }).spawn();
  const signals: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"];
  const listeners = signals.map((signal) => {
    const listener = () => {
      if (Deno.build.os === "windows") return;
      // A terminal sends it to every process of the group, the child included.
      if (signal === "SIGINT" && Deno.stdin.isTerminal()) return;
      try {
        child.kill(signal);
      } catch {
        // It has just ended.
      }
    };
    Deno.addSignalListener(signal, listener);
    return () => Deno.removeSignalListener(signal, listener);
  });
  const { code } = await child.status;
  for (const remove of listeners) remove();
  return code;
}

if (import.meta.main) {
  const [subcommand, ...args] = Deno.args;
  if (subcommand === undefined) {
    console.error(
      "usage: deno run -A tools/with_std.ts SUBCOMMAND [ARGUMENT]…",
    );
    Deno.exit(2);
  }
  try {
    Deno.exit(await runDeno(await denoArguments(subcommand, args)));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(2);
  }
}
