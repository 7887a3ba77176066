/**
 * JSON Web Tokens signed with HMAC SHA-256 (RFC 7515, RFC 7519): what the
 * backend gives a user to connect to Centrifugo with.
 *
 * @module
 */

/** What a connection token of Centrifugo says. */
export interface Claims {
  /** The user. */
  sub: string;
  /** Until when it is valid, in seconds of the epoch; never ends without. */
  exp?: number;
  /** What others in a channel see of the user besides the name. */
  info?: unknown;
}

/** A token that is not accepted. */
export class TokenError extends Error {
  override readonly name = "TokenError";

  /** @param expired Whether a fresh token would do. */
  constructor(readonly expired: boolean) {
    super(expired ? "the token has expired" : "the token is invalid");
  }
}

const BASE64URL = { alphabet: "base64url", omitPadding: true } as const;
const HEADER = encode({ alg: "HS256", typ: "JWT" });

/** Signs the claims. */
export async function signToken(
  claims: Claims,
  secret: string,
): Promise<string> {
  const signed = `${HEADER}.${encode(claims)}`;
  const signature = await crypto.subtle.sign(
    "HMAC",
    await hmacKey(secret),
    new TextEncoder().encode(signed),
  );
  return `${signed}.${new Uint8Array(signature).toBase64(BASE64URL)}`;
}

/**
 * The claims of a token.
 *
 * @param now In seconds of the epoch.
 * @throws {TokenError} if it was not signed with this secret, or has expired.
 */
export async function verifyToken(
  token: string,
  secret: string,
  now: number = Date.now() / 1000,
): Promise<Claims> {
  const claims = await signedClaims(token, secret);
  if (claims === null) throw new TokenError(false);
  if (claims.exp !== undefined && claims.exp <= now) throw new TokenError(true);
  return claims;
}

/** The claims, or null if the signature or the form is wrong. */
async function signedClaims(
  token: string,
  secret: string,
): Promise<Claims | null> {
  const [header, payload, signature, ...rest] = token.split(".");
  // Only our own header: "alg": "none" and the like are never looked at.
  if (header !== HEADER || !payload || !signature || rest.length > 0) {
    return null;
  }
  try {
    const valid = await crypto.subtle.verify(
      "HMAC",
      await hmacKey(secret),
      Uint8Array.fromBase64(signature, { alphabet: "base64url" }),
      new TextEncoder().encode(`${header}.${payload}`),
    );
    return valid ? asClaims(decode(payload)) : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function asClaims(value: unknown): Claims | null {
  if (typeof value !== "object" || value === null) return null;
  const { sub, exp, info } = value as Record<string, unknown>;
  if (typeof sub !== "string") return null;
  if (exp !== undefined && typeof exp !== "number") return null;
  return {
    sub,
    ...(exp === undefined ? {} : { exp }),
    ...(info === undefined ? {} : { info }),
  };
}

function hmacKey(secret: string): Promise<CryptoKey> {
  return crypto.subtle.importKey(
    "raw",
    new TextEncoder().encode(secret),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign", "verify"],
  );
}

function encode(value: unknown): string {
  return new TextEncoder().encode(JSON.stringify(value)).toBase64(BASE64URL);
}

function decode(text: string): unknown {
  const bytes = Uint8Array.fromBase64(text, { alphabet: "base64url" });
  return JSON.parse(new TextDecoder().decode(bytes));
}
