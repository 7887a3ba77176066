/**
 * HTTPS on this machine: an authority of its own, kept in .cache, and a certificate
 * for `localhost` and the addresses of this machine, made anew at each start.
 *
 * Whoever has the authority's key could speak for what it is trusted for. So it may
 * certify this machine and private networks only, and its key stays with its owner.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Network, parseNetwork } from "../lib/route/network.ts";
import {
  generateKeys,
  importKeys,
  makeCertificate,
  makeSelfSigned,
  privateKeyPem,
} from "../lib/x509/certificate.ts";

const FOLDER = fileURLToPath(new URL("../.cache/https", import.meta.url));

const DAY = 24 * 60 * 60 * 1000;

/** Days. Apple's systems take at most 825 of a certificate. */
const AUTHORITY_LIFE = 3650;
const CERTIFICATE_LIFE = 90;

/** Its `commonName` is what people see in the lists of their systems. */
export const AUTHORITY = {
  organization: "sameorigin development",
  commonName: "sameorigin on this machine",
};

/** What the authority is trusted for: this machine, and RFC 1918 and 4193. */
const TRUSTED_FOR = {
  hosts: ["localhost", "local"],
  networks: [
    ...["127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12"],
    ...["192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10"],
  ].map((text) => parseNetwork(text) as Network),
};

/** Files on this machine. */
export interface LocalHttps {
  /** The certificate and its key, PEM. */
  readonly certificate: string;
  /** What browsers are to trust, PEM. */
  readonly authority: string;
  readonly names: readonly string[];
}

/**
 * Makes a certificate, and the authority where there is none yet.
 *
 * @param hosts Further names, such as `app.localhost`.
 */
export async function localHttps(
  hosts: readonly string[] = [],
  folder = FOLDER,
): Promise<LocalHttps> {
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  const authority = join(folder, "authority.pem");
  const keys = await authorityKeys(authority, join(folder, "authority.key"));
  const own = await generateKeys();
  const names = [...new Set(["localhost", ...hosts, ...ownAddresses()])];
  const pem = await makeCertificate({
    subject: { ...AUTHORITY, commonName: "localhost" },
    names,
    ...lifeOf(CERTIFICATE_LIFE),
    publicKey: own.publicKey,
    authority: null,
  }, { name: AUTHORITY, keys });
  const certificate = join(folder, "localhost.pem");
  await writeSecret(certificate, await privateKeyPem(own.privateKey) + pem);
  return { certificate, authority, names };
}

/** Makes the authority where there is none yet, and returns the path of its certificate. */
export async function localAuthority(folder = FOLDER): Promise<string> {
  const { authority } = await localHttps([], folder);
  return authority;
}

/** The keys of the authority, whose certificate is then in its file. */
async function authorityKeys(
  certificate: string,
  key: string,
): Promise<CryptoKeyPair> {
  try {
    await Deno.stat(certificate);
    return await importKeys(await Deno.readTextFile(key));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const keys = await generateKeys();
  const facts = {
    subject: AUTHORITY,
    names: [],
    ...lifeOf(AUTHORITY_LIFE),
    authority: TRUSTED_FOR,
  };
  await writeSecret(key, await privateKeyPem(keys.privateKey));
  await Deno.writeTextFile(certificate, await makeSelfSigned(facts, keys));
  return keys;
}

function lifeOf(days: number): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  // A phone's clock may be late.
  return {
    notBefore: new Date(now - DAY),
    notAfter: new Date(now + days * DAY),
  };
}

/** The addresses of this machine that the authority may certify. */
function ownAddresses(): string[] {
  return Deno.networkInterfaces().map(({ address }) => address)
    .filter(isCertified);
}

function isCertified(address: string): boolean {
  return /^(127|10|192\.168|172\.(1[6-9]|2\d|3[01])|169\.254)\.|^::1$|^f[cd]/
    .test(address);
}

/**
 * Those of them at which other devices reach a listener, the likeliest first.
 *
 * @param hostname Where it listens: one address, or `0.0.0.0` or `::` for all.
 */
export function lanAddresses(
  hostname: string,
  interfaces: readonly Pick<
    Deno.NetworkInterfaceInfo,
    "name" | "address" | "family"
  >[] = Deno.networkInterfaces(),
): string[] {
  return interfaces
    .filter(({ address, family }) =>
      isCertified(address) && !/^127\.|^::1$/.test(address) &&
      (hostname === "::" || hostname === address ||
        hostname === "0.0.0.0" && family === "IPv4")
    )
    .map(({ name, address, family }) => ({
      address,
      doubt: (VIRTUAL.test(name) ? 4 : 0) +
        (address.startsWith("169.254.") ? 2 : 0) + (family === "IPv6" ? 1 : 0),
    }))
    .toSorted((a, b) => a.doubt - b.doubt)
    .map(({ address }) => address);
}

/** Networks inside of this machine, as containers and virtual machines have them. */
const VIRTUAL =
  /^(docker|br-|veth|virbr|vmnet|vboxnet|lxc|lxd|cni|podman|bridge|utun|tun|wg)|vEthernet/;

async function writeSecret(path: string, text: string): Promise<void> {
  // In one step, for a proxy that reads it meanwhile, and not with the mode of a
  // file that is there already.
  const next = `${path}.${crypto.randomUUID()}`;
  await Deno.writeTextFile(next, text, { mode: 0o600, createNew: true });
  await Deno.rename(next, path);
}
