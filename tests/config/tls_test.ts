/**
 * TLS in the config: what is refused, and with which words.
 *
 * @module
 */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { covers } from "../../lib/config/certificate.ts";
import { planFromObject } from "../../lib/config/load.ts";
import type { Plan } from "../../lib/config/plan.ts";
import { certificateFolder, testAuthority } from "../support/certificates.ts";
import { thrown } from "./config.ts";

const LOCATIONS = { "/": { return: 200 } };

const authority = await testAuthority();
const good = await authority.certify();

const folder = certificateFolder();
Deno.test.afterAll(() => folder[Symbol.dispose]());
const at = (name: string) => `${folder.path}/${name}`;
const files = folder.install("good", good);

function plan(config: Record<string, unknown>): Plan {
  return planFromObject({ locations: LOCATIONS, ...config }, {
    source: at("config.yaml"),
    env: () => undefined,
  });
}

/** The problems of a config, each without the file's name. */
function problems(config: Record<string, unknown>): string[] {
  return thrown(() => plan(config)).message.split("\n")
    .map((line) => line.replace(`${at("config.yaml")}: `, ""));
}

const SSL = { listen: "443 ssl", ...files };

Deno.test("listen takes nginx's ssl, or a map", () => {
  for (
    const listen of [
      "127.0.0.1:443 ssl",
      { address: "127.0.0.1:443", ssl: true },
      { address: "127.0.0.1:443 ssl" },
      [{ address: "127.0.0.1:443", ssl: "on" }],
    ]
  ) {
    const [listener] = plan({ ...SSL, listen }).listeners;
    assert.deepEqual(listener?.address, {
      transport: "tcp",
      hostname: "127.0.0.1",
      port: 443,
    });
    assert.equal(listener?.written, "127.0.0.1:443" + suffix(listen));
    assert.deepEqual(listener?.certificate?.names, ["localhost", "127.0.0.1"]);
  }
  const [plain] = plan({ listen: { address: 80 } }).listeners;
  assert.equal(plain?.certificate, null);

  /** Whether it is written with the address. */
  function suffix(listen: unknown): string {
    return JSON.stringify(listen).includes("443 ssl") ? " ssl" : "";
  }
});

Deno.test("a malformed listen is refused", () => {
  const cases: [unknown, string][] = [
    [
      "443 http2 ssl",
      'listen: "http2": the only parameter of listen is ssl ' +
      "(HTTP/2 is offered wherever there is TLS)",
    ],
    ["443 sssl", 'listen: "sssl": the only parameter of listen is ssl'],
    ["unix:/run/x.sock ssl", "listen: a unix socket can't have ssl"],
    [
      { address: "unix:/run/x.sock", ssl: true },
      "listen: a unix socket can't have ssl",
    ],
    [{ ssl: true }, "listen.address: is missing"],
    [{ address: "x" }, 'listen.address: "x" has no port (write "x:9000")'],
    [{ address: 1, tls: true }, "listen.tls: unknown directive"],
    [
      { address: 1, ssl: "yes" },
      'listen.ssl: expected on or off, got "yes"',
    ],
  ];
  for (const [listen, message] of cases) {
    assert.deepEqual(problems({ ...SSL, listen }), [message]);
  }
});

Deno.test("ssl, the certificate and its key need each other", () => {
  const { ssl_certificate, ssl_certificate_key } = files;
  const listen = [80, "443 ssl"];
  assert.deepEqual(problems({ listen }), [
    "listen[1]: ssl needs ssl_certificate and ssl_certificate_key",
  ]);
  assert.deepEqual(problems({ listen, ssl_certificate }), [
    "listen[1]: ssl needs ssl_certificate_key too",
  ]);
  assert.deepEqual(problems({ listen, ssl_certificate_key }), [
    "listen[1]: ssl needs ssl_certificate too",
  ]);
  // nginx would speak plain HTTP on port 443 here.
  assert.deepEqual(problems({ listen: 443, ...files }), [
    'ssl_certificate: no listen has ssl (write "443 ssl", or ' +
    "{address: 443, ssl: true})",
  ]);
  // What was refused is not missing.
  assert.deepEqual(problems({ listen, ...files, ssl_certificate: 5 }), [
    "ssl_certificate: expected a file, or a map with acme, got the number 5",
  ]);
});

