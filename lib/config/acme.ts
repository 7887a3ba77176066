/**
 * Certificates that an authority issues by ACME: which names each is for, and
 * where it is kept.
 *
 * @module
 */
import { join } from "node:path";
import { parseAddress } from "../route/address.ts";
import type { Acme } from "./directives/acme.ts";
import type { Listen } from "./directives/listen.ts";
import { quote } from "./words.ts";

/** One certificate to be had by ACME. */
export interface AcmePlan {
  /** Host names in lower case, the first one first. */
  readonly names: readonly string[];
  /** Whom the authority may write to; null for nobody. */
  readonly email: string | null;
  /** The URL of the authority's directory. */
  readonly directory: string;
  /** Where it is kept, an absolute path: PEM, the key and the chain in one file. */
  readonly file: string;
  /** The folder with what belongs to all certificates: `state_dir`. */
  readonly stateDir: string;
}

/** Where the answers to challenges are kept, by their tokens. */
export function challengeFolder(stateDir: string): string {
  return join(stateDir, "challenges");
}

/** What is read of a server; what was refused is undefined. */
interface ReadServer {
  readonly listen?: readonly (Listen | undefined)[] | undefined;
  readonly server_name?: readonly (string | undefined)[] | undefined;
  readonly ssl_certificate?: string | Acme | undefined;
}

interface ReadConfig extends ReadServer {
  readonly servers?: readonly (ReadServer | undefined)[] | undefined;
  readonly state_dir?: string | undefined;
}

/** Where the state is kept if the config does not say. The executable may write there. */
export const DEFAULT_STATE_DIR = "/var/lib/sameorigin";

/**
 * What a server gets by ACME; null if its certificate is in files, or there is
 * none.
 *
 * @param absolute Makes a path absolute.
 */
export function acmeOf(
  server: ReadServer,
  config: ReadConfig,
  absolute: (path: string) => string,
): AcmePlan | null {
  const own = server.ssl_certificate;
  const acme = own ?? config.ssl_certificate;
  if (acme === undefined || typeof acme === "string") return null;
  const { servers = [config] } = config;
  // What is written at the top is one certificate for all that have it from there.
  const users = own === undefined
    ? servers.filter((one) =>
      one?.ssl_certificate === undefined &&
      one?.listen?.some((listen) => listen?.ssl)
    )
    : [server];
  const names = acme.names ??
    users.flatMap((one) => one?.server_name ?? [])
      .filter((name) => name !== undefined);
  const stateDir = absolute(config.state_dir ?? DEFAULT_STATE_DIR);
  const { email, directory } = acme;
  // A certificate has them without the dot of the root.
  const unique = [...new Set(names.map((name) => name.replace(/\.$/, "")))];
  const file = join(
    stateDir,
    "certificates",
    `${unique[0]}-${shortHash([...unique].toSorted())}${suffixOf(directory)}`,
  );
  return { names: unique, email, directory, file, stateDir };
}

/** How the files of an authority's certificates end. */
export function suffixOf(directory: string): string {
  return `-${shortHash(directory)}.pem`;
}

function shortHash(value: unknown): string {
  const { createHash } = globalThis.process.getBuiltinModule("node:crypto");
  const hash = createHash("sha256").update(JSON.stringify(value));
  return hash.digest("hex").slice(0, 8);
}

/** Why the names can't be certified, in words; empty if they can. */
export function problemsOfNames({ names }: AcmePlan): string[] {
  if (names.length === 0 || names.every((name) => name === "")) {
    return ["acme needs a server_name, or names"];
  }
  return names.flatMap((name) => {
    const why = whyNot(name);
    return why === null
      ? []
      : [`acme: there is no certificate for ${quote(name)}: ${why}`];
  });
}

/** Why an authority can't check a name by HTTP-01 (RFC 8555 section 8.3). */
function whyNot(name: string): string | null {
  if (name.startsWith("[") || parseAddress(name) !== null) {
    return "it is an address";
  }
  if (name.startsWith(".") || name.includes("*")) {
    return "HTTP-01 has none with a star: write the names";
  }
  if (!/^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(name)) {
    return "it is not the full name of a host";
  }
  return null;
}
