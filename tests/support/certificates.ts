/**
 * Certificates for tests, made as they are needed.
 *
 * @module
 */
import {
  generateKeys,
  type Issuer,
  makeCertificate,
  makeSelfSigned,
  type Name,
  privateKeyPem,
} from "../../lib/x509/certificate.ts";

const DAY = 24 * 60 * 60 * 1000;

/** An authority that signs certificates. */
export interface TestAuthority {
  readonly pem: string;
  readonly issuer: Issuer;
  /** Signs a certificate with a key of its own. */
  certify(facts?: Facts): Promise<TestCertificate>;
}

interface Facts {
  /** If unset, `localhost` and `127.0.0.1`. */
  readonly names?: readonly string[];
  /** In milliseconds from now. */
  readonly from?: number;
  readonly until?: number;
}

export interface TestCertificate {
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
}

/** Makes an authority that may certify everything. */
export async function testAuthority(
  name: Name = { organization: "sameorigin tests", commonName: "authority" },
): Promise<TestAuthority> {
  const keys = await generateKeys();
  const issuer = { name, keys };
  const pem = await makeSelfSigned({
    subject: name,
    names: [],
    ...lifetime({}),
    authority: { hosts: [], networks: [] },
  }, keys);
  return {
    pem,
    issuer,
    async certify(facts = {}) {
      const { privateKey, publicKey } = await generateKeys();
      const { names = ["localhost", "127.0.0.1"] } = facts;
      const subject = {
        organization: "sameorigin tests",
        commonName: names[0] ?? "",
      };
      const certificate = await makeCertificate(
        { subject, names, ...lifetime(facts), publicKey, authority: null },
        issuer,
      );
      return { certificate, key: await privateKeyPem(privateKey) };
    },
  };
}

function lifetime({ from = -DAY, until = 30 * DAY }: Facts) {
  const now = Date.now();
  return { notBefore: new Date(now + from), notAfter: new Date(now + until) };
}

/** A folder for PEM files, which disposing removes. */
export interface CertificateFolder extends Disposable {
  readonly path: string;
  /** Writes a file and returns its path. */
  write(name: string, text: string): string;
  /** Writes `NAME.crt` and `NAME.key`, and returns the directives that name them. */
  install(
    name: string,
    certificate: TestCertificate,
  ): { ssl_certificate: string; ssl_certificate_key: string };
}

export function certificateFolder(): CertificateFolder {
  const path = Deno.makeTempDirSync({ prefix: "sameorigin-tls-" });
  const write = (name: string, text: string) => {
    const file = `${path}/${name}`;
    // In one step, as whoever renews a certificate should.
    Deno.writeTextFileSync(`${file}.new`, text);
    Deno.renameSync(`${file}.new`, file);
    return file;
  };
  return {
    path,
    write,
    install: (name, { certificate, key }) => ({
      ssl_certificate: write(`${name}.crt`, certificate),
      ssl_certificate_key: write(`${name}.key`, key),
    }),
    [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }),
  };
}
