/**
 * What `deno task dev --https` adds: a certificate of this machine, and, where
 * other devices of the network may come, the page that has a phone trust it.
 *
 * Without being asked it listens on this machine only: the demo's error pages are
 * for developers. `--lan` asks, or a `--listen` that other devices reach.
 *
 * @module
 */
import { type ListenAddress, parseListen } from "../lib/config/address.ts";
import { lanAddresses, type LocalHttps, localHttps } from "./local_https.ts";
import { httpUrl } from "./phone/addresses.ts";
import { type PhoneServer, startPhoneServer } from "./phone/server.ts";

/** Where the proxy listens; config.yaml has the same port. */
const PORT = 9000;

/** An option that can't be used; to be printed. */
export class DevOptionError extends Error {
  override readonly name = "DevOptionError";
}

/** What the proxy is given, and what runs beside it. */
export interface DevHttps {
  readonly args: readonly string[];
  stop(): Promise<void>;
}

/** Whether the options ask for HTTPS: `--lan` does, too. */
export function wantsHttps(given: readonly string[]): boolean {
  return given.includes("--https") || given.includes("--lan");
}

/**
 * The options of the proxy for HTTPS.
 *
 * @throws {DevOptionError} if `--lan` and `--listen` contradict each other.
 */
export async function startHttps(given: readonly string[]): Promise<DevHttps> {
  const lan = given.includes("--lan");
  const args = given.filter((arg) => arg !== "--https" && arg !== "--lan");
  let address = listenOf(takeListen(args), lan);
  const https = await localHttps();
  console.error(
    `https  for ${https.names.join(", ")}\n` +
      "       so that browsers trust it, once: deno task trust",
  );
  let phone: PhoneServer | null = null;
  let listen = address;
  if (typeof address !== "string") {
    const addresses = reachedAt(address.hostname, lan);
    if (addresses.length > 0) {
      // The page must know it before the proxy has it.
      const port = address.port || freePort(address.hostname);
      address = { ...address, port };
      phone = await startPhone(address, https, addresses);
    }
    listen = written(address);
  }
  const { certificate } = https;
  return {
    args: [...args, "--listen", `${listen} ssl`, "--certificate", certificate],
    stop: async () => await phone?.stop(),
  };
}

/** The value of `--listen`, which is then no more among the options. */
function takeListen(args: string[]): string | null {
  const at = args.findIndex((arg) => /^--listen(=|$)/.test(arg));
  if (at === -1) return null;
  const joined = args[at]!.startsWith("--listen=");
  const [first = "", second] = args.splice(at, joined ? 1 : 2);
  return joined ? first.slice("--listen=".length) : second ?? "";
}

/**
 * Where the proxy listens. What is no TCP address stays as it is written: the
 * proxy says what is wrong with it.
 */
export function listenOf(
  listen: string | null,
  lan: boolean,
): (ListenAddress & { transport: "tcp" }) | string {
  if (listen === null) {
    const hostname = lan ? "0.0.0.0" : "127.0.0.1";
    return { transport: "tcp", hostname, port: PORT };
  }
  let address: ListenAddress;
  try {
    address = parseListen(listen);
  } catch {
    return listen;
  }
  if (lan && (address.transport === "unix" || isLoopback(address.hostname))) {
    throw new DevOptionError(
      `--lan is for other devices, and --listen ${listen} for this one only: ` +
        "omit one of them",
    );
  }
  return address.transport === "unix" ? listen : address;
}

function isLoopback(hostname: string): boolean {
  return /^(localhost|127\..*|::1)$/.test(hostname);
}

function written({ hostname, port }: { hostname: string; port: number }) {
  return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}

/** Where other devices reach it; why there is nothing of the kind is said. */
function reachedAt(hostname: string, asked: boolean): string[] {
  if (isLoopback(hostname)) {
    console.error("       for phones in this network, too: --lan");
    return [];
  }
  const addresses = lanAddresses(hostname);
  if (addresses.length === 0 && asked) {
    console.error(
      "lan    no address of a private network is found, and the certificate is\n" +
        "       for none that other devices could use",
    );
  }
  return addresses;
}

/** The page for phones, and what the terminal says of it. */
async function startPhone(
  address: { hostname: string; port: number },
  https: LocalHttps,
  addresses: readonly string[],
): Promise<PhoneServer> {
  const phone = await startPhoneServer({
    authority: await Deno.readTextFile(https.authority),
    hostname: address.hostname,
    httpsPort: address.port,
    addresses,
  });
  const [url, ...others] = phone.urls;
  console.error(
    `phone  ${url}\n` +
      others.map((other) => `       ${other}\n`).join("") +
      "       a page that has a phone in this network trust the authority, for\n" +
      `       ${httpUrl("https", addresses[0]!, address.port)}\n` +
      "       Compare what the phone shows of it. SHA-256:\n" +
      phone.fingerprint.replace(/^(.{47}):/, "       $1:\n       "),
  );
  if (Deno.stderr.isTerminal()) {
    // Loaded only here: not every start needs it.
    const { forTerminal } = await import("./phone/qr_code.ts");
    const code = forTerminal(url!);
    if (code !== null) console.error(code);
  }
  return phone;
}

function freePort(hostname: string): number {
  using listener = Deno.listen({ hostname, port: 0 });
  return listener.addr.port;
}
