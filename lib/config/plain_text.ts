/**
 * Text without variables, and text without control characters.
 *
 * @module
 */
import { quote, ValueError } from "./words.ts";

/**
 * The text of a value that is the same for every request, with `$$` turned into
 * a dollar.
 *
 * @throws {ValueError} If there is a variable in it, or nginx's semicolon at its end.
 */
export function plainText(text: string): string {
  // Most texts are plain, and each regular expression costs a start 50 µs.
  if (!text.includes("$") && !text.includes(";")) return text;
  const variable = /(?:^|[^$])(?:\$\$)*(\$(?:\w+|\{\w*\}))/.exec(text)?.[1];
  if (variable !== undefined) {
    throw new ValueError(`variables can't be used here (${variable})`);
  }
  if (/;\s*$/.test(text)) {
    throw new ValueError(`${quote(text)}: no semicolon at the end here`);
  }
  return text.replaceAll("$$", "$");
}

const CONTROL = /[^ -~\x80-\uffff]/;
const CONTROLS = /[^ -~\x80-\uffff]/g;

/**
 * Whether there is an ASCII control character in a text. Nothing that is sent
 * or matched has any.
 */
export function hasControls(text: string): boolean {
  return CONTROL.test(text);
}

/** The text with each control character replaced. */
export function replaceControls(
  text: string,
  replacement: (control: string) => string,
): string {
  return CONTROL.test(text) ? text.replace(CONTROLS, replacement) : text;
}
