/**
 * `sameorigin top`: what the running proxy does now, in the terminal.
 *
 * @module
 */
import type { LiveState } from "../../admin/feed.ts";
import type { AdminPlan, Plan } from "../../config/plan.ts";
import type { Options } from "../arguments.ts";
import { FAILURE, OK } from "../exit_code.ts";
import { ask, nameOf, whyNot } from "../local_client.ts";
import { failure, type Terminal } from "../terminal.ts";
import { topText } from "./words.ts";
import { topView } from "./view.ts";

/** Milliseconds that the proxy has for an answer. */
const TIMEOUT = 3_000;

/** Milliseconds between two drawings. */
const INTERVAL = 1_000;

/** States that are kept: rates and percentiles are of so many seconds. */
const KEPT = 10;

/** The terminal's other screen, without a cursor (xterm's control sequences). */
const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H\x1b[J";

/** The proxy does not tell how it is; the message says why. */
class NoState extends Error {
  override readonly name = "NoState";
}

/** Draws each second until a signal ends it, or once. */
export async function top(
  plan: Plan,
  { once, json }: Pick<Options, "once" | "json">,
  terminal: Terminal,
): Promise<number> {
  const { admin } = plan;
  if (admin === null) {
    failure(terminal, `${plan.source} has no admin: the proxy can't be asked`);
    terminal.note("Start it with --admin 9001, and name that here as well.\n");
    return FAILURE;
  }
  try {
    if (once || json || !terminal.outputIsTerminal) {
      await printOnce(admin, json, terminal);
    } else {
      await draw(admin, terminal);
    }
    return OK;
  } catch (error) {
    if (!(error instanceof NoState)) throw error;
    failure(terminal, error.message);
    return FAILURE;
  }
}

/** What went on within a second. */
async function printOnce(
  admin: AdminPlan,
  json: boolean,
  terminal: Terminal,
): Promise<void> {
  const before = await stateOf(admin);
  await new Promise((done) => setTimeout(done, INTERVAL));
  const view = topView(before, await stateOf(admin));
  terminal.print(
    json
      ? JSON.stringify(view, null, 2) + "\n"
      : topText(view, terminal.outputStyle),
  );
}

async function draw(admin: AdminPlan, terminal: Terminal): Promise<void> {
  // Whatever is wrong at the start is said where it stays.
  const states = [await stateOf(admin)];
  const end = Promise.withResolvers<"end">();
  const stop = () => end.resolve("end");
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) Deno.addSignalListener(signal, stop);
  terminal.print(ENTER);
  try {
    for (let problem = "";;) {
      const [first] = states;
      const last = states.at(-1);
      if (first !== undefined && last !== undefined) {
        const text = topText(topView(first, last), terminal.outputStyle);
        terminal.print(HOME + fitting(`${text}\n${problem || "Ctrl-C ends"}`));
      }
      if (await Promise.race([end.promise, tick()]) === "end") return;
      try {
        const state = await stateOf(admin);
        // Another process, whose counters begin at 0.
        const restarted = state.process.startTime !== last?.process.startTime;
        if (restarted) states.length = 0;
        states.push(state);
        if (states.length > KEPT) states.shift();
        problem = "";
      } catch (error) {
        if (!(error instanceof NoState)) throw error;
        problem = terminal.outputStyle.bad(error.message);
      }
    }
  } finally {
    terminal.print(LEAVE);
    for (const signal of signals) Deno.removeSignalListener(signal, stop);
  }
}

function tick(): Promise<"tick"> {
  return new Promise((done) => setTimeout(() => done("tick"), INTERVAL));
}

/** As many lines as the terminal has: it would scroll. */
function fitting(text: string): string {
  const { rows } = Deno.consoleSize();
  const lines = text.split("\n");
  return lines.length <= rows
    ? text
    : [...lines.slice(0, rows - 2), lines.at(-1) ?? ""].join("\n");
}

/** @throws {NoState} */
async function stateOf(
  { address, token }: AdminPlan,
): Promise<LiveState> {
  const name = nameOf(address);
  const head = ["GET /state HTTP/1.1", "Accept: application/json"];
  if (token !== null) head.push(`Authorization: Bearer ${token}`);
  const answer = await ask(address, head, TIMEOUT).catch((error) => {
    throw new NoState(`${name} ${whyNot(error, TIMEOUT)}`);
  });
  const isJson = answer.headers.get("content-type")?.startsWith(
    "application/json",
  );
  if (answer.status === 401) {
    throw new NoState(`${name} wants another token than that of the config`);
  }
  if (answer.status !== 200 || isJson !== true) {
    throw new NoState(
      `${name} is no admin listener of this version (${answer.status})`,
    );
  }
  return JSON.parse(new TextDecoder().decode(answer.body));
}
