/**
 * The checks of what concerns TLS: which certificate each address is served
 * with, and whether that is of any use.
 *
 * @module
 */
import { acmeOf, problemsOfNames } from "./acme.ts";
import { listenKey } from "./address.ts";
import { doubtsOf, isFor } from "./certificate_doubts.ts";
import type { CertificateFiles, Certificates, Part } from "./certificates.ts";
import type { Path, Report } from "./config_error.ts";
import type { Acme } from "./directives/acme.ts";
import type { Listen } from "./directives/listen.ts";
import type { HttpsRedirect } from "./directives/ssl.ts";
import { quote } from "./words.ts";

/** What the checks read of a level; what was refused is undefined. */
interface ReadLevel {
  readonly ssl_certificate?: string | Acme | undefined;
  readonly ssl_certificate_key?: string | undefined;
  readonly redirect_to_https?: HttpsRedirect | null | undefined;
}

interface ReadServer extends ReadLevel {
  readonly listen?: readonly (Listen | undefined)[] | undefined;
  readonly server_name?: readonly (string | undefined)[] | undefined;
}

interface ReadConfig extends ReadServer {
  readonly state_dir?: string | undefined;
  readonly servers?: readonly (ReadServer | undefined)[] | undefined;
}

export interface TlsReports {
  readonly report: Report;
  /** Takes what does not keep a config from being used. */
  readonly warn: Report;
  /** Whether the command line says where to listen. */
  readonly override: boolean;
}

/** Reports what is wrong with TLS. */
export function checkTls(
  config: ReadConfig,
  certificates: Certificates,
  reports: TlsReports,
): void {
  new TlsChecks(config, certificates, reports).run();
}

type Name = "ssl_certificate" | "ssl_certificate_key";

const NAMES: Readonly<Record<Part, Name>> = {
  certificate: "ssl_certificate",
  key: "ssl_certificate_key",
};

class TlsChecks {
  /** What was reported: servers share what is written at the top. */
  readonly #told = new Set<string>();
  /** By address: the first server on it, and its certificate. */
  readonly #addresses = new Map<
    string,
    { place: string; ssl: boolean; identity: string | null }
  >();

  constructor(
    readonly config: ReadConfig,
    readonly certificates: Certificates,
    readonly reports: TlsReports,
  ) {}

  run(): void {
    const { servers } = this.config;
    const all = servers === undefined
      ? [{ server: this.config, path: [], place: "this server" }]
      : servers.flatMap((server, i) =>
        server === undefined
          ? []
          : [{ server, path: ["servers", i], place: `servers[${i}]` }]
      );
    for (const { server, path, place } of all) {
      this.#server(server, path, place);
    }
    const used = all.some(({ server }) =>
      server.listen?.some((listen) => listen?.ssl ?? true) ?? true
    );
    if (!used && !this.reports.override) this.#unused(all);
  }

