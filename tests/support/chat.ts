/**
 * Tests that use the chat of `examples/chat` in a real browser.
 *
 * @module
 */
import { PARTS } from "../../tools/stack/parts.ts";
import { tail } from "../../tools/stack/run_to_end.ts";
import type { StackOptions } from "../../tools/stack/options.ts";
import { type Stack, startStack } from "../../tools/stack/start_stack.ts";
import { CHROMIUM } from "./browser.ts";
import { findProgram, testUnless } from "./skip.ts";
import { testReport, whyNoStack } from "./stack.ts";

/** Does a part of a test; throws if it fails, for the next parts build on it. */
export type Step = (name: string, fn: () => Promise<void>) => Promise<void>;

/** Declares a test, of steps, that needs the whole stack and a browser. */
export async function testChat(
  name: string,
  fn: (step: Step) => Promise<void>,
): Promise<void> {
  const lacks = [
    await whyNoStack(true),
    findProgram(CHROMIUM) === undefined
      ? `${CHROMIUM.replaceAll("|", " or ")} not installed`
      : null,
  ].filter((lack) => lack !== null);
  testUnless(
    lacks.length === 0 ? null : lacks.join(", "),
    name,
    (context) =>
      fn(async (name, fn) => {
        if (!await context.step(name, fn)) throw new Error(`failed: ${name}`);
      }),
  );
}

/**
 * Runs the stack while it is used. What its parts have said last is printed if
 * that fails.
 */
export async function withStack(
  options: StackOptions,
  use: (stack: Stack) => Promise<void>,
): Promise<void> {
  await using stack = await startStack({ report: testReport, ...options });
  try {
    await use(stack);
  } catch (error) {
    for (const part of PARTS) {
      const words = await stack.output(part).catch(() => "");
      if (words !== "") console.log(`${part} said last:\n${tail(words)}`);
    }
    throw error;
  }
}
