/**
 * Pebble, Let's Encrypt's small ACME server for tests, with a name server that
 * leads every name to this machine.
 *
 * @module
 */
import { testAuthority } from "./certificates.ts";
import { freePort } from "./free_port.ts";
import { findPebble } from "./pebble_programs.ts";
import { soon } from "./soon.ts";

export interface PebbleOptions {
  /** Where it looks for the answers to challenges. */
  readonly httpPort: number;
  /** Of the certificates, in seconds; 90 days if unset. */
  readonly lifetime?: number;
  /** Percentage of nonces that it refuses; 0 if unset. */
  readonly badNonces?: number;
}

export interface Pebble extends AsyncDisposable {
  /** The URL of its directory. */
  readonly directory: string;
  /** PEM: who signed the certificate of its own address. */
  readonly authority: string;
  /** PEM: the root of the certificates that it issues, other ones at each start. */
  root(): Promise<string>;
  /** Orders so far, as it logs them. */
  orders(): number;
}

/** Starts it. Disposing ends it. */
export async function startPebble(options: PebbleOptions): Promise<Pebble> {
  const { httpPort, lifetime = 90 * 24 * 60 * 60, badNonces = 0 } = options;
  const dir = await Deno.makeTempDir({ prefix: "sameorigin-pebble-" });
  const authority = await testAuthority();
  const { certificate, key } = await authority.certify();
  const write = async (name: string, text: string) => {
    await Deno.writeTextFile(`${dir}/${name}`, text);
    return `${dir}/${name}`;
  };
  const [port, management, dns, challenges] = [
    freePort(),
    freePort(),
    freePort(),
    freePort(),
  ];
  const programs = await findPebble();
  if ("missing" in programs) throw new Error(programs.missing);
  const config = await write(
    "config.json",
    JSON.stringify({
      pebble: {
        listenAddress: `127.0.0.1:${port}`,
        managementListenAddress: `127.0.0.1:${management}`,
        certificate: await write("site.crt", certificate),
        privateKey: await write("site.key", key),
        httpPort,
        tlsPort: 1,
        ocspResponderURL: "",
        externalAccountBindingRequired: false,
        domainBlocklist: ["blocked.example"],
        retryAfter: { authz: 1, order: 1 },
        keyAlgorithm: "ecdsa",
        profiles: { default: { description: "-", validityPeriod: lifetime } },
      },
    }),
  );
  const names = start(programs.names, [
    ...["-defaultIPv4", "127.0.0.1"],
    ...["-defaultIPv6", ""],
    ...["-dnsserver", `127.0.0.1:${dns}`],
    ...["-management", `127.0.0.1:${challenges}`],
    ...["-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", ""],
  ], {});
  const server = start(programs.pebble, [
    ...["-config", config],
    ...["-dnsserver", `127.0.0.1:${dns}`],
  ], {
    PEBBLE_VA_NOSLEEP: "1",
    PEBBLE_AUTHZREUSE: "0",
    PEBBLE_WFE_NONCEREJECT: String(badNonces),
  });
  await soon("Pebble listens", server.until("ACME directory available at"));
  await soon("the name server listens", names.until("DNS"));
  return {
    directory: `https://127.0.0.1:${port}/dir`,
    authority: authority.pem,
    async root() {
      using client = Deno.createHttpClient({ caCerts: [authority.pem] });
      const url = `https://127.0.0.1:${management}/roots/0`;
      return await (await fetch(url, { client })).text();
    },
    orders: () => server.output().split("Added order ").length - 1,
    async [Symbol.asyncDispose]() {
      await Promise.all([server.end(), names.end()]);
      await Deno.remove(dir, { recursive: true });
    },
  };
}

/** Starts a program that logs. */
function start(name: string, args: string[], env: Record<string, string>) {
  const child = new Deno.Command(name, {
    args,
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let text = "";
  let news = Promise.withResolvers<void>();
  const read = async (stream: ReadableStream<Uint8Array>) => {
    for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      news.resolve();
      news = Promise.withResolvers();
    }
  };
  const ended = Promise.all([read(child.stdout), read(child.stderr)]);
  return {
    output: () => text,
    async until(words: string): Promise<void> {
      while (!text.includes(words)) {
        await Promise.race([
          news.promise,
          child.status.then(() => {
            throw new Error(`${name} has ended:\n${text}`);
          }),
        ]);
      }
    },
    async end(): Promise<void> {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended.
      }
      await Promise.all([child.status, ended]);
    },
  };
}
