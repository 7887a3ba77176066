/**
 * The same settings of `proxy_ssl_…` in nginx and in sameorigin: the server sees
 * the same handshake, or neither reaches it.
 *
 * @module
 */
import { deepStrictEqual } from "node:assert/strict";
import { ask } from "../support/backends.ts";
import { startNginx } from "../support/nginx.ts";
import { startProxy } from "../support/proxy.ts";
import { testNeeding } from "../support/skip.ts";
import { certificatePath, tlsBackend } from "../support/tls_backend.ts";

type Settings = Readonly<Record<string, string>>;

const AUTHORITIES: readonly Settings[] = [
  { proxy_ssl_verify: "off" },
  {
    proxy_ssl_verify: "on",
    proxy_ssl_trusted_certificate: certificatePath("ca.crt"),
  },
  {
    proxy_ssl_verify: "on",
    proxy_ssl_trusted_certificate: certificatePath("self.crt"),
  },
];

const NAMES: readonly Settings[] = [
  {},
  { proxy_ssl_name: "backend.internal" },
  { proxy_ssl_name: "other.internal" },
];

const CERTIFICATES: readonly Settings[] = [
  {},
  {
    proxy_ssl_certificate: certificatePath("client.crt"),
    proxy_ssl_certificate_key: certificatePath("client.key"),
  },
];

const ALL = AUTHORITIES.flatMap((authority) =>
  NAMES.flatMap((name) =>
    CERTIFICATES.map((own): Settings => ({ ...authority, ...name, ...own }))
  )
);

testNeeding(
  ["nginx"],
  "sameorigin speaks TLS to upstreams as nginx does",
  async () => {
    const seen: string[] = [];
    for (const certificate of ["server", "self"]) {
      await using backend = await tlsBackend(certificate);
      const to = `https://127.0.0.1:${backend.port}`;
      await using nginx = await startNginx(`server {
        listen 127.0.0.1:PORT;
        # nginx's default is off: then it asks for no name.
        proxy_ssl_server_name on;
        # It would go on with the session of another location, without its
        # certificate.
        proxy_ssl_session_reuse off;
        ${
        ALL.map((settings, i) =>
          `location /${i}/ { proxy_pass ${to}; ${
            Object.entries(settings)
              .map(([name, value]) => `${name} ${value};`).join(" ")
          } }`
        ).join("\n")
      }
      }`);
      await using own = startProxy({
        locations: Object.fromEntries(
          ALL.map((settings, i) => [
            `/${i}/`,
            { proxy_pass: to, ...settings },
          ]),
        ),
      });
      for (const [i, settings] of ALL.entries()) {
        const [theirs = "", ours = ""] = await Promise.all(
          [nginx.port, own.port].map((port) =>
            ask(`http://127.0.0.1:${port}/${i}/`)
          ),
        );
        const page = (answer: string) =>
          answer.startsWith("502 ") ? "502" : answer;
        deepStrictEqual(
          page(ours),
          page(theirs),
          JSON.stringify({ certificate, settings }),
        );
        seen.push(page(ours));
      }
    }
    // Each outcome is among them.
    deepStrictEqual([...new Set(seen)].toSorted(), [
      "200 (no name) (no certificate)",
      "200 (no name) client",
      "200 backend.internal (no certificate)",
      "200 backend.internal client",
      "200 other.internal (no certificate)",
      "200 other.internal client",
      "502",
    ]);
  },
);
