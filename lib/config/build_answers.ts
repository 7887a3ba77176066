/**
 * What becomes of answers: error pages, filters, and what is changed in an
 * upstream's response.
 *
 * @module
 */
import type { LocationKey } from "../route/location.ts";
import { compileMatcher, type PathMatcher } from "../route/regex.ts";
import type { Settings } from "./directives/all.ts";
import type { CodingPlan, CompressPlan } from "./directives/compression.ts";
import {
  ofType,
  type RedirectPlan,
  type ReturnPlan,
} from "./directives/return.ts";
import type {
  AnswerPlan,
  FilterPlan,
  ResponseRules,
  ServerRewritePlan,
} from "./plan.ts";
import type { ServerConfig } from "./schema.ts";

/** What becomes of the answers of a location or a server. */
export function answerPlan(settings: Settings): AnswerPlan {
  return {
    errorPages: settings.error_page.size === 0 ? null : settings.error_page,
    filters: filtersOf(settings),
  };
}

/** In nginx's order: what is added may matter to compression. */
function filtersOf(settings: Settings): FilterPlan[] {
  const filters: FilterPlan[] = [];
  if (settings.add_header.length > 0) {
    filters.push({ kind: "add_header", fields: settings.add_header });
  }
  const compress = compressPlan(settings);
  if (compress !== null) filters.push(compress);
  return filters;
}

function compressPlan(settings: Settings): CompressPlan | null {
  const codings: CodingPlan[] = [];
  if (settings.brotli) {
    codings.push({
      name: "br",
      level: settings.brotli_comp_level,
      minLength: settings.brotli_min_length,
      types: settings.brotli_types,
    });
  }
  if (settings.gzip) {
    codings.push({
      name: "gzip",
      level: settings.gzip_comp_level,
      minLength: settings.gzip_min_length,
      types: settings.gzip_types,
    });
  }
  if (codings.length === 0) return null;
  return {
    kind: "compress",
    codings,
    vary: settings.gzip_vary,
    proxied: settings.gzip_proxied,
  };
}

/** What is changed in the fields of an upstream's response; null for nothing. */
export function responseRules(settings: Settings): ResponseRules | null {
  const hidden = new Set(settings.proxy_hide_header);
  for (const name of settings.proxy_pass_header) hidden.delete(name);
  const cookies = {
    domains: settings.proxy_cookie_domain,
    paths: settings.proxy_cookie_path,
    flags: settings.proxy_cookie_flags,
  };
  const { domains, paths, flags } = cookies;
  const hasCookies = domains.length + paths.length + flags.length > 0;
  if (hidden.size === 0 && !hasCookies) return null;
  return { hidden, cookies: hasCookies ? cookies : null };
}

/** The rewrite phase of a server; null where it has none. */
export function serverRewrite(
  { rewrite = [], return: answer }: ServerConfig,
  settings: Settings,
): ServerRewritePlan | null {
  if (answer === undefined) {
    return rewrite.length === 0 ? null : { rules: rewrite, answer: null };
  }
  return {
    rules: rewrite,
    answer: {
      key: "return",
      prefix: "",
      internal: false,
      rewrite: null,
      captures: null,
      access: [],
      content: returnPlan(answer, settings),
      ...answerPlan(settings),
      settings,
    },
  };
}

/** A `return` with the type that its text has in its place. */
export function returnPlan(
  answer: ReturnPlan | RedirectPlan,
  { default_type, charset }: Settings,
): ReturnPlan | RedirectPlan {
  return ofType(answer, default_type, charset);
}

/** The regular expression of a key, where a `return` uses its groups. */
export function capturedKey(
  key: LocationKey,
  answer: ReturnPlan | RedirectPlan | undefined,
): PathMatcher | null {
  return key.kind === "regex" && (answer?.captures ?? 0) > 0
    ? compileMatcher(key.source, key.ignoreCase)
    : null;
}
