/**
 * The page that has a phone trust the authority, and what else its listener has: the
 * certificate, and never the key.
 *
 * @module
 */
import { stripVTControlCharacters } from "node:util";
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { encode } from "uqr";
import { soon } from "../support/soon.ts";
import { DevOptionError, listenOf } from "../../tools/dev_https.ts";
import { lanAddresses, localHttps } from "../../tools/local_https.ts";
import { qrCode } from "../../tools/phone/qr_code.ts";
import {
  CERTIFICATE,
  PAGE,
  startPhoneServer,
} from "../../tools/phone/server.ts";

/** The listener before an authority whose file has its key, too. */
async function startPhone() {
  const folder = await Deno.makeTempDir({ prefix: "sameorigin-phone-" });
  const { authority } = await localHttps([], folder);
  const certificate = await Deno.readTextFile(authority);
  const key = await Deno.readTextFile(`${folder}/authority.key`);
  const phone = await startPhoneServer({
    authority: key + certificate,
    hostname: "127.0.0.1",
    port: 0,
    httpsPort: 9000,
    addresses: ["127.0.0.1", "10.1.2.3"],
  });
  return {
    ...phone,
    certificate,
    key,
    async [Symbol.asyncDispose]() {
      await phone.stop();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** All that comes back on a connection for a request as it is written. */
async function raw(port: number, head: string): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const text = `${head}\r\nHost: x\r\nConnection: close\r\n\r\n`;
  await connection.write(new TextEncoder().encode(text));
  // Every byte as a character.
  return new TextDecoder("latin1")
    .decode(await new Response(connection.readable).arrayBuffer());
}

Deno.test("the certificate comes with the media type that phones install", async () => {
  await using phone = await startPhone();
  const url = new URL(CERTIFICATE, phone.urls[0]);
  const answer = await fetch(url);
  assert.equal(
    answer.headers.get("content-type"),
    "application/x-x509-ca-cert",
  );
  assert.equal(answer.headers.get("content-disposition"), null);
  const der = await answer.bytes();
  const given = new X509Certificate(der);
  const own = new X509Certificate(phone.certificate);
  assert.deepEqual(given.raw, own.raw);
  assert.equal(given.raw.length, der.length);
  assert.equal(phone.fingerprint, own.fingerprint256);
  assert.equal(given.ca, true);
});

Deno.test("no path leads to the key, nor to any other file", async () => {
  await using phone = await startPhone();
  const port = Number(new URL(phone.urls[0]!).port);
  const secret = phone.key.split("\n")[1]!;
  const der = String.fromCharCode(
    ...Uint8Array.fromBase64(phone.key.replace(/-----.*-----|\s/g, "")),
  );
  const folder = PAGE.slice(0, PAGE.lastIndexOf("/"));
  for (
    const [status, path] of [
      [200, PAGE],
      [200, CERTIFICATE],
      [302, "/"],
      [404, "/authority.key"],
      [404, "/.cache/https/authority.key"],
      [404, `${folder}/`],
      [404, `${folder}/authority.key`],
      [404, `${folder}/authority.pem`],
      [404, `${folder}/localhost.pem`],
      [404, `${folder}/../../authority.key`],
      [404, `${folder}/%2e%2e/%2e%2e/authority.key`],
      [404, `${CERTIFICATE}/../authority.key`],
      [404, `${CERTIFICATE}%00.key`],
      [404, "//etc/passwd"],
      [404, "/.well-known/"],
    ] as const
  ) {
    const answer = await raw(port, `GET ${path} HTTP/1.1`);
    assert.ok(answer.startsWith(`HTTP/1.1 ${status} `), `${path}: ${answer}`);
    assert.ok(!answer.includes("PRIVATE KEY"), path);
    assert.ok(!answer.includes(secret), path);
    assert.ok(!answer.includes(der), path);
  }
  const posted = await raw(port, `DELETE ${PAGE} HTTP/1.1`);
  assert.match(posted, /^HTTP\/1\.1 405 /);
});

Deno.test("the page is about the address that the phone has reached it by", async () => {
  await using phone = await startPhone();
  const { port } = new URL(phone.urls[0]!);
  assert.deepEqual(phone.urls, [
    `http://127.0.0.1:${port}${PAGE}`,
    `http://10.1.2.3:${port}${PAGE}`,
  ]);
  const page = async (host: string) => {
    using client = Deno.createHttpClient({ allowHost: true });
    const headers = { host };
    return await (await fetch(phone.urls[0]!, { headers, client })).text();
  };
  assert.match(await page("10.1.2.3:1"), /href="https:\/\/10\.1\.2\.3:9000\/"/);
  const other = await page("evil.example");
  assert.match(other, /href="https:\/\/127\.0\.0\.1:9000\/"/);
  assert.ok(!other.includes("evil"));
  assert.ok(other.includes(phone.fingerprint));
});

Deno.test("where its port is taken it takes another", async () => {
  await using first = await startPhone();
  const port = Number(new URL(first.urls[0]!).port);
  const second = await startPhoneServer({
    authority: first.certificate,
    hostname: "127.0.0.1",
    port,
    httpsPort: 9000,
    addresses: ["127.0.0.1"],
  });
  assert.notEqual(Number(new URL(second.urls[0]!).port), port);
  await second.stop();
});

Deno.test("it stops, though somebody never finishes a request", async () => {
  const phone = await startPhone();
  const port = Number(new URL(phone.urls[0]!).port);
  using open = await Deno.connect({ hostname: "127.0.0.1", port });
  await open.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n"));
  // It has been accepted by the time that a later one is answered.
  await raw(port, "GET / HTTP/1.1");
  await soon("it has stopped", phone[Symbol.asyncDispose]());
});

Deno.test("with --https it listens on this machine only, unless it is asked for more", () => {
  const tcp = (hostname: string, port = 9000) => (
    { transport: "tcp", hostname, port }
  );
  assert.deepEqual(listenOf(null, false), tcp("127.0.0.1"));
  assert.deepEqual(listenOf(null, true), tcp("0.0.0.0"));
  assert.deepEqual(listenOf("9444", false), tcp("0.0.0.0", 9444));
  assert.deepEqual(listenOf("[::]:9444", true), tcp("::", 9444));
  assert.deepEqual(listenOf("127.0.0.1:9444", false), tcp("127.0.0.1", 9444));
  // The proxy says what is wrong with it.
  assert.equal(listenOf("nonsense", false), "nonsense");
  for (const listen of ["127.0.0.1:9000", "localhost:9000", "unix:/x.sock"]) {
    assert.throws(() => listenOf(listen, true), DevOptionError);
  }
});

Deno.test("the addresses for phones are private ones, the likeliest first", () => {
  const of = (name: string, address: string) => ({
    name,
    address,
    family: address.includes(":") ? "IPv6" as const : "IPv4" as const,
  });
  const all = [
    of("lo", "127.0.0.1"),
    of("lo", "::1"),
    of("docker0", "172.17.0.1"),
    of("eth0", "fd00::5"),
    of("eth0", "fe80::5"),
    of("eth0", "198.51.100.7"),
    of("wlan0", "192.168.1.5"),
  ];
  assert.deepEqual(lanAddresses("::", all), [
    "192.168.1.5",
    "fd00::5",
    "172.17.0.1",
  ]);
  assert.deepEqual(lanAddresses("0.0.0.0", all), ["192.168.1.5", "172.17.0.1"]);
  assert.deepEqual(lanAddresses("fd00::5", all), ["fd00::5"]);
  assert.deepEqual(lanAddresses("127.0.0.1", all), []);
  assert.deepEqual(lanAddresses("198.51.100.7", all), []);
});

Deno.test("a QR code in a terminal is the code, in two rows a line, with and without colours", () => {
  const url = `http://192.168.178.123:9002${PAGE}`;
  const { data, size } = encode(url, { ecc: "L", border: 4 });
  for (const coloured of [true, false]) {
    const { text, width } = qrCode(url, coloured);
    assert.equal(text.includes("\x1b"), coloured);
    assert.equal(width, size);
    const lines = stripVTControlCharacters(text).split("\n");
    const drawn = lines.flatMap((line) => [
      [...line].map((block) => "▀█".includes(block) === coloured),
      [...line].map((block) => "▄█".includes(block) === coloured),
    ]);
    assert.deepEqual(drawn.slice(0, size), data);
    // A terminal has 80 columns and 24 rows, at least.
    assert.ok(width <= 48 && lines.length <= 24, `${width}, ${lines.length}`);
  }
});
