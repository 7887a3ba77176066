/**
 * The files that a config names: read at most once, and kept with the config, so
 * that every worker builds its plan from the same contents.
 *
 * @module
 */
import { pathOf, unreadable } from "./files.ts";
import { ValueError } from "./words.ts";

/** A file's text, or why it can't be read. */
export type NamedFile = { readonly text: string } | {
  readonly problem: string;
  /** Whether there is none. */
  readonly missing: boolean;
};

/** By absolute path. Can be sent to another thread. */
export type NamedFileMap = Map<string, NamedFile>;

/** Reads files, relative to the folder of the config. */
export class NamedFiles {
  readonly #source: string;
  readonly #read: NamedFileMap;

  /**
   * @param source The config's file; of what is no file, the working directory
   * is the folder.
   * @param read What was read before; further files are added.
   */
  constructor(source: string, read: NamedFileMap = new Map()) {
    this.#source = source;
    this.#read = read;
  }

  /** The absolute path of a file as the config writes it. */
  path(written: string): string {
    return pathOf(written, this.#source);
  }

  /**
   * The text of a file. What is not UTF-8 in it comes out as U+FFFD.
   *
   * @param written As the config writes it.
   * @throws {ValueError} if it can't be read.
   */
  text(written: string): string {
    const file = this.#file(written);
    if ("problem" in file) throw new ValueError(file.problem);
    return file.text;
  }

  /** Whether there is no such file. */
  isMissing(written: string): boolean {
    const file = this.#file(written);
    return "problem" in file && file.missing;
  }

  #file(written: string): NamedFile {
    const path = this.path(written);
    const file = this.#read.get(path) ?? readFile(path);
    this.#read.set(path, file);
    return file;
  }
}

/** Reads a file anew. */
export function readFile(path: string): NamedFile {
  try {
    return { text: Deno.readTextFileSync(path) };
  } catch (error) {
    const missing = error instanceof Deno.errors.NotFound;
    return { problem: unreadable(path, error), missing };
  }
}
