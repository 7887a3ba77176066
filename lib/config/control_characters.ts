/**
 * Control characters: nothing that is sent or matched has any.
 *
 * @module
 */

// deno-lint-ignore no-control-regex -- they are what is looked for.
const CONTROL = /[\x00-\x1f\x7f]/;

// deno-lint-ignore no-control-regex -- as above.
const CONTROLS = /[\x00-\x1f\x7f]/g;

/** Whether there is an ASCII control character in a text. */
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