Deno.test("files are looked for beside the config, and read once for all servers", () => {
  const { listeners } = plan({
    locations: undefined,
    ssl_certificate: "good.crt",
    ssl_certificate_key: "./good.key",
    servers: [
      { server_name: "localhost", listen: "443 ssl", locations: LOCATIONS },
      { server_name: "b", listen: "443 ssl", locations: LOCATIONS },
      { listen: "444 ssl", locations: LOCATIONS, ...files },
    ],
  });
  assert.equal(listeners.length, 2);
  assert.equal(listeners[0]?.servers.servers.length, 2);
  assert.deepEqual(listeners[0]?.certificate, listeners[1]?.certificate);
});

Deno.test("each file that can't be used is named, with what to do", async () => {
  const other = await authority.certify();
  folder.install("other", other);
  folder.write("swapped.pem", good.key);
  folder.write("text", "hello");
  folder.write("broken.crt", good.certificate.replace(/\n[^-]{10}/, "\nAAAA"));
  folder.write("two.key", good.key + other.key);
  folder.write("broken.key", good.key.replace(/\n[^-]{10}/, "\nAAAA"));
  folder.write("wrong_order.crt", authority.pem + good.certificate);
  Deno.writeFileSync(at("der"), Uint8Array.of(0x30, 0x82, 1, 2, 0xff));
  const pair = (type: "rsa" | "ec", options: Record<string, unknown>) =>
    generateKeyPairSync(type as "rsa", options as { modulusLength: 2048 });
  const encrypted = { type: "pkcs8", format: "pem", cipher: "aes-256-cbc" };
  const { privateKey } = pair("ec", { namedCurve: "prime256v1" });
  folder.write(
    "encrypted.key",
    String(
      privateKey.export(
        { ...encrypted, passphrase: "x" } as unknown as {
          type: "pkcs8";
          format: "pem";
        },
      ),
    ),
  );
  folder.write(
    "legacy.key",
    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n" +
      "DEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n",
  );
  const small = pair("rsa", { modulusLength: 1024 }).privateKey;
  folder.write(
    "small.key",
    String(small.export({ type: "pkcs8", format: "pem" })),
  );
  const curve = pair("ec", { namedCurve: "secp256k1" }).privateKey;
  folder.write(
    "curve.key",
    String(curve.export({ type: "pkcs8", format: "pem" })),
  );

  const none = "in PEM form (-----BEGIN …-----)";
  const kinds =
    "it must be ECDSA P-256, P-384 or P-521, Ed25519, or RSA with " +
    "2048 bits or more";
  const cases: [Record<string, string>, string][] = [
    [
      { ssl_certificate: "nowhere" },
      `ssl_certificate: there is no file ${at("nowhere")}`,
    ],
    [
      { ssl_certificate: "." },
      `ssl_certificate: ${folder.path} is a directory`,
    ],
    [
      { ssl_certificate: "text" },
      `ssl_certificate: ${at("text")} has no certificate ${none}`,
    ],
    [
      { ssl_certificate: "swapped.pem" },
      `ssl_certificate: ${
        at("swapped.pem")
      } has no certificate but a private ` +
      "key (are the two files swapped?)",
    ],
    [
      { ssl_certificate: "der" },
      `ssl_certificate: ${
        at("der")
      } has no certificate: it is binary, and must ` +
      "be PEM (openssl x509 or openssl pkey, with -inform der, make that of " +
      "DER; openssl pkcs12 of a .p12 or .pfx)",
    ],
    [
      { ssl_certificate: "broken.crt" },
      `ssl_certificate: the certificate in ${at("broken.crt")} can't be parsed`,
    ],
    [
      { ssl_certificate_key: "nowhere" },
      `ssl_certificate_key: there is no file ${at("nowhere")}`,
    ],
    [
      { ssl_certificate_key: "good.crt" },
      `ssl_certificate_key: ${at("good.crt")} has no private key but a ` +
      "certificate (are the two files swapped?)",
    ],
    [
      { ssl_certificate_key: "text" },
      `ssl_certificate_key: ${at("text")} has no private key ${none}`,
    ],
    [
      { ssl_certificate_key: "two.key" },
      `ssl_certificate_key: ${at("two.key")} has more than one private key`,
    ],
    [
      { ssl_certificate_key: "broken.key" },
      `ssl_certificate_key: the key in ${at("broken.key")} can't be parsed`,
    ],
    ...["encrypted.key", "legacy.key"].map((
      name,
    ): [Record<string, string>, string] => [
      { ssl_certificate_key: name },
      `ssl_certificate_key: the key in ${at(name)} is encrypted: write it ` +
      `without a password with openssl pkey -in ${at(name)} -out NEW`,
    ]),
    [
      { ssl_certificate_key: "small.key" },
      `ssl_certificate_key: the key in ${at("small.key")} can't be used (RSA ` +
      `with 1024 bits): ${kinds}`,
    ],
    [
      { ssl_certificate_key: "curve.key" },
      `ssl_certificate_key: the key in ${at("curve.key")} can't be used (ec ` +
      `secp256k1): ${kinds}`,
    ],
    [
      { ssl_certificate_key: "other.key" },
      "ssl_certificate_key: the key does not belong to the certificate",
    ],
    [
      { ssl_certificate: "wrong_order.crt" },
      "ssl_certificate_key: the key belongs to certificate 2 of the file: the " +
      "server's own must be the first",
    ],
  ];
  for (const [change, message] of cases) {
    assert.deepEqual(problems({ ...SSL, ...change }), [message]);
  }
  // Both at once.
  assert.equal(
    problems({ ...SSL, ssl_certificate: "text", ssl_certificate_key: "text" })
      .length,
    2,
  );
  if (Deno.uid() !== 0 && Deno.build.os !== "windows") {
    Deno.chmodSync(at("good.key"), 0);
    assert.deepEqual(problems(SSL), [
      `ssl_certificate_key: no permission to read ${
        at("good.key")
      }: check its ` +
      "owner and its mode",
    ]);
    Deno.chmodSync(at("good.key"), 0o600);
  }
});

