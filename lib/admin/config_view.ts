/**
 * The config as it runs, without its secrets: `/config`.
 *
 * @module
 */
import { isMap } from "../config/schema_parts.ts";
import { parseYaml } from "../config/yaml_text.ts";
import type { RunningConfig } from "./parts.ts";

const MASK = "***";

/** Keys and headers whose values are nobody's business. */
const SECRET =
  /token|secret|passw|credential|api[-_]?key|private|authorization|cookie|session/i;

/** Cookie names, files and the like, which only sound so. */
const PUBLIC = new Set([
  "sticky",
  "proxy_pass_header",
  "proxy_hide_header",
  "auth_basic_user_file",
]);

/** What is served as JSON. Variables of the environment stand as they are written. */
export function configView({ loaded, facts }: RunningConfig): unknown {
  const { config: { content, overrides } } = loaded;
  const document = "text" in content
    ? parseYaml(content.text, loaded.config.name)
    : content.document;
  return { ...facts, overrides, config: masked(document) };
}

/** A copy in which secrets are masked. */
export function masked(value: unknown): unknown {
  if (typeof value === "string") return withoutUserinfo(value);
  if (Array.isArray(value)) return value.map(masked);
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, its]) => [
      key,
      SECRET.test(key) && !PUBLIC.has(key) && !isMap(its) ? MASK : masked(its),
    ]),
  );
}

/** `http://user:password@host` and `?token=…` in it. */
function withoutUserinfo(text: string): string {
  return text.replace(/(\/\/[^/@\s:]*:)[^/@\s]+@/g, `$1${MASK}@`)
    .replace(/\b(Bearer|Basic) +\S+/gi, `$1 ${MASK}`)
    .replace(
      /([?&](?:\w*(?:token|secret|passw\w*|key))=)[^&\s#]+/gi,
      `$1${MASK}`,
    );
}
