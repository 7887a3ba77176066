/**
 * `ssl_certificate: {acme: …}`: a certificate that an authority issues by ACME
 * (RFC 8555).
 *
 * @module
 */
import * as v from "valibot";
import { block, oneOrMore, parsedBy, text } from "../schema_parts.ts";
import { expected, ValueError } from "../words.ts";
import { documented } from "./directive.ts";
import { parseServerName } from "./listen.ts";

/** What is asked of the authority. */
export interface Acme {
  readonly email: string | null;
  /** The URL of its directory. */
  readonly directory: string;
  /** Host names; null for those of the servers. */
  readonly names: readonly string[] | null;
}

/** Directories with a name of their own. */
const DIRECTORIES: ReadonlyMap<string, string> = new Map([
  ["letsencrypt", "https://acme-v02.api.letsencrypt.org/directory"],
  [
    "letsencrypt-staging",
    "https://acme-staging-v02.api.letsencrypt.org/directory",
  ],
]);

const DIRECTORY_WORDS = `"letsencrypt", "letsencrypt-staging" or an https URL`;

function parseDirectory(value: string): string {
  const url = DIRECTORIES.get(value) ?? value;
  if (URL.parse(url)?.protocol !== "https:") {
    throw new ValueError(expected(DIRECTORY_WORDS, value));
  }
  return url;
}

function parseEmail(value: string): string {
  const email = value.replace(/^mailto:/, "");
  if (!/^[^\s@,?]+@[^\s@,?]+$/.test(email)) {
    throw new ValueError(expected("an email address", value));
  }
  return email;
}

export const AcmeBlock = v.pipe(
  block("a map with email, directory and names", {
    email: v.optional(documented(
      v.pipe(text("an email address"), parsedBy(parseEmail)),
      "Whom the authority may write to about the certificates.",
    )),
    directory: v.optional(
      documented(
        v.pipe(
          text(DIRECTORY_WORDS),
          v.metadata({ pattern: "^(letsencrypt(-staging)?|https://.+)$" }),
          parsedBy(parseDirectory),
        ),
        "The authority: letsencrypt, letsencrypt-staging to try it, or the URL " +
          "of another one's directory.",
      ),
      "letsencrypt",
    ),
    names: v.optional(documented(
      oneOrMore(
        "a host name or a list of them",
        v.pipe(text("a host name"), parsedBy(parseServerName)),
      ),
      "What the certificate is for; the server_name of all servers that have " +
        "it, if unset.",
    )),
  }),
  v.transform(({ email = null, directory, names }): Acme => ({
    email,
    directory,
    names: names === undefined
      ? null
      : names.filter((name) => name !== undefined),
  })),
);