Deno.test("what else stands in a PEM file does no harm", () => {
  folder.write(
    "attributes.pem",
    `Bag Attributes\n    friendlyName: x\n${good.certificate}\r\n\r\n${authority.pem}`,
  );
  const key = folder.write(
    "parameters.key",
    "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n" +
      `-----END EC PARAMETERS-----\n${good.key}`,
  );
  const [listener] = plan({
    ...SSL,
    ssl_certificate: "attributes.pem",
    ssl_certificate_key: key,
  }).listeners;
  assert.equal(listener?.certificate?.chain.match(/BEGIN CERT/g)?.length, 2);
  // Both in one file, as nginx allows.
  folder.write("both.pem", good.certificate + good.key);
  plan({
    ...SSL,
    ssl_certificate: "both.pem",
    ssl_certificate_key: "both.pem",
  });
});

Deno.test("an address has either HTTP or HTTPS, and one certificate", async () => {
  folder.install("second", await authority.certify({ names: ["b.example"] }));
  const second = {
    ssl_certificate: "second.crt",
    ssl_certificate_key: "second.key",
  };
  const server = (name: string, rest: Record<string, unknown>) => ({
    server_name: name,
    locations: LOCATIONS,
    ...rest,
  });
  const servers = (...all: Record<string, unknown>[]) =>
    problems({ locations: undefined, servers: all });
  assert.deepEqual(
    servers(
      server("a", { ...SSL, listen: ["443 ssl", "444 ssl"] }),
      server("b", { ...SSL, ...second }),
      server("c", { listen: 443 }),
    ),
    [
      "servers[1].listen: servers[0] has another certificate on 443 ssl: an " +
      "address has one certificate, which may be for several names",
      "servers[2].listen: servers[0] has 443 with ssl: an address has either " +
      "HTTP or HTTPS",
    ],
  );
  // At addresses of their own.
  const config = {
    locations: undefined,
    servers: [
      server("localhost", SSL),
      server("b.example", { ...SSL, ...second, listen: "444 ssl" }),
    ],
  };
  assert.deepEqual(
    plan(config).listeners.map(({ certificate }) => certificate?.names),
    [["localhost", "127.0.0.1"], ["b.example"]],
  );
});

