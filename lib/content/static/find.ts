/**
 * Which file answers a path: nginx's `try_files`, `index` and
 * ngx_http_static_module, up to the file.
 *
 * @module
 */
import type { LocationPlan, StaticPlan } from "../../config/plan.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { parseTarget, type Target } from "../../route/path.ts";
import { readable } from "../../route/bytes.ts";
import { escapePath } from "../../route/target.ts";
import { fileName } from "./file_name.ts";
import { Absent, type Entry, type Folders } from "./folders.ts";

/** What a path leads to. */
export type Found = FoundFile | FoundFolder | Elsewhere | Absent;

/** A regular file. */
export interface FoundFile {
  readonly kind: "file";
  /** In the location's folder, as `fileName` gives it. */
  readonly name: string;
  readonly entry: Entry;
}

/** A folder whose path lacks its slash at the end. */
export interface FoundFolder {
  readonly kind: "folder";
  /** The path as it was looked for, a byte string without a slash at its end. */
  readonly path: string;
  readonly entry: Entry;
}

/** Another path of the server, which is to be looked for in all locations. */
export interface Elsewhere {
  readonly kind: "elsewhere";
  /** Null for a path that is none. */
  readonly target: Target | null;
  /** The directive that says so: `try_files` or `index`. */
  readonly by: "index" | "try_files";
}

/** Where a location's files are looked for. */
export class Search {
  /**
   * What was looked for, in words and in order, for `explain`. Null where
   * nobody reads it.
   */
  readonly tried: string[] | null;

  constructor(
    readonly location: LocationPlan,
    readonly plan: StaticPlan,
    readonly folders: Folders,
    explain = false,
  ) {
    this.tried = explain ? [] : null;
  }

  /** Finds what answers a request. */
  find(exchange: Exchange): Found {
    const { tryFiles } = this.plan;
    if (tryFiles === null) return this.#answerOf(exchange.path, exchange);
    for (const candidate of tryFiles.candidates) {
      const path = this.#pathOf(candidate.path(exchange));
      const entry = this.#lookUp(path);
      // As in nginx, what can't be had is passed over, whatever the reason.
      if (entry instanceof Absent) continue;
      // A slash at the end asks for a folder, also one that the client wrote.
      const { isDirectory } = entry.info;
      const fits = isDirectory === candidate.folder &&
        (isDirectory || !path.endsWith("/"));
      if (!fits) {
        this.tried?.push(`${entry.path} is ${kindOf(entry)}`);
        continue;
      }
      return this.#answerOf(path, exchange, entry);
    }
    const { last } = tryFiles;
    if ("status" in last) {
      return new Absent(
        last.status,
        `try_files has found nothing (=${last.status})`,
      );
    }
    return elsewhere(last.path(exchange), last.args(exchange), "try_files");
  }

  /**
   * The path of a candidate. As in nginx, one that does not begin with what an
   * `alias` stands for is looked for in its folder.
   */
  #pathOf(candidate: string): string {
    const { aliased } = this.plan;
    return candidate.startsWith(aliased)
      ? candidate
      : aliased.replace(/\/$/, "") + candidate;
  }

  /**
   * The file beside a found one, such as `a.js.br` beside `a.js`.
   *
   * @param suffix What its name has more: `.br`.
   */
  beside({ name }: FoundFile, suffix: string): Entry | null {
    const { folder } = this.plan;
    const entry = name === ""
      ? this.#find(folder + suffix, "")
      : this.#find(folder, name + suffix);
    return entry instanceof Absent || !entry.info.isFile ? null : entry;
  }

  #answerOf(path: string, exchange: Exchange, known?: Entry): Found {
    const { method } = exchange;
    if (method !== "GET" && method !== "HEAD" && method !== "POST") {
      return notAllowed(method);
    }
    if (path.endsWith("/")) return this.#index(path, exchange);
    const entry = known ?? this.#lookUp(path);
    if (entry instanceof Absent) return entry;
    if (entry.info.isDirectory) return { kind: "folder", path, entry };
    if (!entry.info.isFile) {
      return new Absent(404, `${entry.path} is no regular file`);
    }
    // As in nginx, only a file that is there refuses a POST.
    if (method === "POST") return notAllowed(method);
    return { kind: "file", name: this.#nameOf(path) ?? "", entry };
  }

  /** The first of `index` that is there (ngx_http_index_module). */
  #index(path: string, { target }: Exchange): Found {
    const { index } = this.location.settings;
    for (const name of index.names) {
      const entry = this.#lookUp(path + name);
      if (!(entry instanceof Absent)) {
        return elsewhere(path + name, target.args, "index");
      }
      if (entry.status !== 404) return entry;
    }
    const folder = this.#lookUp(path);
    if (folder instanceof Absent) return folder;
    if (!folder.info.isDirectory) {
      return new Absent(404, `${folder.path} is no folder`);
    }
    return index.path === null
      ? new Absent(403, `the folder ${folder.path} has no index file`)
      : elsewhere(index.path, target.args, "index");
  }

  #lookUp(path: string): Entry | Absent {
    const name = this.#nameOf(path);
    const entry = name === null
      ? new Absent(404, `${readable(path)} is no name of a file`)
      : this.#find(this.plan.folder, name);
    if (entry instanceof Absent) this.tried?.push(entry.why);
    return entry;
  }

  #find(folder: string, name: string): Entry | Absent {
    return this.folders.find(
      folder,
      name,
      this.location.settings.disable_symlinks,
    );
  }

  /** Null for a path that no file of the location can have. */
  #nameOf(path: string): string | null {
    const { aliased } = this.plan;
    if (!path.startsWith(aliased)) return null;
    const rest = path.slice(aliased.length);
    // `/img../` is not in what `/img` stands for, nor is `/images`.
    const isWhole = rest === "" || rest.startsWith("/") ||
      aliased === "" || aliased.endsWith("/");
    return isWhole
      ? fileName(rest, {
        hidden: this.location.settings.hidden_files,
        windows: WINDOWS,
      })
      : null;
  }
}

function notAllowed(method: string): Absent {
  return new Absent(405, `a file can't be asked for with ${method}`);
}

const WINDOWS = Deno.build.os === "windows";

function elsewhere(
  path: string,
  args: string,
  by: Elsewhere["by"],
): Elsewhere {
  const query = args === "" ? "" : `?${args}`;
  return {
    kind: "elsewhere",
    target: parseTarget(escapePath(path) + query),
    by,
  };
}

function kindOf({ info }: Entry): string {
  if (info.isDirectory) return "a folder";
  return info.isFile ? "a file" : "no regular file";
}
