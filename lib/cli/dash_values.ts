/**
 * `-` as an option's value, for standard input.
 *
 * @module
 */

/**
 * The words with `--config -` written as `--config=-`: @std/cli takes a `-` that
 * stands alone after a long option for an argument of the command.
 *
 * @param valued The names of options that have a value.
 */
export function withDashValues(
  words: readonly string[],
  valued: readonly string[],
): string[] {
  const joined: string[] = [];
  for (const [at, word] of words.entries()) {
    const before = words[at - 1] ?? "";
    const isValue = word === "-" && before.startsWith("--") &&
      valued.includes(before.slice(2)) && !words.slice(0, at).includes("--");
    if (isValue) joined[joined.length - 1] = `${before}=-`;
    else joined.push(word);
  }
  return joined;
}
