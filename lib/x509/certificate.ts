/**
 * Making certificates and requests for them (RFC 5280, RFC 2986), with ECDSA on
 * P-256.
 *
 * @module
 */
import { parseAddress } from "../route/address.ts";
import type { Network } from "../route/network.ts";
import {
  bitString,
  boolean,
  concat,
  type Der,
  integer,
  objectIdentifier,
  octetString,
  pem,
  sequence,
  set,
  tagged,
  time,
  utf8String,
} from "./der.ts";

/** A name as certificates have them. */
export interface Name {
  readonly organization: string;
  readonly commonName: string;
}

/** What is to be certified. */
export interface CertificateFacts {
  readonly subject: Name;
  /** Host names and IP addresses. */
  readonly names: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKey: CryptoKey;
  /** What an authority may certify; null for one that is none. */
  readonly authority: NameConstraints | null;
}

/** The names that an authority is trusted for. */
export interface NameConstraints {
  /** Host names; those below them too. */
  readonly hosts: readonly string[];
  readonly networks: readonly Network[];
}

/** Who certifies it. */
export interface Issuer {
  readonly name: Name;
  readonly keys: CryptoKeyPair;
}

const P256 = { name: "ECDSA", namedCurve: "P-256" } as const;

/** Makes a pair of keys. */
export async function generateKeys(): Promise<CryptoKeyPair> {
  return await crypto.subtle.generateKey(P256, true, ["sign", "verify"]);
}

/** A private key as PEM (PKCS #8). */
export async function privateKeyPem(key: CryptoKey): Promise<string> {
  const der = await crypto.subtle.exportKey("pkcs8", key);
  return pem("PRIVATE KEY", new Uint8Array(der));
}

/**
 * The pair of keys of a private key that {@linkcode privateKeyPem} has written.
 *
 * @throws {Error} of the platform if it is none.
 */
export async function importKeys(text: string): Promise<CryptoKeyPair> {
  const [, base64 = ""] =
    /-----BEGIN PRIVATE KEY-----([^-]*)-----END PRIVATE KEY-----/.exec(text) ??
      [];
  const der = Uint8Array.fromBase64(base64.replace(/\s/g, ""));
  const { subtle } = crypto;
  const privateKey = await subtle.importKey("pkcs8", der, P256, true, ["sign"]);
  const { kty, crv, x, y } = await subtle.exportKey("jwk", privateKey);
  const publicJwk = { kty, crv, x, y } as JsonWebKey;
  const publicKey = await subtle
    .importKey("jwk", publicJwk, P256, true, ["verify"]);
  return { privateKey, publicKey };
}

/** Makes a certificate, as PEM. */
export async function makeCertificate(
  facts: CertificateFacts,
  issuer: Issuer,
): Promise<string> {
  const { subject, names, notBefore, notAfter, publicKey, authority } = facts;
  const extensions = [
    ...authority === null ? OF_SERVER : ofAuthority(authority),
    // subjectKeyIdentifier, authorityKeyIdentifier
    extension("2.5.29.14", octetString(await keyId(publicKey))),
    extension(
      "2.5.29.35",
      sequence(tagged(0, await keyId(issuer.keys.publicKey), "primitive")),
    ),
    ...names.length === 0 ? [] : [alternativeNames(names)],
  ];
  const certificate = await signed(
    sequence(
      tagged(0, integer(2)), // version 3
      integer(serialNumber()),
      ECDSA_WITH_SHA256,
      nameOf(issuer.name),
      sequence(time(notBefore), time(notAfter)),
      nameOf(subject),
      await publicKeyInfo(publicKey),
      tagged(3, sequence(...extensions)),
    ),
    issuer.keys.privateKey,
  );
  return pem("CERTIFICATE", certificate);
}

/** Makes a certificate that is signed with its own key. */
export async function makeSelfSigned(
  facts: Omit<CertificateFacts, "publicKey">,
  keys: CryptoKeyPair,
): Promise<string> {
  return await makeCertificate(
    { ...facts, publicKey: keys.publicKey },
    { name: facts.subject, keys },
  );
}

