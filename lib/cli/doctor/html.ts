/**
 * What a page refers to, read as far as a diagnosis needs it.
 *
 * @module
 */

/** A resource that a page asks for by itself, or a form's target. */
export interface Reference {
  readonly kind: "script" | "style" | "image" | "frame" | "form";
  /** As written. */
  readonly url: string;
}

/** Elements, and the attribute with the URL. */
const ELEMENTS: readonly [RegExp, Reference["kind"], string][] = [
  [/<script\b[^>]*>/gi, "script", "src"],
  [
    /<link\b[^>]*\brel=["']?(?:stylesheet|modulepreload)\b[^>]*>/gi,
    "style",
    "href",
  ],
  [/<(?:img|audio|video|source)\b[^>]*>/gi, "image", "src"],
  [/<iframe\b[^>]*>/gi, "frame", "src"],
  [/<form\b[^>]*>/gi, "form", "action"],
];

/** All references of a page. */
export function references(html: string): Reference[] {
  const text = withoutComments(html);
  return ELEMENTS.flatMap(([element, kind, name]) =>
    [...text.matchAll(element)].flatMap(([tag]) => {
      const url = attribute(tag, name);
      return url === null || url === "" ? [] : [{ kind, url }];
    })
  );
}

/** The scripts that stand in the page itself. */
export function inlineScripts(html: string): string[] {
  return [
    ...withoutComments(html).matchAll(
      /<script\b([^>]*)>([\s\S]*?)<\/script>/gi,
    ),
  ].filter(([, tag = ""]) => attribute(tag, "src") === null)
    .map(([, , text = ""]) => text);
}

/** A form with a password and Django's token. */
export interface LoginForm {
  /** Where it posts to, as written; null for the page's own URL. */
  readonly action: string | null;
  /** The value of `csrfmiddlewaretoken`. */
  readonly token: string;
}

/** The first form that asks for a password and has Django's token; null if there is none. */
export function djangoLogin(html: string): LoginForm | null {
  const forms = withoutComments(html)
    .matchAll(/(<form\b[^>]*>)([\s\S]*?)<\/form>/gi);
  for (const [, tag = "", content = ""] of forms) {
    const inputs = [...content.matchAll(/<input\b[^>]*>/gi)].map(([it]) => it);
    const token = inputs.find((input) =>
      attribute(input, "name") === "csrfmiddlewaretoken"
    );
    const asks = inputs.some((it) => attribute(it, "type") === "password");
    if (token === undefined || !asks) continue;
    const action = attribute(tag, "action");
    return { action, token: attribute(token, "value") ?? "" };
  }
  return null;
}

/** The value of an attribute in a tag, null without it. */
function attribute(tag: string, name: string): string | null {
  const found = new RegExp(
    `[\\s"']${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s"'>]+))`,
    "i",
  ).exec(tag);
  const value = found?.[1] ?? found?.[2] ?? found?.[3];
  return value?.replaceAll("&amp;", "&") ?? null;
}

function withoutComments(html: string): string {
  return html.replace(/<!--[\s\S]*?-->/g, "");
}
