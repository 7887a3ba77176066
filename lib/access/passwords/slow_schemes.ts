/**
 * Ways of storing a password that make it slow to check, so that it is slow to
 * guess.
 *
 * @module
 */
import { compareSync } from "bcryptjs";
import { Buffer } from "node:buffer";
import { timingSafeEqual } from "node:crypto";
import { schemeOf } from "../../config/user_file.ts";
import { md5Crypt } from "./md5_crypt.ts";
import { shaCrypt } from "./sha_crypt.ts";

/**
 * Whether a password is the one that is stored. Takes milliseconds, or as long as
 * the cost of a bcrypt password says.
 *
 * @param password A byte string.
 * @param stored Of bcrypt, apr1, md5-crypt, sha256-crypt or sha512-crypt.
 * @throws {TypeError} for another one.
 */
export function matchesSlowly(password: string, stored: string): boolean {
  const bytes = Buffer.from(password, "latin1");
  switch (schemeOf(stored)) {
    case "bcrypt":
      // It takes text, and of that the UTF-8.
      return compareSync(bytes.toString("utf8"), stored);
    case "apr1":
    case "md5-crypt":
      return isSame(md5Crypt(bytes, stored), stored);
    case "sha256-crypt":
    case "sha512-crypt":
      return isSame(shaCrypt(bytes, stored), stored);
    default:
      throw new TypeError("not stored in a slow way");
  }
}

function isSame(made: string, stored: string): boolean {
  const a = Buffer.from(made, "latin1");
  const b = Buffer.from(stored, "latin1");
  return a.length === b.length && timingSafeEqual(a, b);
}
