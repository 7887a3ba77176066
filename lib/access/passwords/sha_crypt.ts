/**
 * Ulrich Drepper's `sha256-crypt` and `sha512-crypt` (`$5$`, `$6$`), as in glibc.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { Buffer } from "node:buffer";
import { cryptBase64 } from "./crypt_base64.ts";

const DEFAULT_ROUNDS = 5_000;
const FEWEST_ROUNDS = 1_000;
const MOST_ROUNDS = 999_999_999;

/** What differs between the two. */
interface Variant {
  readonly hash: "sha256" | "sha512";
  /** Bytes of a digest. */
  readonly length: number;
  /** The order in which its bytes are written. */
  readonly order: readonly (number | null)[];
}

/** Groups of three bytes, each the one before rotated and advanced. */
function orderOf(
  third: number,
  rotate: (three: readonly number[]) => readonly number[],
): number[] {
  const order: number[] = [];
  let three: readonly number[] = [0, third, 2 * third];
  for (let i = 0; i < third; i++) {
    order.push(...three);
    three = rotate(three).map((index) => index + 1);
  }
  return order;
}

const SHA256: Variant = {
  hash: "sha256",
  length: 32,
  order: [
    ...orderOf(10, ([a = 0, b = 0, c = 0]) => [c, a, b]),
    null,
    31,
    30,
  ],
};

const SHA512: Variant = {
  hash: "sha512",
  length: 64,
  order: [
    ...orderOf(21, ([a = 0, b = 0, c = 0]) => [b, c, a]),
    null,
    null,
    63,
  ],
};

/**
 * A password as it is stored.
 *
 * @param stored Begins with `$5$` or `$6$`, perhaps `rounds=N$`, and a salt of which
 * up to 16 letters count.
 */
export function shaCrypt(password: Uint8Array, stored: string): string {
  const [, magic = "", written, digits, salt = ""] =
    /^(\$[56]\$)(rounds=(\d+)\$)?([^$]{0,16})/.exec(stored) ?? [];
  const variant = magic === "$5$" ? SHA256 : SHA512;
  const rounds = digits === undefined
    ? DEFAULT_ROUNDS
    : Math.min(Math.max(Number(digits), FEWEST_ROUNDS), MOST_ROUNDS);
  const saltBytes = Buffer.from(salt, "latin1");
  const digest = digestOf(password, saltBytes, rounds, variant);
  const prefix = magic + (written === undefined ? "" : `rounds=${rounds}$`);
  return `${prefix}${salt}$${cryptBase64(digest, variant.order)}`;
}

function digestOf(
  password: Uint8Array,
  salt: Uint8Array,
  rounds: number,
  { hash, length }: Variant,
): Uint8Array {
  const sha = (...parts: Uint8Array[]) => {
    const state = createHash(hash);
    for (const part of parts) state.update(part);
    return state.digest();
  };
  const b = sha(password, salt, password);
  const first: Uint8Array[] = [password, salt];
  first.push(...repeated(b, password.length, length));
  for (let bits = password.length; bits > 0; bits >>= 1) {
    first.push((bits & 1) === 1 ? b : password);
  }
  const a = sha(...first);
  const p = Buffer.concat(
    repeated(
      sha(...new Array<Uint8Array>(password.length).fill(password)),
      password.length,
      length,
    ),
  );
  const s = Buffer.concat(
    repeated(
      sha(...new Array<Uint8Array>(16 + (a[0] ?? 0)).fill(salt)),
      salt.length,
      length,
    ),
  );
  let c = a;
  for (let round = 0; round < rounds; round++) {
    const odd = (round & 1) === 1;
    c = sha(
      odd ? p : c,
      ...round % 3 === 0 ? [] : [s],
      ...round % 7 === 0 ? [] : [p],
      odd ? c : p,
    );
  }
  return c;
}

/** Pieces of a digest, repeated up to a length. */
function repeated(
  digest: Uint8Array,
  length: number,
  size: number,
): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let left = length; left > 0; left -= size) {
    pieces.push(digest.subarray(0, Math.min(left, size)));
  }
  return pieces;
}
