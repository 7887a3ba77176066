/**
 * What a check of the doctor is.
 *
 * @module
 */
import type { Stack } from "./stack.ts";

/** Something that is wrong. */
export interface Finding {
  /** What is wrong, in one plain sentence. */
  readonly sentence: string;
  /** What was seen. */
  readonly evidence: string;
  /** What to do about it. */
  readonly fix: string;
}

/** One question to the stack. */
export interface Check {
  /** Names it, as in `cookie-httponly`: lower case, words joined by `-`. */
  readonly id: string;
  /** What it looks at, in a few words. */
  readonly title: string;
  /** Gives what is wrong, most often nothing. Throws only for a bug. */
  run(stack: Stack): Promise<Finding[]> | Finding[];
}

/** Without those that say the same. */
export function distinct(findings: readonly Finding[]): Finding[] {
  const said = new Map<string, Finding>();
  for (const finding of findings) {
    const known = [...said.keys()].includes(finding.sentence);
    if (!known) said.set(finding.sentence, finding);
  }
  return [...said.values()];
}
