/**
 * `deno task dev --https`, from the start to the end. In one file, since each start
 * writes the certificate in .cache anew.
 *
 * @module
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { lanAddresses } from "../../tools/local_https.ts";
import { sameoriginCommand, startSameorigin } from "../support/process.ts";
import { testNeeding } from "../support/skip.ts";

/** All addresses: of IPv6 only where IPv4 has none that phones could use. */
const ALL = lanAddresses("0.0.0.0").length > 0 ? "0.0.0.0:0" : "[::]:0";

/** No program could be installed against that: no failure in CI, either. */
const IN_A_NETWORK = lanAddresses("::").length > 0;

/** `deno task dev`, with what it may. */
const DEV = {
  module: fileURLToPath(new URL("../../tools/dev.ts", import.meta.url)),
  permissions: ["--allow-run", "--allow-write", "--allow-sys"],
};

/** No upstream of the machine's own. */
const NONE = { BACKEND: "", FRONTEND: "", CENTRIFUGO: "" };

Deno.test("--https serves the same at the same address, with a certificate for this machine", async () => {
  await using dev = await startSameorigin(
    ["--https", "--listen=127.0.0.1:0"],
    { ...DEV, env: NONE },
  );
  await dev.until(/^https {2}for localhost, .+\n.+deno task trust$/m);
  const [, port] = await dev.until(/https:\/\/localhost:(\d+)/);
  const authority = await Deno.readTextFile(
    new URL("../../.cache/https/authority.pem", import.meta.url),
  );
  using client = Deno.createHttpClient({ caCerts: [authority] });
  const page = await fetch(`https://127.0.0.1:${port}/`, { client });
  assert.match(await page.text(), /<title>sameorigin demo<\/title>/);
  dev.kill("SIGTERM");
  assert.equal((await dev.ended).code, 0);
});

Deno.test({
  name:
    "deno task dev --https on all addresses: the page and the site, by an address of the network",
  ignore: !IN_A_NETWORK,
  async fn() {
    await using dev = await startSameorigin(["--https", `--listen=${ALL}`], {
      ...DEV,
      env: NONE,
    });
    const [, url = ""] = await dev.until(/^phone {2}(http:\S+)$/m);
    await dev.until(/https:\/\/localhost:\d+/);
    const page = await (await fetch(url)).text();
    const [, origin = ""] = /href="(https:[^"]+)"/.exec(page) ?? [];
    const [, certificate = ""] = /href="(\S+\.crt)"/.exec(page) ?? [];
    assert.equal(new URL(origin).hostname, new URL(url).hostname);
    const der = await (await fetch(new URL(certificate, url))).bytes();
    const base64 = der.toBase64().replace(/.{64}/g, "$&\n");
    const pem =
      `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`;
    using client = Deno.createHttpClient({ caCerts: [pem] });
    const answer = await fetch(origin, { client });
    assert.match(await answer.text(), /<title>sameorigin demo<\/title>/);
    dev.kill("SIGTERM");
    const { code, stderr } = await dev.ended;
    assert.equal(code, 0);
    // Standard error is no terminal here.
    assert.doesNotMatch(stderr, /[▀▄█]/);
    await assert.rejects(fetch(url));
  },
});

/** Runs it in a terminal until it has said this; all that it has said. */
async function inTerminal(
  pattern: RegExp,
  env: Record<string, string>,
): Promise<string> {
  const [program = "", ...args] = await sameoriginCommand(DEV);
  const words = [program, ...args, "--https", `--listen=${ALL}`];
  const command = words.map((word) => `'${word}'`).join(" ");
  const child = new Deno.Command("script", {
    args: ["-qefc", `stty cols 100 rows 50; exec ${command}`, "/dev/null"],
    env: { ...NONE, TERM: "xterm", ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let said = "";
  try {
    for await (
      const text of child.stdout.pipeThrough(new TextDecoderStream())
    ) {
      said += text;
      if (pattern.test(said)) break;
    }
  } finally {
    await child.stdin.close();
    child.kill("SIGTERM");
    await child.status;
  }
  return said;
}

const QR_CODE =
  "in a terminal there is the page's QR code, in colours only where they are wanted";

async function showsQrCode() {
  const plain = await inTerminal(/\(admin\)|https:\/\/localhost/, {
    NO_COLOR: "1",
  });
  assert.match(plain, /^phone {2}http:/m);
  assert.match(plain, /^█{37,}\r?\n█{4}/m);
  assert.ok(!plain.includes("\x1b[30"));
  const coloured = await inTerminal(/\(admin\)|https:\/\/localhost/, {
    NO_COLOR: "",
  });
  assert.match(
    coloured.replaceAll("\x1b[", "MARK"),
    /^MARK30;107m {37,}MARK0m\r?\n/m,
  );
}

if (IN_A_NETWORK) testNeeding(["script"], QR_CODE, showsQrCode);
else Deno.test.ignore(QR_CODE, showsQrCode);
