/**
 * What `proxy_ssl_…` says, with the files that it names.
 *
 * @module
 */
import { joinCertificate, parseChain, parseKey } from "./certificate.ts";
import type { Path, Report } from "./config_error.ts";
import type { UpstreamTls } from "./directives/proxy_ssl.ts";
import type { ProxyPass } from "./directives/proxy_pass.ts";
import type { NamedFiles } from "./named_files.ts";
import { ValueError } from "./words.ts";

/** What is read of a block; what was refused is undefined. */
export interface ReadUpstreamTls {
  readonly proxy_ssl_verify?: boolean | undefined;
  readonly proxy_ssl_trusted_certificate?: string | null | undefined;
  readonly proxy_ssl_name?: string | null | undefined;
  readonly proxy_ssl_certificate?: string | null | undefined;
  readonly proxy_ssl_certificate_key?: string | null | undefined;
}

/**
 * How TLS is spoken with these settings; null where they say nothing.
 *
 * @throws {ValueError} if a file can't be used.
 */
export function upstreamTls(
  settings: ReadUpstreamTls,
  files: NamedFiles,
): UpstreamTls | null {
  const {
    proxy_ssl_verify: verify = true,
    proxy_ssl_trusted_certificate: trusted = null,
    proxy_ssl_name: name = null,
  } = settings;
  const certificate = ownCertificate(settings, files);
  if (verify && trusted === null && name === null && certificate === null) {
    return null;
  }
  return {
    trusted: trusted === null ? null : authorities(trusted, files),
    name,
    verify,
    certificate,
  };
}

function authorities(written: string, files: NamedFiles): string {
  return parseChain(files.text(written), files.path(written))
    .map((one) => one.toString().trim() + "\n").join("");
}

function ownCertificate(
  settings: ReadUpstreamTls,
  files: NamedFiles,
): UpstreamTls["certificate"] {
  const {
    proxy_ssl_certificate: chain = null,
    proxy_ssl_certificate_key: key = null,
  } = settings;
  if (chain === null || key === null) return null;
  return joinCertificate(
    parseChain(files.text(chain), files.path(chain)),
    parseKey(files.text(key), files.path(key)),
  );
}

/** A block of the config, and where it stands. */
interface Level {
  readonly block: ReadUpstreamTls;
  readonly path: Path;
}

interface ReadServer extends ReadUpstreamTls {
  readonly locations?:
    | readonly {
      readonly written: string;
      readonly value:
        | (ReadUpstreamTls & { readonly proxy_pass?: ProxyPass | undefined })
        | undefined;
    }[]
    | undefined;
}

const NAMES = [
  "proxy_ssl_trusted_certificate",
  "proxy_ssl_certificate",
  "proxy_ssl_certificate_key",
] as const;

/** Reports what is wrong with the files, each thing once. */
export function checkUpstreamTls(
  top: ReadUpstreamTls,
  servers: readonly { readonly server: ReadServer; readonly path: Path }[],
  files: NamedFiles,
  report: Report,
): void {
  const told = new Set<string>();
  const once = (path: Path, message: string) => {
    const key = JSON.stringify([path, message]);
    if (!told.has(key)) report(path, message);
    told.add(key);
  };
  for (const { server, path } of servers) {
    for (const { written, value } of server.locations ?? []) {
      if (value?.proxy_pass?.scheme !== "https") continue;
      check(
        [
          { block: value, path: [...path, "locations", written] },
          { block: server, path },
          { block: top, path: [] },
        ],
        files,
        once,
      );
    }
  }
}

function check(levels: readonly Level[], files: NamedFiles, report: Report) {
  const pathOf = new Map<typeof NAMES[number], Path>();
  const settings: Record<string, unknown> = {};
  for (const name of NAMES) {
    const level = levels.find(({ block }) => block[name] !== undefined);
    if (level === undefined) continue;
    settings[name] = level.block[name];
    if (level.block[name] !== null) pathOf.set(name, [...level.path, name]);
  }
  const chain = pathOf.get("proxy_ssl_certificate");
  const key = pathOf.get("proxy_ssl_certificate_key");
  if (chain !== undefined && key === undefined) {
    report(
      chain,
      "proxy_ssl_certificate_key is missing: the key that it needs",
    );
  }
  if (key !== undefined && chain === undefined) {
    report(key, "proxy_ssl_certificate is missing: the key alone is of no use");
  }
  const attempt = (path: Path | undefined, read: () => unknown): boolean => {
    if (path === undefined) return false;
    try {
      read();
      return true;
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      report(path, error.message);
      return false;
    }
  };
  const text = (name: typeof NAMES[number]) => String(settings[name]);
  attempt(
    pathOf.get("proxy_ssl_trusted_certificate"),
    () => authorities(text("proxy_ssl_trusted_certificate"), files),
  );
  const hasChain = attempt(chain, () => {
    const written = text("proxy_ssl_certificate");
    parseChain(files.text(written), files.path(written));
  });
  const hasKey = attempt(key, () => {
    const written = text("proxy_ssl_certificate_key");
    parseKey(files.text(written), files.path(written));
  });
  if (hasChain && hasKey) attempt(key, () => ownCertificate(settings, files));
}
