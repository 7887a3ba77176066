/**
 * Files of users and passwords, as `htpasswd` writes them and nginx reads them.
 *
 * @module
 */
import { quote } from "./words.ts";

/** How a password is stored. */
export type PasswordScheme =
  | "bcrypt"
  | "apr1"
  | "md5-crypt"
  | "sha256-crypt"
  | "sha512-crypt"
  | "SHA"
  | "SSHA"
  | "PLAIN";

/** What is in a file of users. */
export interface UserFile {
  /** Stored passwords by user; both are byte strings. */
  readonly users: ReadonlyMap<string, string>;
  /** What is wrong, one sentence each; such lines are left out. */
  readonly problems: readonly string[];
}

const SCHEMES: readonly (readonly [RegExp, PasswordScheme])[] = [
  [/^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/, "bcrypt"],
  [/^\$apr1\$[^$]*\$[./A-Za-z0-9]{22}$/, "apr1"],
  [/^\$1\$[^$]*\$[./A-Za-z0-9]{22}$/, "md5-crypt"],
  [/^\$5\$(rounds=\d+\$)?[^$]*\$[./A-Za-z0-9]{43}$/, "sha256-crypt"],
  [/^\$6\$(rounds=\d+\$)?[^$]*\$[./A-Za-z0-9]{86}$/, "sha512-crypt"],
  [/^\{SHA\}[A-Za-z0-9+/]{27}=$/, "SHA"],
  [/^\{SSHA\}[A-Za-z0-9+/]{28,}={0,2}$/, "SSHA"],
  [/^\{PLAIN\}/, "PLAIN"],
];

/** How a stored password was made; null for a way that is not supported. */
export function schemeOf(stored: string): PasswordScheme | null {
  return SCHEMES.find(([pattern]) => pattern.test(stored))?.[1] ?? null;
}

/** Reads a file of users. Of two lines for one user the first counts, as in nginx. */
export function parseUserFile(bytes: Uint8Array): UserFile {
  const users = new Map<string, string>();
  const problems: string[] = [];
  const lines = byteString(bytes).split("\n");
  for (const [i, line] of lines.entries()) {
    const text = line.replace(/\r.*$/s, "");
    if (text === "" || text.startsWith("#")) continue;
    const at = `line ${i + 1}`;
    const [user = "", stored] = text.split(":");
    if (stored === undefined || user === "") {
      problems.push(`${at} is not of the form user:password`);
    } else if (users.has(user)) {
      problems.push(`${at}: there is a user ${quote(user)} above already`);
    } else if (schemeOf(stored) === null) {
      problems.push(`${at}: ${unsupported(stored)}`);
    } else {
      users.set(user, stored);
    }
  }
  return { users, problems };
}

function unsupported(stored: string): string {
  const what = /^[./A-Za-z0-9]{13}$/.test(stored)
    ? "a DES crypt password is not supported, for only 8 letters of it count"
    : "the password is stored in a way that is not known";
  return `${what} (make it anew with: htpasswd -B FILE USER)`;
}

/** A character for each byte. */
function byteString(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 4096) {
    text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  }
  return text;
}
