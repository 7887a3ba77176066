/**
 * The proxies that `reload.ts` compares, and how each is told to reload.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { findProgram } from "../tests/support/skip.ts";
import { PROXY_FLAGS } from "../tools/proxy_flags.ts";
import { denoArguments } from "../tools/with_std.ts";

/** The site at one turn: what is listened on, who serves, how many locations. */
export interface Site {
  ports: readonly number[];
  servers: readonly number[];
  locations: number;
}

/** A proxy that runs. */
export interface Reloaded extends AsyncDisposable {
  readonly pid: number;
  /**
   * Puts a site in effect, or tries a config with a mistake in it.
   *
   * @returns Whether it was taken.
   */
  reload(site: Site | "broken"): Promise<boolean>;
}

/** A kind of proxy. */
export interface Reloadable {
  readonly name: string;
  readonly missing: string | null;
  /** @param folder Its own. */
  start(site: Site, folder: string): Promise<Reloaded>;
}

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));

/** Milliseconds after which a reload is taken to be done where nobody says so. */
const SETTLED = 200;

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export const RELOADABLES: readonly Reloadable[] = [
  sameorigin("sameorigin", 1),
  sameorigin("sameorigin, 2 workers", 2),
  {
    name: "nginx",
    missing: findProgram("nginx") === undefined ? "not installed" : null,
    start: startNginx,
  },
];

function sameorigin(name: string, workers: number): Reloadable {
  return {
    name,
    missing: null,
    async start(site, folder) {
      const file = `${folder}/config.yaml`;
      const write = (site: Site | "broken") =>
        Deno.writeTextFile(file, site === "broken" ? "listen: [" : text(site));
      const text = (site: Site) =>
        JSON.stringify({
          listen: site.ports.map((port) => `127.0.0.1:${port}`),
          workers,
          upstreams: {
            echo: { servers: site.servers.map((port) => `127.0.0.1:${port}`) },
          },
          locations: Object.fromEntries(
            prefixes(site).map((prefix) => [prefix, "http://echo"]),
          ),
        });
      await write(site);
      const child = new Deno.Command(Deno.execPath(), {
        args: await denoArguments("run", [
          ...PROXY_FLAGS,
          ...[MAIN, "-c", file],
        ]),
        stdin: "null",
        stdout: "null",
        stderr: "piped",
      }).spawn();
      const said = new Said(child.stderr);
      await said.next(/http:\/\//);
      return {
        pid: child.pid,
        async reload(site) {
          await write(site);
          const line = said.next(/SIGHUP: .*\n/);
          child.kill("SIGHUP");
          return (await line).includes("in effect");
        },
        async [Symbol.asyncDispose]() {
          child.kill("SIGKILL");
          await child.status;
        },
      };
    },
  };
}

async function startNginx(site: Site, folder: string): Promise<Reloaded> {
  const file = `${folder}/nginx.conf`;
  const write = (site: Site | "broken") =>
    Deno.writeTextFile(file, site === "broken" ? "http {" : nginxText(site));
  const nginx = findProgram("nginx") ?? "nginx";
  const args = ["-p", folder, "-c", file, "-e", "stderr"];
  await write(site);
  const child = new Deno.Command(nginx, {
    args,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  await wait(1_000);
  return {
    pid: child.pid,
    async reload(site) {
      await write(site);
      const { success } = await new Deno.Command(nginx, {
        args: [...args, "-s", "reload"],
        stdout: "null",
        stderr: "null",
      }).output();
      await wait(SETTLED);
      return success;
    },
    async [Symbol.asyncDispose]() {
      // SIGTERM is nginx's fast shutdown: the workers go with it.
      child.kill("SIGTERM");
      await child.status;
    },
  };
}

function nginxText(site: Site): string {
  const listens = site.ports.map((port) => `listen 127.0.0.1:${port};`);
  const servers = site.servers.map((port) => `server 127.0.0.1:${port};`);
  const locations = prefixes(site)
    .map((prefix) => `location ${prefix} { proxy_pass http://echo; }`);
  return `daemon off;
pid nginx.pid;
worker_processes 1;
events { worker_connections 16384; }
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  keepalive_requests 1000000000;
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  upstream echo { ${servers.join(" ")} keepalive 64; }
  server {
    ${listens.join("\n    ")}
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
    proxy_read_timeout 1h;
    ${locations.join("\n    ")}
  }
}
`;
}

function prefixes({ locations }: Site): string[] {
  return ["/", ...Array.from({ length: locations }, (_, i) => `/l${i}/`)];
}

/** Standard error, read on and on. */
class Said {
  #text = "";
  #news = Promise.withResolvers<void>();

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#read(stream);
  }

  /** The next match in what is said from now on. */
  async next(pattern: RegExp): Promise<string> {
    let from = this.#text.length;
    if (from > 0 && !this.#text.endsWith("\n")) from--;
    for (;;) {
      const match = pattern.exec(this.#text.slice(from));
      if (match !== null) return match[0];
      await this.#news.promise;
    }
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.#text += text;
      this.#news.resolve();
      this.#news = Promise.withResolvers();
    }
  }
}