Deno.test("redirect_to_https listens on HTTP too, for the names of its server", () => {
  const redirects = (value: unknown) =>
    plan({ ...SSL, redirect_to_https: value }).listeners
      .map(({ written, certificate, servers }) => [
        written,
        certificate !== null,
        servers.servers.map(({ redirectsToHttps }) => redirectsToHttps),
      ]);
  const https = ["443 ssl", true, [false]];
  assert.deepEqual(redirects("on"), [https, ["80", false, [true]]]);
  assert.deepEqual(redirects(true), [https, ["80", false, [true]]]);
  assert.deepEqual(redirects(8080), [https, ["8080", false, [true]]]);
  assert.deepEqual(
    redirects({ address: "[::]:8080", port: 443 }),
    [https, ["[::]:8080", false, [true]]],
  );
  assert.deepEqual(redirects("off"), [https]);
  assert.deepEqual(redirects({ address: false }), [https]);

  const refused = (value: unknown, rest = {}) =>
    problems({ ...SSL, redirect_to_https: value, ...rest });
  assert.deepEqual(refused(443), [
    "redirect_to_https: the same address is listed twice",
    "redirect_to_https: this server has 443 with ssl: an address has either " +
    "HTTP or HTTPS",
  ]);
  assert.deepEqual(refused("80 ssl"), [
    "redirect_to_https: this address is for HTTP: it can't have ssl",
  ]);
  assert.deepEqual(refused(80, { listen: 81 }), [
    'ssl_certificate: no listen has ssl (write "443 ssl", or ' +
    "{address: 443, ssl: true})",
    "redirect_to_https: no listen of this server has ssl",
  ]);
  assert.deepEqual(refused({ address: 80, port: 0 }), [
    "redirect_to_https.port: expected a port from 1 to 65535, got the number 0",
  ]);
  assert.deepEqual(refused([80]), [
    'redirect_to_https: expected an address such as 80, "on" (80), or "off", ' +
    "got a list",
  ]);
});

Deno.test("several servers share the address of redirect_to_https, with other names each", () => {
  const server = (name: string, rest = {}) => ({
    server_name: name,
    locations: LOCATIONS,
    ...rest,
  });
  const { listeners } = plan({
    locations: undefined,
    redirect_to_https: 80,
    ...files,
    servers: [
      server("localhost", { listen: "443 ssl" }),
      server("b", { listen: "443 ssl" }),
      server("plain", { listen: 80, redirect_to_https: "off" }),
    ],
  });
  assert.deepEqual(
    listeners.map(({ written, servers }) => [
      written,
      servers.servers.map(({ name }) => name),
    ]),
    [["443 ssl", ["localhost", "b"]], ["80", ["localhost", "b", "plain"]]],
  );
  assert.deepEqual(
    problems({
      locations: undefined,
      ...files,
      servers: [
        server("a", { listen: "443 ssl", redirect_to_https: 80 }),
        server("a", { listen: 80 }),
      ],
    }),
    ['servers[1].server_name: servers[0] has the name "a" on 80 already'],
  );
});

Deno.test("Strict-Transport-Security is checked, since a browser ignores a malformed one", () => {
  const value = (written: unknown) => {
    const { listeners } = plan({ ...SSL, strict_transport_security: written });
    return listeners[0]?.servers.servers[0]?.strictTransportSecurity;
  };
  for (
    const written of [
      "max-age=300",
      "max-age=31536000; includeSubDomains; preload",
      'includeSubDomains ; MAX-AGE = "0"',
    ]
  ) assert.equal(value(written), written);
  assert.equal(value("off"), null);
  for (
    const written of ["on", "31536000", "max-age=1y", "max-age=1, x", "preload"]
  ) {
    assert.deepEqual(
      problems({ ...SSL, strict_transport_security: written }),
      [
        'strict_transport_security: expected "max-age=31536000", perhaps ' +
        `with "; includeSubDomains", got "${written}"`,
      ],
    );
  }
  assert.deepEqual(
    problems({ ...SSL, strict_transport_security: "max-age=1; max-age=2" }),
    ['strict_transport_security: "max-age=1; max-age=2": a directive is there twice'],
  );
});

