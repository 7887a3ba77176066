/**
 * Files of one folder, without its sub-folders, read anew at each request so
 * that an edit shows at the next load.
 *
 * @module
 */

const TYPES: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

/**
 * The file, or null if there is none of this name.
 *
 * @param folder With a slash at its end.
 * @param name What the URL's path says: anything.
 */
export async function staticFile(
  folder: URL,
  name: string,
): Promise<Response | null> {
  const extension = /^[a-z_]+\.([a-z]+)$/.exec(name)?.[1];
  const type = extension === undefined ? undefined : TYPES[extension];
  if (type === undefined) return null;
  try {
    return fileResponse(await Deno.readFile(new URL(name, folder)), type);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** An answer with a file's bytes that browsers ask for again at each load. */
export function fileResponse(
  bytes: Uint8Array<ArrayBuffer>,
  type: string,
): Response {
  return new Response(bytes, {
    headers: {
      "content-type": type,
      "cache-control": "no-cache",
      "x-content-type-options": "nosniff",
    },
  });
}
