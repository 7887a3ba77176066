/**
 * What `deno fmt` makes of a text.
 *
 * @module
 */

/** @param extension As of a file's name: `md`. */
export async function denoFormatted(
  text: string,
  extension: string,
): Promise<string> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--quiet", `--ext=${extension}`, "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const output = process.output();
  const input = process.stdin.getWriter();
  await input.write(new TextEncoder().encode(text));
  await input.close();
  return new TextDecoder().decode((await output).stdout);
}
