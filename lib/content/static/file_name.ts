/**
 * From a path of a request to the name of a file, without a look at the disk.
 * What no file may be asked for by ends here.
 *
 * @module
 */

/** What a name may have in it. */
export interface NameRules {
  /** Whether names that begin with a dot are names of files. */
  readonly hidden: boolean;
  /** Whether the names are for Windows, where many mean something else. */
  readonly windows: boolean;
}

/** RFC 8615: what is below it is meant for everybody. */
const WELL_KNOWN = ".well-known";

/**
 * The name of a file as the system has it, with `/` between folders and none at
 * either end. `""` is the folder itself.
 *
 * @param path Decoded (byte string). Empty segments count for nothing.
 * @returns Null for what names no file: a dot segment, a NUL, what is no UTF-8,
 * a hidden one, and what {@link isWindowsName} refuses.
 */
export function fileName(path: string, rules: NameRules): string | null {
  const segments: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "") continue;
    if (segment.startsWith(".")) {
      if (segment === "." || segment === "..") return null;
      const allowed = rules.hidden ||
        segment === WELL_KNOWN && segments.length === 0;
      if (!allowed) return null;
    }
    segments.push(segment);
  }
  const name = decodeBytes(segments.join("/"));
  if (name === null || name.includes("\0")) return null;
  if (rules.windows && !name.split("/").every(isWindowsName)) return null;
  return name;
}

/** The text of a byte string; null if that is no UTF-8. */
function decodeBytes(bytes: string): string | null {
  let i = 0;
  while (i < bytes.length && bytes.charCodeAt(i) < 0x80) i++;
  if (i === bytes.length) return bytes;
  const codes = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) codes[i] = bytes.charCodeAt(i);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
      .decode(codes);
  } catch {
    return null;
  }
}

/**
 * Names that Windows gives to devices, with any extension: `nul.txt` is `NUL`.
 * The digits may be superscripts.
 */
const DEVICE =
  /^(con|prn|aux|nul|conin\$|conout\$|clock\$|(com|lpt)[0-9\u00b9\u00b2\u00b3]) *(\.|$)/i;

/**
 * Whether Windows takes a segment for just this name ("Naming Files, Paths, and
 * Namespaces"): not for a separator, a drive or an alternate data stream
 * (`a.txt::$DATA`), a device, a pattern, a name with dots or spaces at its end,
 * which it leaves out, or a short one (`GIT~1` is `.git`).
 */
export function isWindowsName(segment: string): boolean {
  return !/["*:<>?\\|]|[^ -\uffff]|[. ]$|~\d/.test(segment) &&
    !DEVICE.test(segment);
}
