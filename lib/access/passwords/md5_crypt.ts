/**
 * Apache's `apr1`, which is Poul-Henning Kamp's MD5 crypt with a name of its own.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { Buffer } from "node:buffer";
import { cryptBase64 } from "./crypt_base64.ts";

const ROUNDS = 1000;

/** The order in which bytes are written. */
const ORDER = [0, 6, 12, 1, 7, 13, 2, 8, 14, 3, 9, 15, 4, 10, 5];

/**
 * A password as it is stored.
 *
 * @param stored Begins with `$apr1$` or `$1$`, and a salt of which up to 8 letters
 * count.
 */
export function md5Crypt(password: Uint8Array, stored: string): string {
  const [, magic = "", salt = ""] = /^(\$\w+\$)([^$]{0,8})/.exec(stored) ?? [];
  const saltBytes = Buffer.from(salt, "latin1");
  let final = md5(password, saltBytes, password);
  const first: Uint8Array[] = [
    password,
    Buffer.from(magic, "latin1"),
    saltBytes,
  ];
  for (let left = password.length; left > 0; left -= 16) {
    first.push(final.subarray(0, Math.min(left, 16)));
  }
  for (let bits = password.length; bits > 0; bits >>= 1) {
    first.push((bits & 1) === 1 ? ZERO : password.subarray(0, 1));
  }
  final = md5(...first);
  for (let round = 0; round < ROUNDS; round++) {
    const odd = (round & 1) === 1;
    final = md5(
      odd ? password : final,
      ...round % 3 === 0 ? [] : [saltBytes],
      ...round % 7 === 0 ? [] : [password],
      odd ? final : password,
    );
  }
  return magic + salt + "$" + cryptBase64(final, ORDER) +
    cryptBase64(final, [null, null, 11]);
}

const ZERO = new Uint8Array(1);

function md5(...parts: Uint8Array[]): Buffer {
  const hash = createHash("md5");
  for (const part of parts) hash.update(part);
  return hash.digest();
}
