/**
 * `examples/production`, as it is deployed: one sameorigin with its config and
 * the built page, beside the chat's Django and Centrifugo, with a certificate of
 * Pebble's.
 *
 * @module
 */
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { frontend } from "../../tools/stack/parts.ts";
import { FRONTEND, ROOT } from "../../tools/stack/places.ts";
import { freePorts } from "../../tools/stack/ports.ts";
import { prepare } from "../../tools/stack/prepare.ts";
import { runToEnd } from "../../tools/stack/run_to_end.ts";
import { type Stack, startStack } from "../../tools/stack/start_stack.ts";
import { startPebble } from "./pebble.ts";
import { type Outcome, sameorigin, startSameorigin } from "./process.ts";
import { soon } from "./soon.ts";
import { testReport } from "./stack.ts";
import { servedCertificate } from "./tls_client.ts";

/** The name that the certificate is for. */
export const DOMAIN = "chat.example";

/** Connections in a row: one more with the other listener is as likely as 2^-20. */
const SETTLED = 20;

/** The example, running. */
export interface Production extends AsyncDisposable {
  readonly stack: Stack;
  /** The ports of HTTPS, and of HTTP that leads there. */
  readonly https: number;
  readonly http: number;
  /** PEM: whom a client must trust. */
  readonly root: string;
  /** Runs a command of sameorigin with the example's config: `check`. */
  command(name: string, ...args: string[]): Promise<Outcome>;
}

/** Builds the page and starts all; ends once the certificate is in use. */
export async function startProduction(): Promise<Production> {
  await using cleanUp = new AsyncDisposableStack();
  const [https = 0, http = 0] = await freePorts(2);
  const pebble = cleanUp.use(await startPebble({ httpPort: http }));
  const stack = cleanUp.use(
    await startStack({
      report: testReport,
      frontend: "none",
      proxy: "none",
      env: {
        backend: {
          DJANGO_DEBUG: "0",
          DJANGO_ALLOWED_HOSTS: `${DOMAIN},127.0.0.1`,
        },
        centrifugo: {
          CENTRIFUGO_CLIENT_ALLOWED_ORIGINS: `https://${DOMAIN}:${https}`,
        },
      },
    }),
  );
  const folder = join(stack.folder, "production");
  await Deno.mkdir(folder);
  await buildPage(stack, join(folder, "dist"));
  const config = join(folder, "config.yaml");
  const example = join(ROOT, "examples", "production", "config.yaml");
  await Deno.copyFile(example, config);
  const authority = join(folder, "authority.pem");
  await Deno.writeTextFile(authority, pebble.authority);
  const options = {
    permissions: [`--allow-write=${join(folder, "state")}`],
    env: {
      HTTPS: `127.0.0.1:${https}`,
      HTTP: `127.0.0.1:${http}`,
      DOMAIN,
      ACME_DIRECTORY: pebble.directory,
      STATE_DIR: join(folder, "state"),
      BACKEND: stack.addresses.backend,
      CENTRIFUGO: stack.addresses.centrifugo,
      // Of Pebble's own address, which is no public one.
      DENO_CERT: authority,
    },
  };
  const command = (name: string, ...args: string[]) =>
    sameorigin([name, "--config", config, ...args], options);
  const running = cleanUp.use(
    await startSameorigin(["run", "--config", config], options),
  );
  await soon(
    "the certificate is in use",
    running.until(/^certificate: .+new certificate on /m),
  );
  await soon("each connection has it", settled(https));
  const root = await pebble.root();
  const ends = cleanUp.move();
  return {
    ...{ stack, https, http, root, command },
    [Symbol.asyncDispose]: () => ends.disposeAsync(),
  };
}

/**
 * The listener with the provisional certificate takes connections until it closes,
 * and breaks off those that are in their handshake then: until so many in a row have
 * the new one.
 */
async function settled(port: number): Promise<void> {
  for (let inARow = 0; inARow < SETTLED;) {
    const served = await servedCertificate(port).catch(() => null);
    inARow = served?.issuer === "Pebble" ? inARow + 1 : 0;
  }
}

/** `vite build`, and `gzip` of what it has named by its content. */
async function buildPage(stack: Stack, built: string): Promise<void> {
  const { signal } = new AbortController();
  const { before } = frontend({
    prepared: await prepare(true, testReport, signal),
    secrets: stack.secrets,
    addresses: stack.addresses,
    folder: stack.folder,
    frontend: FRONTEND,
    built,
    env: {},
  });
  for (const step of before) await runToEnd(step, signal);
  const assets = join(built, "assets");
  for await (const { name } of Deno.readDir(assets)) {
    const path = join(assets, name);
    await Deno.writeFile(`${path}.gz`, gzipSync(await Deno.readFile(path)));
  }
}

/** A home directory whose browsers trust Pebble's certificates. */
export async function trustedHome(
  { stack, root }: Pick<Production, "stack" | "root">,
): Promise<string> {
  const home = join(stack.folder, "home");
  const database = join(home, ".pki", "nssdb");
  await Deno.mkdir(database, { recursive: true });
  const authority = join(home, "root.pem");
  await Deno.writeTextFile(authority, root);
  const { signal } = new AbortController();
  for (
    const args of [
      ["-N", "--empty-password"],
      ["-A", "-t", "C,,", "-n", "Pebble", "-i", authority],
    ]
  ) {
    await runToEnd({
      program: "certutil",
      args: ["-d", `sql:${database}`, ...args],
      cwd: home,
      env: {},
    }, signal);
  }
  return home;
}
