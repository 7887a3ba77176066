/**
 * The responses of the admin listener.
 *
 * @module
 */

/** Nothing of it is kept, framed, or read by another origin. */
const COMMON: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

type Fields = Readonly<Record<string, string>>;

/** A response with what all have in common. */
export function respond(
  status: number,
  type: string,
  body: BodyInit | null,
  fields: Fields = {},
): Response {
  return new Response(body, {
    status,
    headers: { ...COMMON, "content-type": type, ...fields },
  });
}

/** One line of text, or more. */
export function text(status: number, line: string, fields?: Fields): Response {
  return respond(status, "text/plain; charset=utf-8", `${line}\n`, fields);
}

export function json(status: number, value: unknown): Response {
  const body = `${JSON.stringify(value, null, 2)}\n`;
  return respond(status, "application/json", body);
}
