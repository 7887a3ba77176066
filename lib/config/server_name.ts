/**
 * `server_name`: which hosts a server answers for.
 *
 * @module
 */
import { plainText } from "./plain_text.ts";
import { quote, ValueError } from "./words.ts";

/**
 * Reads a name, in lower case: `example.com`, `*.example.com`, `example.*`,
 * `.example.com` (the name and all below it), `[::1]`, `_`, `""`.
 *
 * @throws {ValueError} If it could not match any host.
 */
export function parseServerName(text: string): string {
  const name = plainText(text).toLowerCase();
  if (name.startsWith("~")) {
    throw new ValueError("regular expressions are not supported here");
  }
  if (/^\[[0-9a-f:.]+\]$/.test(name)) {
    const canonical = URL.parse(`http://${name}/`)?.hostname;
    if (canonical === undefined) throw new ValueError(noName(text));
    return name;
  }
  if (
    /^(?:\*\.|\.)?[\w-]+(?:\.[\w-]+)*\.?$|^[\w-]+(?:\.[\w-]+)*\.\*$|^$/.test(
      name,
    )
  ) {
    return name;
  }
  throw new ValueError(noName(text));
}

function noName(text: string): string {
  const trimmed = text.trim();
  if (/\s/.test(trimmed)) {
    const list = trimmed.split(/\s+/).join(", ");
    return `${
      quote(text)
    } is no host name (write several as a list: [${list}])`;
  }
  const [, host, port] = /^(?:\w+:\/\/)?([^/:]+)(:\d+)?\/?$/.exec(trimmed) ??
    [];
  if (host !== undefined && host !== trimmed) {
    const what = port === undefined
      ? "the host alone"
      : "the host without a port";
    return `${quote(text)} is no host name (write ${what}: ${quote(host)})`;
  }
  if (trimmed.includes("*")) {
    return `${quote(text)}: a "*" stands only first or last, next to a dot`;
  }
  const ascii = URL.parse(`http://${trimmed}/`)?.hostname;
  if (ascii !== undefined && /[^\x21-\x7e]/.test(trimmed)) {
    return `${quote(text)}: browsers send this name as ${
      quote(ascii)
    }, write that`;
  }
  return `${quote(text)} is no host name`;
}

/** The name that `$server_name` has: the first one, without a leading dot. */
export function primaryName(names: readonly string[]): string {
  return (names[0] ?? "").replace(/^\./, "");
}
