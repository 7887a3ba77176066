/**
 * Values that are the same for every request.
 *
 * @module
 */
import { ValueError } from "./value_error.ts";
import { quote } from "./words.ts";

/**
 * The text, with `$$` turned into a dollar.
 *
 * @throws {ValueError} If there is a variable in it, or nginx's semicolon at its end.
 */
export function plainText(text: string): string {
  const variable = /(?:^|[^$])(?:\$\$)*(\$(?:\w+|\{\w*\}))/.exec(text)?.[1];
  if (variable !== undefined) {
    throw new ValueError(`variables can't be used here (${variable})`);
  }
  if (/;\s*$/.test(text)) {
    throw new ValueError(`${quote(text)}: no semicolon at the end here`);
  }
  return text.replaceAll("$$", "$");
}
