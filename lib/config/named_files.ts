/**
 * The files that a config names: read at most once, and kept with the config, so
 * that every worker builds its plan from the same contents.
 *
 * @module
 */
import { dirname, resolve } from "node:path";
import { ValueError } from "./words.ts";

/** A file's text, or why it can't be read. */
export type NamedFile = { readonly text: string } | {
  readonly problem: string;
};

/** By absolute path. Can be sent to another thread. */
export type NamedFileMap = Map<string, NamedFile>;

/** Reads files, relative to the folder of the config. */
export class NamedFiles {
  readonly #folder: string;
  readonly #read: NamedFileMap;

  /**
   * @param source The config's file; of what is no file, the working directory
   * is the folder.
   * @param read What was read before; further files are added.
   */
  constructor(source: string, read: NamedFileMap = new Map()) {
    this.#folder = dirname(resolve(source));
    this.#read = read;
  }

  /** The absolute path of a file as the config writes it. */
  path(written: string): string {
    return resolve(this.#folder, written);
  }

  /**
   * The text of a file. What is not UTF-8 in it comes out as U+FFFD.
   *
   * @param written As the config writes it.
   * @throws {ValueError} if it can't be read.
   */
  text(written: string): string {
    const path = this.path(written);
    const file = this.#read.get(path) ?? readFile(path);
    this.#read.set(path, file);
    if ("problem" in file) throw new ValueError(file.problem);
    return file.text;
  }
}

/** Reads a file anew. */
export function readFile(path: string): NamedFile {
  try {
    return { text: Deno.readTextFileSync(path) };
  } catch (error) {
    return { problem: whyUnreadable(path, error) };
  }
}

function whyUnreadable(path: string, error: unknown): string {
  const { NotFound, NotADirectory, IsADirectory } = Deno.errors;
  if (error instanceof NotFound || error instanceof NotADirectory) {
    return `there is no file ${path}`;
  }
  if (error instanceof IsADirectory) return `${path} is a directory`;
  const { PermissionDenied, NotCapable } = Deno.errors;
  if (error instanceof PermissionDenied || error instanceof NotCapable) {
    return `no permission to read ${path}: check its owner and its mode`;
  }
  return `${path} can't be read: ${
    error instanceof Error ? error.message : String(error)
  }`;
}
