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

/** Maps whose keys are paths and names, not directives or headers. */
const NAMING = new Set(["locations", "upstreams", "limit_req_zone"]);

/** What is served as JSON. Variables of the environment stand as they are written. */
export function configView({ loaded, facts }: RunningConfig): unknown {
  const { config: { content, overrides } } = loaded;
  const document = "text" in content
    ? parseYaml(content.text, loaded.config.name)
    : content.document;
  return { ...facts, overrides, config: masked(document) };
}

/**
 * A copy in which secrets are masked.
 *
 * @param hasNames Whether the keys of the map are names of the config's own.
 */
export function masked(value: unknown, hasNames = false): unknown {
  if (typeof value === "string") return withoutUserinfo(value);
  if (Array.isArray(value)) return value.map((item) => masked(item));
  if (!isMap(value)) return value;
  const isSecret = (key: string) =>
    !hasNames && SECRET.test(key) && !PUBLIC.has(key);
  return Object.fromEntries(
    Object.entries(value).map(([key, its]) => [
      key,
      isSecret(key) && !isMap(its) ? MASK : masked(its, NAMING.has(key)),
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
