/**
 * The Content-Type of a file, by its name.
 *
 * @module
 */
import mime from "mime";
import type { Settings } from "../../config/plan.ts";

/**
 * The media type that belongs to the extension of a name, whatever its case:
 * the config's own, else that of the library, which has the IANA's and those
 * that browsers know besides; else `default_type`. Text has a charset.
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
      ? null
      : types.get(extension) ?? mime.getType(`.${extension}`)) ?? default_type;
  return charset !== null && type.startsWith("text/") && !type.includes(";")
    ? `${type}; charset=${charset}`
    : type;
}

/** In lower case; null for none. As in nginx a name may be nothing but that. */
function extensionOf(name: string): string | null {
  const base = name.slice(name.lastIndexOf("/") + 1);
  const dot = base.lastIndexOf(".");
  return dot === -1 || dot === base.length - 1
    ? null
    : base.slice(dot + 1).toLowerCase();
}
