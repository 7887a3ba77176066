/**
 * Writing DER (ITU-T X.690): what certificates are made of. Nothing here reads
 * any.
 *
 * @module
 */

/** An encoded value: tag, length, content. */
export type Der = Uint8Array<ArrayBuffer>;

/** Joins encoded values. */
export function concat(parts: readonly Uint8Array[]): Der {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** A value with its tag and length (X.690 section 8.1). */
function value(tag: number, content: Uint8Array): Der {
  const { length } = content;
  const lengthBytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) {
    lengthBytes.unshift(rest % 256);
  }
  const head = length < 0x80
    ? [tag, length]
    : [tag, 0x80 + lengthBytes.length, ...lengthBytes];
  return concat([Uint8Array.from(head), content]);
}

export function sequence(...parts: Uint8Array[]): Der {
  return value(0x30, concat(parts));
}

export function set(...parts: Uint8Array[]): Der {
  return value(0x31, concat(parts));
}

/** @param number From 0 to 127, or an unsigned number as bytes, the first one first. */
export function integer(number: number | Uint8Array): Der {
  if (typeof number === "number") return value(0x02, Uint8Array.of(number));
  let start = 0;
  while (start < number.length - 1 && number[start] === 0) start++;
  const digits = number.subarray(start);
  // A first bit that is set would make it negative.
  const positive = (digits[0] ?? 0) < 0x80
    ? digits
    : concat([Uint8Array.of(0), digits]);
  return value(0x02, positive);
}

export function boolean(truth: boolean): Der {
  return value(0x01, Uint8Array.of(truth ? 0xff : 0));
}

/** @param unused The number of bits that don't count in the last byte. */
export function bitString(bytes: Uint8Array, unused = 0): Der {
  return value(0x03, concat([Uint8Array.of(unused), bytes]));
}

export function octetString(bytes: Uint8Array): Der {
  return value(0x04, bytes);
}

/** @param dotted As it is usually written: `2.5.29.17`. */
export function objectIdentifier(dotted: string): Der {
  const [first = 0, second = 0, ...others] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second, ...others].flatMap((part) => {
    const groups = [part % 128];
    for (let rest = Math.floor(part / 128); rest > 0;) {
      groups.unshift(0x80 + rest % 128);
      rest = Math.floor(rest / 128);
    }
    return groups;
  });
  return value(0x06, Uint8Array.from(bytes));
}

export function utf8String(text: string): Der {
  return value(0x0c, new TextEncoder().encode(text));
}

/** A time in UTC, to the second: UTCTime up to 2049, as RFC 5280 section 4.1.2.5 wants. */
export function time(date: Date): Der {
  const digits = date.toISOString().replace(/\.\d+Z$|[-T:]/g, "") + "Z";
  const short = date.getUTCFullYear() < 2050;
  const text = short ? digits.slice(2) : digits;
  return value(short ? 0x17 : 0x18, new TextEncoder().encode(text));
}

/** A context-specific tag, around encoded values or in place of a tag of its own. */
export function tagged(
  number: number,
  content: Uint8Array,
  form: "constructed" | "primitive" = "constructed",
): Der {
  return value((form === "constructed" ? 0xa0 : 0x80) + number, content);
}

/** As a block of a PEM file (RFC 7468). */
export function pem(label: string, der: Uint8Array): string {
  const lines = der.toBase64().replace(/.{64}(?=.)/g, "$&\n");
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}
