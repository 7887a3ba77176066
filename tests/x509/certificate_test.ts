/**
 * The certificates that are made here, read by the platform and by OpenSSL.
 *
 * @module
 */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import fc from "fast-check";
import { type Network, parseNetwork } from "../../lib/route/network.ts";
import {
  generateKeys,
  importKeys,
  makeCertificate,
  makeRequest,
  makeSelfSigned,
  privateKeyPem,
} from "../../lib/x509/certificate.ts";
import {
  bitString,
  integer,
  objectIdentifier,
  octetString,
  pem,
  sequence,
  time,
} from "../../lib/x509/der.ts";
import { certificateFolder, testAuthority } from "../support/certificates.ts";
import { findProgram, testNeeding } from "../support/skip.ts";

const hex = (bytes: Uint8Array) => bytes.toHex();

Deno.test("DER has the shortest lengths and numbers, and object identifiers in base 128", () => {
  assert.equal(hex(sequence()), "3000");
  assert.equal(hex(octetString(new Uint8Array(127))).slice(0, 4), "047f");
  assert.equal(hex(octetString(new Uint8Array(128))).slice(0, 6), "048180");
  assert.equal(hex(octetString(new Uint8Array(256))).slice(0, 8), "04820100");
  assert.equal(hex(integer(0)), "020100");
  assert.equal(hex(integer(Uint8Array.of(0, 0, 1))), "020101");
  assert.equal(hex(integer(Uint8Array.of(0x80))), "02020080");
  assert.equal(hex(integer(Uint8Array.of(0))), "020100");
  assert.equal(hex(bitString(Uint8Array.of(6), 1)), "03020106");
  assert.equal(
    hex(objectIdentifier("1.2.840.113549.1.9.14")),
    "06092a864886f70d01090e",
  );
  const text = (date: string) => {
    const [tag, , ...rest] = time(new Date(date));
    return [tag, String.fromCharCode(...rest)];
  };
  assert.deepEqual(text("2049-12-31T23:59:59.999Z"), [0x17, "491231235959Z"]);
  assert.deepEqual(text("2050-01-01T00:00:00Z"), [0x18, "20500101000000Z"]);
  assert.equal(
    pem("X", new Uint8Array(49)),
    `-----BEGIN X-----\n${"A".repeat(64)}\nAA==\n-----END X-----\n`,
  );
});

Deno.test("the platform reads a certificate as it was meant", async () => {
  const authority = await testAuthority({
    organization: "Höhle, Inc.",
    commonName: "root",
  });
  const { certificate, key } = await authority.certify({
    names: ["localhost", "*.example.com", "192.0.2.7", "2001:db8::7"],
  });
  const read = new X509Certificate(certificate);
  const root = new X509Certificate(authority.pem);
  assert.equal(
    read.subjectAltName,
    "DNS:localhost, DNS:*.example.com, IP Address:192.0.2.7, " +
      "IP Address:2001:db8::7",
  );
  assert.equal(read.issuer, "O=Höhle, Inc.\nCN=root");
  assert.deepEqual([read.ca, root.ca], [false, true]);
  assert(read.verify(root.publicKey) && read.checkIssued(root));
  assert(!root.checkIssued(read));
  const { privateKey } = await importKeys(key);
  assert.equal(await privateKeyPem(privateKey), key);
});

Deno.test("signatures are valid whatever their numbers begin with", async () => {
  // r and s have a leading zero byte once in 256, a first bit that is set in half.
  const keys = await generateKeys();
  const name = { organization: "a", commonName: "b" };
  for (let i = 0; i < 300; i++) {
    const certificate = new X509Certificate(
      await makeSelfSigned({
        subject: name,
        names: [],
        notBefore: new Date(),
        notAfter: new Date(),
        authority: null,
      }, keys),
    );
    assert(certificate.verify(certificate.publicKey));
  }
});

Deno.test("a property: the names come back, in their order", async () => {
  const { publicKey } = await generateKeys();
  const { issuer } = await testAuthority();
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/);
  const host = fc.array(label, { minLength: 1, maxLength: 4 })
    .map((labels) => `${labels.join(".")}.x`);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(host, fc.ipV4()), { minLength: 1, maxLength: 100 }),
      async (names) => {
        const certificate = await makeCertificate({
          subject: { organization: "a", commonName: "b" },
          names,
          notBefore: new Date(),
          notAfter: new Date(),
          publicKey,
          authority: null,
        }, issuer);
        const { subjectAltName = "" } = new X509Certificate(certificate);
        assert.deepEqual(
          subjectAltName.split(", ")
            .map((name) => name.replace(/^(DNS|IP Address):/, "")),
          names,
        );
      },
    ),
    { numRuns: 50 },
  );
});

testNeeding(
  ["openssl"],
  "OpenSSL accepts what an authority may certify, refuses the rest, and reads a request",
  async () => {
    using folder = certificateFolder();
    const network = (text: string) => parseNetwork(text) as Network;
    const keys = await generateKeys();
    const name = {
      organization: "sameorigin tests",
      commonName: "constrained",
    };
    const life = {
      notBefore: new Date(Date.now() - 1000),
      notAfter: new Date(Date.now() + 60_000),
    };
    const root = await makeSelfSigned({
      subject: name,
      names: [],
      ...life,
      authority: {
        hosts: ["localhost", "local"],
        networks: ["127.0.0.0/8", "172.16.0.0/12", "fc00::/7"].map(network),
      },
    }, keys);
    const ca = folder.write("ca.crt", root);
    const verify = async (names: string[]) => {
      const { publicKey } = await generateKeys();
      const leaf = folder.write(
        "leaf.crt",
        await makeCertificate(
          { subject: name, names, ...life, publicKey, authority: null },
          { name, keys },
        ),
      );
      return await openssl("verify", "-x509_strict", "-CAfile", ca, leaf);
    };
    for (
      const names of [
        ["localhost", "app.localhost", "machine.local"],
        ["127.0.0.1", "127.255.0.1", "172.31.0.1", "fd00::1"],
      ]
    ) assert.match(await verify(names), /: OK/);
    for (const name of ["example.com", "172.32.0.1", "128.0.0.1", "::1"]) {
      assert.match(await verify([name]), /permitted subtree violation/, name);
    }

    const request = await makeRequest(["example.com", "192.0.2.1"], keys);
    Deno.writeFileSync(`${folder.path}/csr`, request);
    const read = await openssl(
      ...["req", "-inform", "der", "-in", `${folder.path}/csr`],
      ...["-noout", "-text", "-verify"],
    );
    assert.match(read, /signature verify OK/);
    assert.match(read, /DNS:example\.com, IP Address:192\.0\.2\.1/);
  },
);

/** Runs OpenSSL; returns what it writes. */
async function openssl(...args: string[]): Promise<string> {
  const { stdout, stderr } = await new Deno.Command(findProgram("openssl")!, {
    args,
  }).output();
  const decoder = new TextDecoder();
  return decoder.decode(stdout) + decoder.decode(stderr);
}
