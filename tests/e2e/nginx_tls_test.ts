/**
 * HTTPS: the same requests through nginx and through sameorigin, with the same
 * certificate: what each server of several names answers, what upstreams and
 * redirects hear of the scheme, and where plain HTTP is sent.
 *
 * @module
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import { backend } from "../support/backends.ts";
import { certificateFolder, testAuthority } from "../support/certificates.ts";
import { freePort } from "../support/free_port.ts";
import { startNginx } from "../support/nginx.ts";
import { startProxy } from "../support/proxy.ts";
import { rawExchange } from "../support/raw_upstream.ts";
import { testNeeding } from "../support/skip.ts";
import { rawTlsClient } from "../support/tls_client.ts";

const authority = await testAuthority();
const names = [
  "a.example",
  "*.a.example",
  "b.example",
  "localhost",
  "127.0.0.1",
];

/** Where both listen, so that redirects read the same. */
interface Ports {
  readonly https: number;
  readonly http: number;
}

function nginxHttp(app: string, { https, http }: Ports): string {
  const ssl = `listen 127.0.0.1:${https} ssl; ` +
    "ssl_certificate DIR/site.crt; ssl_certificate_key DIR/site.key;";
  const hsts = "add_header Strict-Transport-Security max-age=300 always;";
  const vars = "$scheme $https $server_port $host $server_name $request_uri";
  return `
  upstream app { server ${app}; }
  server { listen 127.0.0.1:PORT; return 204; }
  server { ${ssl} server_name a.example; ${hsts}
    location / { return 200 "a ${vars}"; }
    location /app/ { proxy_pass http://app/;
      proxy_set_header X-Proto $scheme; proxy_set_header X-Https $https;
      proxy_set_header Host $http_host; proxy_redirect default; }
    location /moved { return 301 /there$is_args$args; }
    location /gone { return 410; }
  }
  server { ${ssl} server_name *.a.example; location / { return 200 "star ${vars}"; } }
  server { ${ssl} server_name b.example; location / { return 200 "b ${vars}"; } }
  server { listen 127.0.0.1:${http}; server_name a.example *.a.example b.example;
    return 308 https://$host:${https}$request_uri; }`;
}

function ourConfig(app: string, ports: Ports, files: object) {
  const { https, http } = ports;
  const vars = "$scheme $https $server_port $host $server_name $request_uri";
  const server = (server_name: string, rest = {}, locations = {}) => ({
    listen: `127.0.0.1:${https} ssl`,
    server_name,
    redirect_to_https: `127.0.0.1:${http}`,
    ...rest,
    locations,
  });
  const answers = (name: string) => ({ return: [200, `${name} ${vars}`] });
  return {
    listen: undefined,
    ...files,
    upstreams: { app },
    servers: [
      server("a.example", { strict_transport_security: "max-age=300" }, {
        "/": answers("a"),
        "/app/": {
          proxy_pass: "http://app/",
          proxy_set_header: {
            "X-Proto": "$scheme",
            "X-Https": "$https",
            "Host": "$http_host",
          },
        },
        "/moved": { return: "301 /there$is_args$args" },
        "/gone": { return: 410 },
      }),
      server("*.a.example", {}, { "/": answers("star") }),
      server("b.example", {}, { "/": answers("b") }),
    ],
  };
}

const HOSTS = [
  "a.example",
  "A.Example",
  "x.a.example",
  "x.y.a.example",
  "b.example",
  "b.example.",
  "c.example",
  "127.0.0.1",
];

const TARGETS = [
  "/",
  "/x?y=1&z",
  // What is refused before its server is known has no HSTS here.
  "/z/%2e%2e/%41?%20",
  "//double//slash",
  "/moved?q=1",
  "/gone",
  "/app/seen?k=v",
];

/** What both must agree on. */
interface Seen {
  readonly status: string;
  readonly location: string | null;
  readonly hsts: string | null;
  readonly body: string;
}

function seen(answer: string): Seen {
  const [head = "", body = ""] = answer.split(/\r\n\r\n(.*)/s);
  const field = (name: string) =>
    new RegExp(`^${name}: (.*)$`, "im").exec(head)?.[1]?.trim() ?? null;
  const status = head.slice("HTTP/1.1 ".length, "HTTP/1.1 200".length);
  return {
    status,
    // nginx writes hosts in lower case, which makes no difference (RFC 9110
    // section 4.2.3).
    location: field("location")
      ?.replace(/^https?:..[^/]+/, (origin) => origin.toLowerCase()) ?? null,
    hsts: field("strict-transport-security"),
    // The pages of errors and redirects are each its own.
    body: status === "200" ? body : "",
  };
}

async function overTls(port: number, request: string): Promise<string> {
  const client = await rawTlsClient(port, authority);
  await client.write(request);
  while (await client.read());
  client.close();
  return client.received;
}

testNeeding(
  ["nginx"],
  "HTTPS answers and plain HTTP redirects as nginx does",
  async () => {
    const certificate = await authority.certify({ names });
    using folder = certificateFolder();
    await using app = backend("app", ({ target, headers }) => {
      const body = `${target} ${headers.get("x-proto")} ${
        headers.get("x-https")
      }`;
      return new Response(body, {
        headers: { "content-length": `${body.length}` },
      });
    });
    const nginxPorts = { https: freePort(), http: freePort() };
    await using _nginx = await startNginx(nginxHttp(app.address, nginxPorts), {
      "site.crt": certificate.certificate,
      "site.key": certificate.key,
    });
    const ports = { https: freePort(), http: freePort() };
    await using _proxy = startProxy(
      ourConfig(app.address, ports, folder.install("site", certificate)),
    );
    const compare = async (
      what: string,
      ask: (ports: Ports) => Promise<string>,
    ) => {
      const normal = (answer: string, { https, http }: Ports) =>
        answer.replaceAll(String(https), "HTTPS").replaceAll(
          String(http),
          "HTTP",
        );
      const theirs = seen(normal(await ask(nginxPorts), nginxPorts));
      const ours = seen(normal(await ask(ports), ports));
      ok(theirs.status !== "", what);
      deepStrictEqual(ours, theirs, what);
    };
    let count = 0;
    for (const host of HOSTS) {
      for (const target of TARGETS) {
        for (const method of ["GET", "POST"]) {
          if (target.startsWith("/app/") && method === "POST") continue;
          // With its port, as browsers send it: redirects lead to where they were
          // asked for here, in nginx to where it listens.
          const request = (port: number) =>
            `${method} ${target} HTTP/1.1\r\nHost: ${host}:${port}\r\n` +
            "Content-Length: 0\r\nConnection: close\r\n\r\n";
          await compare(
            `https ${method} ${host} ${target}`,
            ({ https }) => overTls(https, request(https)),
          );
          await compare(
            `http ${method} ${host} ${target}`,
            ({ http }) => rawExchange(http, request(http)),
          );
          count += 2;
        }
      }
    }
    ok(count >= 60, `${count} requests`);
  },
);
