import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import fc from "fast-check";
import { signToken, TokenError, verifyToken } from "../../demo/jwt.ts";

const SECRET = "a secret";
const LATER = Math.floor(Date.now() / 1_000) + 3_600;

const INVALID = (error: unknown) =>
  error instanceof TokenError && !error.expired;

function base64url(text: string): string {
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_")
    .replaceAll("=", "");
}

Deno.test("claims come back as they were signed", async () => {
  await fc.assert(fc.asyncProperty(
    fc.string({ unit: "grapheme" }),
    fc.jsonValue(),
    async (sub, info) => {
      const claims = { sub, exp: LATER, info };
      const token = await signToken(claims, SECRET);
      assert.match(token, /^[\w-]+\.[\w-]+\.[\w-]+$/);
      assert.deepEqual(
        await verifyToken(token, SECRET),
        JSON.parse(JSON.stringify(claims)),
      );
    },
  ));
});

Deno.test("a token is signed as others sign it: HMAC SHA-256 over header and claims", async () => {
  const token = await signToken({ sub: "ada" }, SECRET);
  const [header = "", claims = "", signature] = token.split(".");
  assert.deepEqual(JSON.parse(atob(header)), { alg: "HS256", typ: "JWT" });
  assert.equal(
    signature,
    createHmac("sha256", SECRET).update(`${header}.${claims}`)
      .digest("base64url"),
  );
});

Deno.test("a token with any letter changed is invalid", async () => {
  const token = await signToken({ sub: "ada", exp: LATER }, SECRET);
  await fc.assert(fc.asyncProperty(
    fc.nat(token.length - 1),
    fc.constantFrom(..."abcXYZ019-_.=! "),
    async (at, letter) => {
      const changed = token.slice(0, at) + letter + token.slice(at + 1);
      // The last letter of 32 bytes has two bits that mean nothing.
      fc.pre(changed !== token && at < token.length - 1);
      await assert.rejects(verifyToken(changed, SECRET), INVALID);
    },
  ));
});

Deno.test("other secrets, other algorithms and other forms are invalid", async () => {
  const token = await signToken({ sub: "ada" }, SECRET);
  await assert.rejects(verifyToken(token, "another"), INVALID);
  const [, claims = ""] = token.split(".");
  const none = base64url('{"alg":"none","typ":"JWT"}');
  const signed = `${none}.${claims}`;
  const signature = createHmac("sha256", SECRET).update(signed);
  for (
    const forged of [
      `${signed}.`,
      `${signed}.AAAA`,
      `${signed}.${signature.digest("base64url")}`,
      "",
      "a.b",
    ]
  ) {
    await assert.rejects(verifyToken(forged, SECRET), INVALID, forged);
  }
});

Deno.test("a token is valid until its end, and then expired", async () => {
  const token = await signToken({ sub: "ada", exp: 1_000 }, SECRET);
  assert.equal((await verifyToken(token, SECRET, 999.9)).sub, "ada");
  await assert.rejects(
    verifyToken(token, SECRET, 1_000),
    (error) => error instanceof TokenError && error.expired,
  );
});
