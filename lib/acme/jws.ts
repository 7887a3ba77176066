/**
 * Signing what is sent to an ACME authority (RFC 8555 section 6.2, RFC 7515), with
 * ES256.
 *
 * @module
 */

/** What the signature is about, besides the payload. */
export interface ProtectedHeader {
  readonly nonce: string;
  readonly url: string;
  /** The account's URL; null where it is not known yet: the public key is sent. */
  readonly kid: string | null;
}

/**
 * A signed request body.
 *
 * @param payload Null for POST-as-GET (section 6.3).
 * @param keys On P-256.
 */
export async function signed(
  payload: unknown,
  { nonce, url, kid }: ProtectedHeader,
  keys: CryptoKeyPair,
): Promise<string> {
  const identity = kid === null ? { jwk: await publicJwk(keys) } : { kid };
  const header = base64url(
    JSON.stringify({ alg: "ES256", nonce, url, ...identity }),
  );
  const body = payload === null ? "" : base64url(JSON.stringify(payload));
  const signature = await crypto.subtle.sign(
    { name: "ECDSA", hash: "SHA-256" },
    keys.privateKey,
    new TextEncoder().encode(`${header}.${body}`),
  );
  return JSON.stringify({
    protected: header,
    payload: body,
    signature: base64url(new Uint8Array(signature)),
  });
}

/** What answers a challenge (RFC 8555 section 8.1): the token and the key's thumbprint. */
export async function keyAuthorization(
  token: string,
  keys: CryptoKeyPair,
): Promise<string> {
  // RFC 7638: the required members, in lexicographic order.
  const text = new TextEncoder().encode(JSON.stringify(await publicJwk(keys)));
  const thumbprint = await crypto.subtle.digest("SHA-256", text);
  return `${token}.${base64url(new Uint8Array(thumbprint))}`;
}

async function publicJwk({ publicKey }: CryptoKeyPair) {
  const { crv, kty, x, y } = await crypto.subtle.exportKey("jwk", publicKey);
  return { crv, kty, x, y };
}

export function base64url(content: string | Uint8Array): string {
  const bytes = typeof content === "string"
    ? new TextEncoder().encode(content)
    : content;
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}
