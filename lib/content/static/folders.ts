/**
 * Files on the disk, found by their names in a folder, and nowhere else.
 *
 * The system's calls are synchronous, as nginx's are (without `aio`): one on
 * another thread costs 20 µs more, a file that is in memory is read in five
 * (Deno 2.9.6).
 *
 * @module
 */
import type { Links } from "../../config/plan.ts";

/** What is there. */
export interface Entry {
  /** Its path without links. */
  readonly path: string;
  readonly info: Deno.FileInfo;
}

/** Why nothing can be served. */
export class Absent {
  /**
   * @param status 404: not there; 403: not allowed; 405: not with this method;
   * 500: the system failed. Others are those of a `try_files`.
   * @param why In words, for whoever runs the proxy.
   */
  constructor(readonly status: number, readonly why: string) {}
}

/** Looks names up in folders. Outlives the requests. */
export class Folders {
  /**
   * Paths of folders without links. A link may be changed to another release:
   * what is not in the folder that is known is looked for again.
   */
  readonly #real = new Map<string, string>();

  /**
   * Finds a file or folder.
   *
   * @param folder An absolute path.
   * @param name As `fileName` gives it; `""` for the folder itself.
   */
  find(folder: string, name: string, links: Links): Entry | Absent {
    const asked = name === "" ? folder : below(folder) + native(name);
    try {
      const path = Deno.realPathSync(asked);
      const why = this.#refuses(path, folder, name, links);
      return why ?? { path, info: Deno.statSync(path) };
    } catch (error) {
      return absent(error, asked);
    }
  }

  /** Checks where links have led to. Null for what may be served. */
  #refuses(
    path: string,
    folder: string,
    name: string,
    links: Links,
  ): Absent | null {
    const known = this.#real.get(folder);
    if (known !== undefined && path === expected(known, name)) return null;
    const real = Deno.realPathSync(folder);
    this.#real.set(folder, real);
    const same = expected(real, name);
    if (path === same) return null;
    if (isOtherSpelling(path, same)) {
      // Where the file system takes both for one name, the locations don't.
      return new Absent(404, `the file is called ${path}`);
    }
    if (links === "on") {
      return new Absent(403, `a link leads to ${path} (disable_symlinks: on)`);
    }
    if (links === "outside" && !isInside(path, real)) {
      return new Absent(
        403,
        `a link leads to ${path}, out of ${real} (disable_symlinks: off ` +
          "allows it)",
      );
    }
    return null;
  }
}

/**
 * Opens a file that was found. Somebody who may write in the folder can put a
 * link in its place between the two.
 */
export function open({ path }: Entry): Deno.FsFile | Absent {
  try {
    return Deno.openSync(path);
  } catch (error) {
    return absent(error, path);
  }
}

/** Whether a path is that of a folder or in it; neither has links in it. */
export function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(below(folder));
}

function expected(folder: string, name: string): string {
  return name === "" ? folder : below(folder) + native(name);
}

const WINDOWS = Deno.build.os === "windows";

function native(name: string): string {
  return WINDOWS ? name.replaceAll("/", "\\") : name;
}

/** What the paths in a folder begin with. `/` and `C:\` end so already. */
function below(folder: string): string {
  const separator = WINDOWS ? "\\" : "/";
  return folder.endsWith(separator) ? folder : folder + separator;
}

/**
 * Whether a file has another name than the one that was asked for, and no link
 * of that name leads to it: some file systems take two spellings for one, by
 * letter case, and by how accents are composed.
 */
function isOtherSpelling(path: string, asked: string): boolean {
  const folded = (path: string) => path.normalize("NFC").toLowerCase();
  if (folded(path) !== folded(asked)) return false;
  const separator = WINDOWS ? "\\" : "/";
  const actual = path.split(separator);
  const names = asked.split(separator);
  const first = names.findIndex((name, i) => name !== actual[i]);
  return !Deno.lstatSync(names.slice(0, first + 1).join(separator)).isSymlink;
}

/** nginx's statuses for what the system says (ngx_http_static_module). */
function absent(error: unknown, path: string): Absent {
  const { code } = error as { code?: unknown };
  if (
    error instanceof Deno.errors.NotFound ||
    error instanceof Deno.errors.NotADirectory ||
    code === "ENAMETOOLONG"
  ) {
    return new Absent(404, `there is no ${path}`);
  }
  if (
    error instanceof Deno.errors.PermissionDenied ||
    error instanceof Deno.errors.NotCapable
  ) {
    return new Absent(403, `no permission to read ${path}`);
  }
  if (error instanceof Deno.errors.FilesystemLoop || code === "ELOOP") {
    return new Absent(403, `the links of ${path} lead in a circle`);
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new Absent(500, `${path} can't be read: ${reason}`);
}