/** Makes a request for a certificate (PKCS #10), as DER. */
export async function makeRequest(
  names: readonly string[],
  { privateKey, publicKey }: CryptoKeyPair,
): Promise<Der> {
  const extensionRequest = sequence(
    objectIdentifier("1.2.840.113549.1.9.14"),
    set(sequence(alternativeNames(names))),
  );
  return await signed(
    sequence(
      integer(0),
      sequence(), // authorities take the names from the extension
      await publicKeyInfo(publicKey),
      tagged(0, extensionRequest),
    ),
    privateKey,
  );
}

/** basicConstraints, keyUsage: digitalSignature, extKeyUsage: serverAuth. */
const OF_SERVER = [
  extension("2.5.29.19", sequence(), true),
  extension("2.5.29.15", bitString(Uint8Array.of(0x80), 7), true),
  extension("2.5.29.37", sequence(objectIdentifier("1.3.6.1.5.5.7.3.1"))),
];

/** basicConstraints: no authority below it; keyUsage: keyCertSign, cRLSign; nameConstraints. */
function ofAuthority({ hosts, networks }: NameConstraints): Der[] {
  const permitted = [
    ...hosts.map((host) =>
      tagged(2, new TextEncoder().encode(host), "primitive")
    ),
    ...networks.map((network) => tagged(7, subnet(network), "primitive")),
  ].map((name) => sequence(name));
  return [
    extension("2.5.29.19", sequence(boolean(true), integer(0)), true),
    extension("2.5.29.15", bitString(Uint8Array.of(0x06), 1), true),
    ...permitted.length === 0 ? [] : [
      extension("2.5.29.30", sequence(tagged(0, concat(permitted))), true),
    ],
  ];
}

const ECDSA_WITH_SHA256 = sequence(objectIdentifier("1.2.840.10045.4.3.2"));

/** What is signed, how, and the signature. */
async function signed(content: Der, key: CryptoKey): Promise<Der> {
  const algorithm = { name: "ECDSA", hash: "SHA-256" };
  const raw = new Uint8Array(
    await crypto.subtle.sign(algorithm, key, content),
  );
  // WebCrypto's r and s stand side by side (IEEE P1363).
  const half = raw.length / 2;
  const signature = sequence(
    integer(raw.subarray(0, half)),
    integer(raw.subarray(half)),
  );
  return sequence(content, ECDSA_WITH_SHA256, bitString(signature));
}

/** 16 random bytes, the first not 0 and positive (RFC 5280 section 4.1.2.2). */
function serialNumber(): Uint8Array {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes;
}

function nameOf({ organization, commonName }: Name): Der {
  return sequence(
    attribute("2.5.4.10", organization),
    attribute("2.5.4.3", commonName),
  );
}

function attribute(type: string, value: string): Der {
  return set(sequence(objectIdentifier(type), utf8String(value)));
}

function extension(id: string, value: Der, critical = false): Der {
  return sequence(
    objectIdentifier(id),
    ...critical ? [boolean(true)] : [],
    octetString(value),
  );
}

/** subjectAltName: dNSName is [2], iPAddress is [7]. */
function alternativeNames(names: readonly string[]): Der {
  const general = names.map((name) => {
    const address = parseAddress(name);
    if (address === null) {
      return tagged(2, new TextEncoder().encode(name), "primitive");
    }
    const bytes = name.includes(":") ? address : address.subarray(12);
    return tagged(7, bytes, "primitive");
  });
  return extension("2.5.29.17", sequence(...general));
}

/** An address and its mask (RFC 5280 section 4.2.1.10): twice four bytes, or sixteen. */
function subnet({ bytes, bits }: Network): Uint8Array {
  const mask = bytes.map((_, i) => {
    const ones = Math.max(0, Math.min(8, bits - 8 * i));
    return 0xff << (8 - ones);
  });
  const isIpv4 = bits >= 96 && bytes[10] === 0xff && bytes[11] === 0xff;
  const start = isIpv4 ? 12 : 0;
  return concat([bytes.subarray(start), mask.subarray(start)]);
}

async function publicKeyInfo(key: CryptoKey): Promise<Der> {
  return new Uint8Array(await crypto.subtle.exportKey("spki", key));
}

/** RFC 7093 section 2, method 1. */
async function keyId(key: CryptoKey): Promise<Uint8Array> {
  const point = await crypto.subtle.exportKey("raw", key);
  const hash = await crypto.subtle.digest("SHA-256", point);
  return concat([new Uint8Array(hash)]).subarray(0, 20);
}