  #server(server: ReadServer, path: Path, place: string): void {
    const listens = [...(server.listen ?? []).entries()];
    const withSsl = listens.find(([, listen]) => listen?.ssl);
    const files = withSsl === undefined
      ? null
      : this.#files(server, path, [...path, "listen", withSsl[0]]);
    for (const [i, listen] of listens) {
      if (listen === undefined) continue;
      const identity = files === null
        ? null
        : this.certificates.identity(files);
      this.#address(listen, identity, [...path, "listen", i], place);
    }
    const redirect = redirectOf(server, this.config);
    if (redirect) {
      const at = [...path, "redirect_to_https"];
      const known = listens.every(([, listen]) => listen !== undefined);
      if (withSsl === undefined && known) {
        this.reports.report(at, "no listen of this server has ssl");
      }
      this.#address(redirect.listen, null, at, place);
    }
    if (files !== null) this.#certificate(server, path, files);
  }

  /** The files of a server's certificate; null where one is missing. */
  #files(
    server: ReadServer,
    path: Path,
    listen: Path,
  ): CertificateFiles | null {
    const certificate = this.#value(server, path, "ssl_certificate");
    const key = this.#value(server, path, "ssl_certificate_key");
    const { report } = this.reports;
    if (certificate === undefined && key === undefined) {
      report(listen, "ssl needs ssl_certificate and ssl_certificate_key");
      return null;
    }
    if (certificate === undefined) {
      report(listen, "ssl needs ssl_certificate too");
      return null;
    }
    // What was refused is reported already.
    if (certificate.value === undefined) return null;
    if (typeof certificate.value !== "string") {
      return this.#issued(server, certificate.path, key?.path);
    }
    if (key === undefined) {
      report(listen, "ssl needs ssl_certificate_key too");
      return null;
    }
    if (typeof key.value !== "string") return null;
    return { certificate: certificate.value, key: key.value, managed: false };
  }

  /** Where the certificate is kept that a server gets by ACME. */
  #issued(
    server: ReadServer,
    path: Path,
    key: Path | undefined,
  ): CertificateFiles | null {
    const { report } = this.reports;
    if (key !== undefined) {
      this.#once(key, "not with acme, which makes keys of its own", report);
    }
    if (!redirectOf(server, this.config) && !this.reports.override) {
      this.#once(
        path,
        "acme needs redirect_to_https: the authority asks on port 80",
        report,
      );
    }
    const plan = acmeOf(
      server,
      this.config,
      (file) => this.certificates.path(file),
    );
    if (plan === null) return null;
    for (const message of problemsOfNames(plan)) {
      this.#once(path, message, report);
    }
    const { file } = plan;
    return { certificate: file, key: file, managed: true };
  }

  /** A directive of a server or of the top level, and where it is; undefined if there is none. */
  #value(
    server: ReadServer,
    path: Path,
    name: Name,
  ): { value: string | Acme | undefined; path: Path } | undefined {
    if (isSet(server, name)) {
      return { value: server[name], path: [...path, name] };
    }
    return isSet(this.config, name)
      ? { value: this.config[name], path: [name] }
      : undefined;
  }

  /** One certificate on each address, or none. */
  #address(
    { address, ssl, written }: Listen,
    identity: string | null,
    path: Path,
    place: string,
  ): void {
    const key = listenKey(address);
    const first = this.#addresses.get(key);
    if (first === undefined) {
      this.#addresses.set(key, { place, ssl, identity });
      return;
    }
    const { report } = this.reports;
    if (first.ssl !== ssl) {
      report(
        path,
        `${first.place} has ${written} ${
          first.ssl ? "with" : "without"
        } ssl: an address has either HTTP or HTTPS`,
      );
    } else if (
      ssl && identity !== null && first.identity !== null &&
      first.identity !== identity
    ) {
      report(
        path,
        `${first.place} has another certificate on ${written}: an address has ` +
          "one certificate, which may be for several names",
      );
    }
  }

  #certificate(
    server: ReadServer,
    path: Path,
    files: CertificateFiles,
  ): void {
    const { certificate, problems } = this.certificates.read(files);
    for (const { of, message } of problems) {
      const at = this.#value(server, path, NAMES[of])?.path ?? path;
      this.#once(at, message, this.reports.report);
    }
    // What it issues itself is the proxy's own business.
    if (certificate === null || files.managed) return;
    const at = this.#value(server, path, "ssl_certificate")?.path ?? path;
    const file = this.certificates.path(files.certificate);
    for (const message of doubtsOf(certificate, file, Date.now())) {
      this.#once(at, message, this.reports.warn);
    }
    for (const [i, name] of (server.server_name ?? []).entries()) {
      if (name === undefined || isFor(certificate, name)) continue;
      this.reports.warn(
        [...path, "server_name", i],
        `the certificate in ${file} is not for ${quote(name)} (${
          certificate.names.length === 0
            ? "it has no subjectAltName"
            : `it is for ${certificate.names.join(", ")}`
        })`,
      );
    }
  }

  #once(path: Path, message: string, report: Report): void {
    const key = JSON.stringify([path, message]);
    if (this.#told.has(key)) return;
    this.#told.add(key);
    report(path, message);
  }

  /** nginx ignores a certificate without `ssl` on any listen: plain HTTP on port 443. */
  #unused(servers: readonly { server: ReadServer; path: Path }[]): void {
    for (
      const { server, path } of [{ server: this.config, path: [] }, ...servers]
    ) {
      if (!isSet(server, "ssl_certificate")) continue;
      this.#once(
        [...path, "ssl_certificate"],
        'no listen has ssl (write "443 ssl", or {address: 443, ssl: true})',
        this.reports.report,
      );
    }
  }
}

/** The server's own, or else that of the top. */
function redirectOf(
  server: ReadServer,
  config: ReadConfig,
): HttpsRedirect | null | undefined {
  return server.redirect_to_https === undefined
    ? config.redirect_to_https
    : server.redirect_to_https;
}

function isSet(level: ReadLevel, name: Name): boolean {
  // The schema leaves out what is not written, and keeps what was refused.
  return Object.hasOwn(level, name);
}
