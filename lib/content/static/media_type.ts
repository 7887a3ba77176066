/**
 * The Content-Type of a file, by its name.
 *
 * @module
 */
import { mimes } from "mrmime";
import type { Settings } from "../../config/plan.ts";

/**
 * Those of nginx's mime.types, and some newer, that the library leaves out: it
 * has none of `vnd.` and `x-`. A larger one (`mime`) would cost every start 10 ms.
 */
const MORE: ReadonlyMap<string, string> = new Map([
  ["7z", "application/x-7z-compressed"],
  ["apk", "application/vnd.android.package-archive"],
  ["avi", "video/x-msvideo"],
  ["crt", "application/x-x509-ca-cert"],
  ["der", "application/x-x509-ca-cert"],
  [
    "docx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  ],
  ["eot", "application/vnd.ms-fontobject"],
  ["flac", "audio/flac"],
  ["flv", "video/x-flv"],
  ["ico", "image/x-icon"],
  ["kml", "application/vnd.google-earth.kml+xml"],
  ["kmz", "application/vnd.google-earth.kmz"],
  ["m3u8", "application/vnd.apple.mpegurl"],
  ["m4v", "video/x-m4v"],
  ["mkv", "video/x-matroska"],
  ["odg", "application/vnd.oasis.opendocument.graphics"],
  ["odp", "application/vnd.oasis.opendocument.presentation"],
  ["ods", "application/vnd.oasis.opendocument.spreadsheet"],
  ["odt", "application/vnd.oasis.opendocument.text"],
  ["pem", "application/x-x509-ca-cert"],
  ["ppt", "application/vnd.ms-powerpoint"],
  [
    "pptx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
  ],
  ["rar", "application/x-rar-compressed"],
  ["rpm", "application/x-redhat-package-manager"],
  ["tar", "application/x-tar"],
  ["wmv", "video/x-ms-wmv"],
  ["xls", "application/vnd.ms-excel"],
  [
    "xlsx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  ],
  ["zst", "application/zstd"],
]);

/**
 * The media type that belongs to the extension of a name, whatever its case:
 * the config's own, else a known one, else `default_type`. Text has a charset.
 */
export function contentType(
  name: string,
  { types, default_type, charset }: Pick<
    Settings,
    "types" | "default_type" | "charset"
  >,
): string {
  const extension = extensionOf(name);
  const type =
    (extension === null
      ? undefined
      : types.get(extension) ?? knownType(extension)) ?? default_type;
  return charset !== null && type.startsWith("text/") && !type.includes(";")
    ? `${type}; charset=${charset}`
    : type;
}

function knownType(extension: string): string | undefined {
  // `constructor` is an extension too.
  return Object.hasOwn(mimes, extension)
    ? mimes[extension]
    : MORE.get(extension);
}

/** In lower case; null for none. As in nginx a name may be nothing but that. */
function extensionOf(name: string): string | null {
  const base = name.slice(name.lastIndexOf("/") + 1);
  const dot = base.lastIndexOf(".");
  return dot === -1 || dot === base.length - 1
    ? null
    : base.slice(dot + 1).toLowerCase();
}
