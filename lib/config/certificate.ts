/**
 * A certificate and its private key, as they stand in PEM files.
 *
 * @module
 */
import type { KeyObject, X509Certificate } from "node:crypto";
import { ValueError } from "./words.ts";

/** What a listener with TLS is opened with. */
export interface Certificate {
  /** PEM: the server's certificate, then the others of its chain. */
  readonly chain: string;
  /** PEM. */
  readonly key: string;
  /** Names and addresses that it is for, in lower case: `*.example.com`. */
  readonly names: readonly string[];
  /** Milliseconds of the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Who issued it: the organisation, or else the whole name. */
  readonly issuer: string;
  /** Whether others of the chain are likely missing. */
  readonly lacksIntermediate: boolean;
}

/**
 * Reads the certificates of a PEM file.
 *
 * @param path For messages.
 * @throws {ValueError} if there is none, or one can't be parsed.
 */
export function parseChain(text: string, path: string): X509Certificate[] {
  const { X509Certificate } = crypto();
  const blocks = pemBlocks(text).filter(({ label }) => label === "CERTIFICATE");
  if (blocks.length === 0) {
    throw new ValueError(`${path} has no certificate${whatElse(text)}`);
  }
  return blocks.map(({ pem }, i) => {
    try {
      return new X509Certificate(pem);
    } catch {
      const which = blocks.length === 1
        ? "the certificate"
        : `certificate ${i + 1}`;
      throw new ValueError(`${which} in ${path} can't be parsed`);
    }
  });
}

/**
 * Reads the private key of a PEM file.
 *
 * @param path For messages.
 * @throws {ValueError} if there is none that can be used.
 */
export function parseKey(text: string, path: string): KeyObject {
  const [block, second] = pemBlocks(text)
    .filter(({ label }) => label.endsWith("PRIVATE KEY"));
  if (block === undefined) {
    throw new ValueError(`${path} has no private key${whatElse(text)}`);
  }
  if (second !== undefined) {
    throw new ValueError(`${path} has more than one private key`);
  }
  if (block.label.startsWith("ENCRYPTED") || /^DEK-Info:/m.test(block.pem)) {
    throw new ValueError(
      `the key in ${path} is encrypted: write it without a password with ` +
        `openssl pkey -in ${path} -out NEW`,
    );
  }
  let key: KeyObject;
  try {
    key = crypto().createPrivateKey(block.pem);
  } catch {
    throw new ValueError(`the key in ${path} can't be parsed`);
  }
  checkKind(key, path);
  return key;
}

/** What rustls can sign with. */
function checkKind(key: KeyObject, path: string): void {
  const { asymmetricKeyType: type, asymmetricKeyDetails } = key;
  const { modulusLength, namedCurve } = asymmetricKeyDetails ?? {};
  const usable = type === "ed25519" ||
    type === "ec" && CURVES.has(namedCurve ?? "") ||
    type === "rsa" && (modulusLength ?? 0) >= 2048;
  if (usable) return;
  const kind = type === "rsa"
    ? `RSA with ${modulusLength} bits`
    : [type, namedCurve].filter((word) => word !== undefined).join(" ");
  throw new ValueError(
    `the key in ${path} can't be used (${kind}): it must be ECDSA P-256, ` +
      "P-384 or P-521, Ed25519, or RSA with 2048 bits or more",
  );
}

const CURVES: ReadonlySet<string> = new Set([
  "prime256v1",
  "secp384r1",
  "secp521r1",
]);

/**
 * Joins a chain with its key.
 *
 * @throws {ValueError} if they don't belong together.
 */
export function joinCertificate(
  chain: readonly X509Certificate[],
  key: KeyObject,
): Certificate {
  const [leaf, ...others] = chain;
  if (leaf === undefined || !leaf.checkPrivateKey(key)) {
    const place = others.findIndex((one) => one.checkPrivateKey(key));
    throw new ValueError(
      place === -1
        ? "the key does not belong to the certificate"
        : `the key belongs to certificate ${place + 2} of the file: the ` +
          "server's own must be the first",
    );
  }
  const { subject, issuer, infoAccess } = leaf;
  return {
    chain: chain.map((one) => one.toString().trim() + "\n").join(""),
    key: String(key.export({ type: "pkcs8", format: "pem" })),
    names: namesOf(leaf),
    notBefore: Date.parse(leaf.validFrom),
    notAfter: Date.parse(leaf.validTo),
    issuer: /^O=(.+)$/m.exec(issuer)?.[1] ?? issuer,
    // A public authority tells where its own certificate is to be found, and
    // never issues one for a server with its root.
    lacksIntermediate: others.length === 0 && subject !== issuer &&
      /CA Issuers/.test(infoAccess ?? ""),
  };
}

/** The subject's alternative names: browsers look at no others. */
function namesOf({ subjectAltName = "" }: X509Certificate): string[] {
  return subjectAltName.split(", ").flatMap((name) => {
    const [, value] = /^(?:DNS|IP Address):"?(.+?)"?$/.exec(name) ?? [];
    return value === undefined ? [] : [value.toLowerCase()];
  });
}

/**
 * Whether a certificate with these names is valid for a host (RFC 9525 section
 * 6.3): a star stands for one label, at the left.
 *
 * @param host In lower case; `*.example.com` asks for the star itself. An IPv6
 * address without brackets.
 */
export function covers(names: readonly string[], host: string): boolean {
  return names.some((name) =>
    name === host ||
    name.startsWith("*.") && !host.startsWith("*.") &&
      host.indexOf(".") > 0 && host.slice(host.indexOf(".")) === name.slice(1)
  );
}

/** A block of a PEM file (RFC 7468). */
interface PemBlock {
  readonly label: string;
  readonly pem: string;
}

function pemBlocks(text: string): PemBlock[] {
  const pattern = /-----BEGIN ([A-Z0-9 ]+)-----[^]*?-----END \1-----/g;
  return [...text.matchAll(pattern)]
    .map(([pem, label = ""]) => ({ label, pem }));
}

/** What a file has in place of what was looked for, to follow that it has none. */
function whatElse(text: string): string {
  const labels = pemBlocks(text).map(({ label }) => label);
  if (labels.some((label) => label.endsWith("PRIVATE KEY"))) {
    return " but a private key (are the two files swapped?)";
  }
  if (labels.includes("CERTIFICATE")) {
    return " but a certificate (are the two files swapped?)";
  }
  // DER begins with a SEQUENCE of a length that takes more than one byte.
  return /^0[\x80-\x84\ufffd]/.test(text)
    ? ": it is binary, and must be PEM (openssl x509 or openssl pkey, with " +
      "-inform der, make that of DER; openssl pkcs12 of a .p12 or .pfx)"
    : " in PEM form (-----BEGIN …-----)";
}

/** Loaded only where there is a certificate: it takes 20 ms. */
function crypto(): typeof import("node:crypto") {
  return globalThis.process.getBuiltinModule("node:crypto");
}
