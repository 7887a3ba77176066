/**
 * `deno task stack`: the chat of `examples/chat` with all that it is made of
 * (Django, Vite, Centrifugo) behind sameorigin, without containers:
 *
 *     deno task stack
 *     deno task stack --port 9001
 *     deno task stack --preview         the built frontend, not Vite's server
 *     deno task stack --config my.yaml
 *     deno task stack --prepare         only installs and builds, once
 *
 * @module
 */
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { onStopSignal } from "../lib/cli/signals.ts";
import {
  columns,
  style,
  systemTerminal,
  type Terminal,
} from "../lib/cli/terminal.ts";
import { tryLock } from "./stack/lock.ts";
import { CACHE } from "./stack/places.ts";
import { isFree } from "./stack/ports.ts";
import { prepare } from "./stack/prepare.ts";
import { MissingTools } from "./stack/programs.ts";
import { ProgressLines } from "./stack/progress.ts";
import { PartFailed } from "./stack/running_part.ts";
import { CommandFailed } from "./stack/run_to_end.ts";
import { type Stack, startStack } from "./stack/start_stack.ts";

const USAGE =
  `usage: deno task stack [--port PORT] [--preview] [--config FILE] [--data DIR]
       deno task stack --prepare

  --port PORT    where the proxy listens on 127.0.0.1; 9000 if not given
  --preview      the frontend as it is built, in place of Vite's server
  --config FILE  sameorigin's config; examples/chat/sameorigin/config.yaml if not given
  --data DIR     where database and logs are kept; .cache/stack/data if not given
  --prepare      installs and builds what is missing, and starts nothing
`;

/** What the command line asks for. */
interface Wishes {
  /** Null if none was given. */
  readonly port: number | null;
  readonly preview: boolean;
  readonly config: string | null;
  readonly data: string | null;
  readonly prepare: boolean;
}

/** A command line that can't be understood. */
class UsageError extends Error {
  override readonly name = "UsageError";
}

/** As of a shell whose command was ended by Ctrl-C: nothing was started. */
const INTERRUPTED = 130;

async function main(args: readonly string[]): Promise<number> {
  const terminal = systemTerminal();
  if (args.includes("--help") || args.includes("-h")) {
    terminal.print(USAGE);
    return 0;
  }
  const stop = new AbortController();
  const stopped = Promise.withResolvers<void>();
  onStopSignal(() => {
    stop.abort();
    stopped.resolve();
  });
  try {
    const wishes = wishesIn(args);
    const progress = new ProgressLines({
      write: terminal.note,
      style: terminal.noteStyle,
      width: lineWidth(),
    });
    if (wishes.prepare) {
      await prepare(true, progress, stop.signal);
      progress.note("all that the stack is made of is there");
      return 0;
    }
    await using stack = await start(wishes, progress, stop.signal);
    terminal.note(describe(stack, terminal));
    await Promise.race([stopped.promise, stack.failed]);
    terminal.note("\n  stopping all parts\n");
    return 0;
  } catch (error) {
    if (stop.signal.aborted) return INTERRUPTED;
    if (!isForPeople(error)) throw error;
    terminal.note(`${terminal.noteStyle.bad("stack:")} ${error.message}\n`);
    if (!(error instanceof UsageError)) return 1;
    terminal.note(`\n${USAGE}`);
    return 2;
  }
}

/** Whether its message says all there is to say. */
function isForPeople(error: unknown): error is Error {
  return [MissingTools, CommandFailed, PartFailed, UsageError]
    .some((kind) => error instanceof kind);
}

/** @throws {UsageError} */
function wishesIn(args: readonly string[]): Wishes {
  const options = parse(args);
  const port = options.port === undefined ? null : Number(options.port);
  if (port !== null && !(Number.isInteger(port) && 0 <= port && port < 65536)) {
    throw new UsageError(`--port ${options.port}: must be from 0 to 65535`);
  }
  return {
    port,
    preview: options.preview ?? false,
    config: options.config === undefined ? null : resolve(options.config),
    data: options.data === undefined ? null : resolve(options.data),
    prepare: options.prepare ?? false,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        port: { type: "string" },
        preview: { type: "boolean" },
        config: { type: "string", short: "c" },
        data: { type: "string" },
        prepare: { type: "boolean" },
      },
    }).values;
  } catch (error) {
    throw new UsageError(
      error instanceof Error ? error.message : String(error),
    );
  }
}

async function start(
  { port, preview, config, data }: Wishes,
  progress: ProgressLines,
  signal: AbortSignal,
): Promise<Stack> {
  const wanted = port ?? 9000;
  const free = wanted === 0 || isFree(wanted);
  if (!free) progress.note(`port ${wanted} is taken: choosing another`);
  return await startStack({
    frontend: preview ? "preview" : "dev",
    editInPlace: true,
    port: free ? wanted : 0,
    proxyArgs: ["--dev"],
    report: progress,
    signal,
    ...(config === null ? {} : { config: { path: config } }),
    ...data === null ? await ownFolder(progress) : { folder: data },
  });
}

/** The data of the last run, unless another run has it. */
async function ownFolder(
  progress: ProgressLines,
): Promise<{ folder?: string }> {
  const folder = join(CACHE, "data");
  // Given back when this process ends.
  if (await tryLock("data", CACHE) !== null) return { folder };
  progress.note("another run has the data of earlier runs: starting without");
  return {};
}

/** How long a line may be that is written over; null where that can't be done. */
function lineWidth(): number | null {
  if (!Deno.stderr.isTerminal() || Deno.env.get("TERM") === "dumb") return null;
  return Deno.consoleSize().columns;
}

/** Where it is, who may log in, and what runs where. */
function describe(stack: Stack, { noteStyle }: Terminal): string {
  const { strong, faint, link } = noteStyle;
  const logins = Object.values(stack.users).map(({ username, password }) =>
    username === "admin"
      ? [username, password, `and ${stack.origin}/admin/`]
      : [username, password]
  );
  const { kind, from } = stack.centrifugo;
  const centrifugo = kind === "centrifugo"
    ? `Centrifugo (${from})`
    : `a stand-in for Centrifugo (${from})`;
  const parts = [
    ["backend", stack.addresses.backend, "Django"],
    ["frontend", stack.addresses.frontend, "Vite"],
    ["centrifugo", stack.addresses.centrifugo, centrifugo],
  ];
  const same = style(false).strong;
  return [
    "",
    `  ${link(stack.origin)}`,
    "",
    columns(logins, [strong, same, faint]),
    columns(parts, [strong, same, faint]) +
    faint(`  logs in ${relative(Deno.cwd(), join(stack.folder, "logs"))}`),
    "",
    "  Ctrl-C stops all.",
    "",
  ].join("\n");
}

if (import.meta.main) Deno.exit(await main(Deno.args));
