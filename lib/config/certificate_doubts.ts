/**
 * What is wrong with a certificate that can be used all the same.
 *
 * @module
 */
import { type Certificate, covers } from "./certificate.ts";

/** What keeps clients from accepting a certificate, at this time. */
export function doubtsOf(
  { notBefore, notAfter, lacksIntermediate }: Certificate,
  file: string,
  now: number,
): string[] {
  const doubts: string[] = [];
  if (now > notAfter) {
    doubts.push(`the certificate in ${file} expired on ${utc(notAfter)}`);
  }
  if (now < notBefore) {
    doubts.push(
      `the certificate in ${file} is not valid before ${utc(notBefore)}`,
    );
  }
  if (lacksIntermediate) {
    doubts.push(
      `${file} has the server's certificate alone: clients need the ` +
        "authority's intermediate one too, behind it (fullchain.pem)",
    );
  }
  return doubts;
}

/** `2026-11-26 14:25 UTC`. */
function utc(time: number): string {
  return `${new Date(time).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/**
 * Whether a certificate is for a `server_name`, as far as that is a name that an
 * authority gives certificates for.
 */
export function isFor({ names }: Certificate, name: string): boolean {
  if (!name.includes(".") || name.endsWith(".*")) return true;
  if (/^[\d.]+$/.test(name)) return true;
  if (name.startsWith(".")) {
    return covers(names, name.slice(1)) && covers(names, `*${name}`);
  }
  return covers(names, name) ||
    // Some of its names may be all that there are.
    name.startsWith("*.") &&
      names.some((own) => own.endsWith(name.slice(1)));
}
