/**
 * The files of users that `auth_basic_user_file` names, read again when they
 * change.
 *
 * @module
 */
import { parseUserFile } from "../config/user_file.ts";
import type { Notices } from "./notices.ts";

/** Milliseconds for which a file is taken for unchanged. */
const TRUSTED = 1_000;

/** The users of a file: stored passwords by user, both byte strings. */
export type Users = ReadonlyMap<string, string>;

interface Read {
  readonly users: Users;
  /** Changes with the file. */
  readonly stamp: string;
  /** When it was looked at last, by `performance.now()`. */
  at: number;
}

/** Reads each file once, and again when it has changed. */
export class UserFiles {
  readonly #notices: Notices;
  readonly #files = new Map<string, Read>();
  /** By path: looks that are under way. */
  readonly #looks = new Map<string, Promise<Users>>();

  constructor(notices: Notices) {
    this.#notices = notices;
  }

  /**
   * The users of a file as it was within the last second.
   *
   * @throws What the system throws where it can't be read.
   */
  users(path: string): Users | Promise<Users> {
    const read = this.#files.get(path);
    if (read !== undefined && performance.now() - read.at < TRUSTED) {
      return read.users;
    }
    let look = this.#looks.get(path);
    if (look === undefined) {
      look = this.#look(path, read)
        .finally(() => this.#looks.delete(path));
      this.#looks.set(path, look);
    }
    return look;
  }

  async #look(path: string, before: Read | undefined): Promise<Users> {
    const at = performance.now();
    try {
      const { dev, ino, size, mtime } = await Deno.stat(path);
      const stamp = [dev, ino, size, mtime?.getTime()].join();
      if (before?.stamp === stamp) {
        before.at = at;
        return before.users;
      }
      const { users, problems } = parseUserFile(await Deno.readFile(path));
      this.#files.set(path, { users, stamp, at });
      const [problem] = problems;
      if (problem !== undefined) {
        this.#notices.tell(
          `user file ${path}`,
          () => `auth_basic_user_file ${path}: ${problem}`,
        );
      }
      return users;
    } catch (error) {
      // Nobody comes in by what it said before.
      this.#files.delete(path);
      throw error;
    }
  }
}
