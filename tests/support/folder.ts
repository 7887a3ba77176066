/**
 * A folder of files for one test.
 *
 * @module
 */

export interface Folder extends AsyncDisposable {
  /** Its path, without links. */
  readonly path: string;
}

/**
 * Makes a folder; its end removes it.
 *
 * @param files Their contents, by their paths in it.
 * @param links What they lead to, by their paths in it.
 */
export async function makeFolder(
  files: Readonly<Record<string, string | Uint8Array>>,
  links: Readonly<Record<string, string>> = {},
): Promise<Folder> {
  const path = await Deno.realPath(await Deno.makeTempDir());
  for (const [name, content] of Object.entries(files)) {
    const file = `${path}/${name}`;
    await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), { recursive: true });
    await Deno.writeFile(
      file,
      typeof content === "string" ? new TextEncoder().encode(content) : content,
    );
  }
  for (const [name, to] of Object.entries(links)) {
    await Deno.symlink(to, `${path}/${name}`);
  }
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}