Deno.test("what clients would not accept is a warning, not a reason not to start", async () => {
  const warnings = (config: Record<string, unknown>) =>
    plan({ ...SSL, ...config }).certificateDoubts.map(({ path, message }) =>
      `${path}: ${message}`.replace(/ \d{4}-\d\d-\d\d \d\d:\d\d /, " DATE ")
    );
  const install = async (
    name: string,
    facts: Parameters<typeof authority.certify>[0],
  ) => folder.install(name, await authority.certify(facts));
  assert.deepEqual(warnings({}), []);
  assert.deepEqual(warnings(await install("expired", { until: -1000 })), [
    `ssl_certificate: the certificate in ${
      at("expired.crt")
    } expired on DATE UTC`,
  ]);
  assert.deepEqual(warnings(await install("early", { from: 60_000 })), [
    `ssl_certificate: the certificate in ${at("early.crt")} is not valid ` +
    "before DATE UTC",
  ]);

  const named = await install("named", {
    names: ["example.com", "*.example.com", "one.example.net"],
  });
  const names = (...server_name: string[]) =>
    warnings({ ...named, server_name }).map((line) => line.split(":")[0]);
  assert.deepEqual(
    names(
      ...["example.com", "www.example.com", "*.example.com"],
      // Nobody certifies these, or only a part of them is known.
      ...["localhost", "_", "127.0.0.1", "[::1]", "example.*", "*.example.net"],
    ),
    [],
  );
  assert.deepEqual(names(".example.com"), []);
  assert.deepEqual(
    names("example.com", "a.b.example.com", "example.org", ".example.net"),
    ["server_name[1]", "server_name[2]", "server_name[3]"],
  );
  assert.deepEqual(
    warnings({
      ...await install("nameless", { names: [] }),
      server_name: "a.b",
    }),
    [
      `server_name: the certificate in ${
        at("nameless.crt")
      } is not for "a.b" ` +
      "(it has no subjectAltName)",
    ],
  );
});

Deno.test("--listen replaces the addresses, those of redirect_to_https too", () => {
  const { listeners } = planFromObject({
    locations: LOCATIONS,
    ...SSL,
    redirect_to_https: 80,
  }, {
    source: at("config.yaml"),
    env: () => undefined,
    overrides: { listen: "9001" },
  });
  assert.deepEqual(
    listeners.map(({ written, certificate }) => [written, certificate]),
    [["9001", null]],
  );
});

Deno.test("a name is covered as RFC 9525 says", () => {
  const names = ["*.example.com", "example.org", "192.0.2.1"];
  const covered = [
    "a.example.com",
    "*.example.com",
    "example.org",
    "192.0.2.1",
  ];
  for (const host of covered) assert(covers(names, host), host);
  for (
    const host of [
      ...["example.com", "a.b.example.com", ".example.com", "com", ""],
      ...["a.example.org", "*.example.org", "192.0.2.2", "xexample.com"],
    ]
  ) assert(!covers(names, host), host);
});

Deno.test("the command line may give one certificate to all servers", () => {
  const server = (listen: string, rest = {}) => ({
    listen,
    locations: LOCATIONS,
    ...rest,
  });
  const config = {
    ssl_certificate: "missing.crt",
    servers: [
      server("80"),
      server("443 ssl", {
        server_name: "localhost",
        ssl_certificate_key: "missing.key",
      }),
    ],
  };
  const both = folder.write("both.pem", good.certificate + good.key);
  const { listeners, certificateDoubts } = planFromObject(config, {
    source: at("config.yaml"),
    env: () => undefined,
    overrides: { listen: "127.0.0.1:9000 ssl", certificate: both },
  });
  assert.deepEqual(certificateDoubts, []);
  assert.deepEqual(
    listeners.map(({ written, certificate }) => [written, certificate?.names]),
    [["127.0.0.1:9000 ssl", ["localhost", "127.0.0.1"]]],
  );
});
