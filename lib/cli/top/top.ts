/**
 * `sameorigin top`: what the running proxy does now, in the terminal.
 *
 * @module
 */
import type { LiveState } from "../../admin/feed.ts";
import type { AdminPlan, Plan } from "../../config/plan.ts";
import type { Options } from "../arguments.ts";
import { FAILURE, OK } from "../exit_code.ts";
import { adminOf, askAdmin, NoAnswer } from "../ask_admin.ts";
import { failure, type Terminal } from "../terminal.ts";
import { topText } from "./words.ts";
import { topView } from "./view.ts";

/** Milliseconds between two drawings. */
const INTERVAL = 1_000;

/** States that are kept: rates and percentiles are of so many seconds. */
const KEPT = 10;

/** The terminal's other screen, without a cursor (xterm's control sequences). */
const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H\x1b[J";

/** Draws each second until a signal ends it, or once. */
export async function top(
  plan: Plan,
  { once, json }: Pick<Options, "once" | "json">,
  terminal: Terminal,
): Promise<number> {
  const admin = adminOf(plan, terminal);
  if (admin === null) return FAILURE;
  try {
    if (once || json || !terminal.outputIsTerminal) {
      await printOnce(admin, json, terminal);
    } else {
      await draw(admin, terminal);
    }
    return OK;
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
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
        if (!(error instanceof NoAnswer)) throw error;
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

/** @throws {NoAnswer} */
async function stateOf(admin: AdminPlan): Promise<LiveState> {
  return await askAdmin(admin, "/state", "process") as LiveState;
}
