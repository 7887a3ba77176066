/**
 * What a location changes in the fields of upstreams' responses: nginx's
 * `proxy_hide_header` and `proxy_cookie_…`.
 *
 * @module
 */
import type { CookieRules, ResponseRules } from "../../config/plan.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { Field } from "../../exchange/fields.ts";

/** The fields that are left, with cookies as the client is to get them. */
export function applyRules(
  fields: readonly Field[],
  { hidden, cookies }: ResponseRules,
  exchange: Exchange,
): Field[] {
  const changed: Field[] = [];
  for (const field of fields) {
    const [name, value] = field;
    if (hidden.has(name)) continue;
    changed.push(
      name === "set-cookie" && cookies !== null
        ? [name, changeCookie(value, cookies, exchange)]
        : field,
    );
  }
  return changed;
}

/** An attribute of a cookie, or its name and value; `value` is null without `=`. */
interface Attribute {
  name: string;
  value: string | null;
}

/**
 * A `Set-Cookie` (RFC 6265 section 4.1) with the rules applied; as it is where
 * none fits, or where it is none.
 */
export function changeCookie(
  cookie: string,
  rules: CookieRules,
  exchange: Exchange,
): string {
  const [pair, ...attributes] = cookie.split(";").map(parseAttribute);
  if (pair === undefined || pair.value === null) return cookie;
  let changed = false;
  for (const attribute of attributes) {
    const { name, value } = attribute;
    if (value === null) continue;
    const lower = name.toLowerCase();
    const replaced = lower === "domain"
      ? replaceDomain(value, rules, exchange)
      : lower === "path"
      ? replacePath(value, rules, exchange)
      : null;
    if (replaced === null) continue;
    attribute.value = replaced;
    changed = true;
  }
  const flagged = setFlags(pair.name, attributes, rules);
  if (!changed && flagged === null) return cookie;
  return [pair, ...flagged ?? attributes].map(writeAttribute).join("; ");
}

function parseAttribute(text: string): Attribute {
  const at = text.indexOf("=");
  return at === -1
    ? { name: text.trim(), value: null }
    : { name: text.slice(0, at).trim(), value: text.slice(at + 1).trim() };
}

function writeAttribute({ name, value }: Attribute): string {
  return value === null ? name : `${name}=${value}`;
}

function replaceDomain(
  domain: string,
  { domains }: CookieRules,
  exchange: Exchange,
): string | null {
  // A dot before it means nothing (RFC 6265 section 5.2.3), and is kept.
  const dot = domain.startsWith(".") ? "." : "";
  const bare = domain.slice(dot.length);
  for (const rule of domains) {
    if (rule.kind === "regex") {
      exchange.captures = rule.from.exec(domain);
      if (exchange.captures !== null) return safe(rule.to(exchange));
    } else if (rule.from(exchange).toLowerCase() === bare.toLowerCase()) {
      return dot + safe(rule.to(exchange));
    }
  }
  return null;
}

function replacePath(
  path: string,
  { paths }: CookieRules,
  exchange: Exchange,
): string | null {
  for (const rule of paths) {
    if (rule.kind === "regex") {
      exchange.captures = rule.from.exec(path);
      if (exchange.captures !== null) return safe(rule.to(exchange));
    } else {
      const from = rule.from(exchange);
      if (path.startsWith(from)) {
        return safe(rule.to(exchange)) + path.slice(from.length);
      }
    }
  }
  return null;
}

/** What a variable brings along must not end the attribute. */
function safe(value: string): string {
  return value.replace(/;/g, "%3B");
}

/** The attributes with their flags; null where they stay as they are. */
function setFlags(
  cookie: string,
  attributes: readonly Attribute[],
  { flags }: CookieRules,
): Attribute[] | null {
  const lower = cookie.toLowerCase();
  const rule = flags.find(({ regex, name }) =>
    regex === null ? name === lower : regex.test(cookie)
  );
  if (rule === undefined) return null;
  const { secure, httpOnly, sameSite } = rule;
  let result = [...attributes];
  if (secure !== null) {
    result = withFlag(result, "Secure", secure ? null : undefined);
  }
  if (httpOnly !== null) {
    result = withFlag(result, "HttpOnly", httpOnly ? null : undefined);
  }
  if (sameSite !== null) {
    result = withFlag(result, "SameSite", sameSite || undefined);
  }
  return result;
}

/**
 * The attributes with one set.
 *
 * @param value Null for none, undefined to remove the attribute.
 */
function withFlag(
  attributes: readonly Attribute[],
  name: string,
  value: string | null | undefined,
): Attribute[] {
  const lower = name.toLowerCase();
  const is = (attribute: Attribute) => attribute.name.toLowerCase() === lower;
  if (value === undefined) {
    return attributes.filter((attribute) => !is(attribute));
  }
  return attributes.some(is)
    ? attributes.map((attribute) =>
      is(attribute) && value !== null &&
        attribute.value?.toLowerCase() !== value.toLowerCase()
        ? { name, value }
        : attribute
    )
    : [...attributes, { name, value }];
}
