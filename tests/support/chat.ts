/**
 * Tests that use the chat of `examples/chat` in a real browser.
 *
 * @module
 */
import { PARTS } from "../../tools/stack/parts.ts";
import { tail } from "../../tools/stack/run_to_end.ts";
import { type Stack, startStack } from "../../tools/stack/start_stack.ts";
import { CHROMIUM } from "./browser.ts";
import { findProgram, testUnless } from "./skip.ts";
import { whyNoStack } from "./stack.ts";

/** Declares a test that needs the whole stack and a browser. */
export async function testChat(
  name: string,
  fn: (context: Deno.TestContext) => Promise<void>,
): Promise<void> {
  const lacks = [
    await whyNoStack(true),
    findProgram(CHROMIUM) === undefined
      ? `${CHROMIUM.replaceAll("|", " or ")} not installed`
      : null,
  ].filter((lack) => lack !== null);
  testUnless(lacks.length === 0 ? null : lacks.join(", "), name, fn);
}

/**
 * Runs the stack while it is used. What its parts have said last is printed if
 * that fails.
 */
export async function withStack(
  options: NonNullable<Parameters<typeof startStack>[0]>,
  use: (stack: Stack) => Promise<void>,
): Promise<void> {
  await using stack = await startStack({
    report: { step: (_, work) => work(), note: console.log },
    ...options,
  });
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
