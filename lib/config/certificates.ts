/**
 * The certificates that a config names, each read once.
 *
 * @module
 */
import {
  type Certificate,
  joinCertificate,
  parseChain,
  parseKey,
} from "./certificate.ts";
import type { NamedFiles } from "./named_files.ts";
import { attempt } from "./schema_parts.ts";

/** The values of `ssl_certificate` and `ssl_certificate_key`. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
  /** Whether the file is written by the proxy itself, and may be missing yet. */
  readonly managed: boolean;
}

/** What stands for a certificate that is to be issued yet. No listener can be opened with it. */
const PENDING: Certificate = {
  chain: "",
  key: "",
  names: [],
  notBefore: 0,
  notAfter: 0,
  issuer: "",
  lacksIntermediate: false,
};

/** Which of the two files. */
export type Part = "certificate" | "key";

/** A certificate, or what is wrong with either file. */
export interface ReadCertificate {
  readonly certificate: Certificate | null;
  readonly problems: readonly {
    readonly of: Part;
    readonly message: string;
  }[];
}

export class Certificates {
  readonly #files: NamedFiles;
  readonly #read = new Map<string, ReadCertificate>();

  constructor(files: NamedFiles) {
    this.#files = files;
  }

  /** Equal for the same pair of files, however they are written. */
  identity({ certificate, key }: CertificateFiles): string {
    return JSON.stringify([this.path(certificate), this.path(key)]);
  }

  /** The absolute path of a file. */
  path(written: string): string {
    return this.#files.path(written);
  }

  /** Reads a certificate and its key. */
  read(files: CertificateFiles): ReadCertificate {
    const identity = this.identity(files);
    const read = this.#read.get(identity) ?? this.#parse(files);
    this.#read.set(identity, read);
    return read;
  }

  #parse(files: CertificateFiles): ReadCertificate {
    if (files.managed && this.#files.isMissing(files.certificate)) {
      return { certificate: PENDING, problems: [] };
    }
    const problems: ReadCertificate["problems"][number][] = [];
    const tried = <T>(of: Part, parse: () => T): T | null =>
      attempt(parse, (message) => {
        problems.push({ of, message });
        return null;
      });
    const parsed = <T>(
      of: Part,
      parse: (text: string, path: string) => T,
    ) =>
      tried(of, () => parse(this.#files.text(files[of]), this.path(files[of])));
    const chain = parsed("certificate", parseChain);
    const key = parsed("key", parseKey);
    const certificate = chain === null || key === null
      ? null
      : tried("key", () => joinCertificate(chain, key));
    return { certificate, problems };
  }
}
