/**
 * `sameorigin doctor` as a command, with the executable's permissions.
 *
 * @module
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { Report } from "../../../lib/cli/doctor/doctor.ts";
import { sameorigin } from "../../support/process.ts";
import { startProxy } from "../../support/proxy.ts";
import { rawUpstream } from "../../support/raw_upstream.ts";
import { command, keptTerminal } from "../../support/terminal.ts";
import { dispatch } from "../../../lib/cli/dispatch.ts";
import { backend, frontend, page, script, service } from "./fixture.ts";

const TLS = new URL("../../support/tls/", import.meta.url);

/** Runs it on a proxy with a config, which may say no `listen`. */
async function run(
  config: Record<string, unknown>,
  ...args: readonly string[]
): Promise<{ code: number; output: string; notes: string; port: number }> {
  await using proxy = startProxy(config);
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  try {
    const listen = `127.0.0.1:${proxy.port}`;
    await Deno.writeTextFile(path, JSON.stringify({ ...config, listen }));
    const done = await command("doctor", "-c", path, ...args);
    const output = done.output.replaceAll(path, "config.yaml");
    return { ...done, output, port: proxy.port };
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("where nothing is wrong it says so in a line, with 0", async () => {
  await using front = frontend();
  const { port, ...done } = await run({ locations: { "/": front.pass } });
  assert.equal(done.code, 0);
  assert.match(
    done.output,
    new RegExp(
      `^http://localhost:${port} \\(config.yaml\\): ok, \\d+ checks\n$`,
    ),
  );
  assert.equal(done.notes, "");
});

Deno.test("a finding is its sentence, what was seen, and what to do, with 1", async () => {
  await using front = frontend();
  await using back = backend({ "set-cookie": "sid=1; SameSite=Lax; Path=/" });
  const config = { locations: { "/": front.pass, "/api": back.pass } };
  const { code, output } = await run(config);
  assert.equal(code, 1);
  const [head, empty, ...lines] = output.split("\n");
  assert.match(head ?? "", /: 1 problem, \d+ checks$/);
  assert.equal(empty, "");
  assert.deepEqual(lines, [
    "The session cookie sid can be read by scripts: it has no HttpOnly. [cookie-httponly]",
    "  seen   GET /api: Set-Cookie: sid=…; SameSite=Lax; Path=/",
    "  fix    Set it with HttpOnly (Django: SESSION_COOKIE_HTTPONLY = True, " +
    "Express: cookie.httpOnly, Rails: httponly: true).",
    "",
  ]);
});

Deno.test("--json has the same findings, and the checks that were made", async () => {
  await using front = frontend();
  await using back = backend({ "set-cookie": "sid=1; SameSite=Lax; Path=/" });
  const config = { locations: { "/": front.pass, "/api": back.pass } };
  const { code, output, port } = await run(config, "--json");
  assert.equal(code, 1);
  const report: Report = JSON.parse(output);
  assert.equal(report.ok, false);
  assert.equal(report.url, `http://localhost:${port}/`);
  const [finding] = report.findings;
  assert.deepEqual(
    Object.keys(finding ?? {}),
    ["check", "sentence", "evidence", "fix"],
  );
  assert.equal(finding?.check, "cookie-httponly");
  const ids = report.checks.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(ids.includes("cookie-httponly"));
});

Deno.test("colours are for a terminal", async () => {
  await using front = frontend();
  await using proxy = startProxy({ locations: { "/": front.pass } });
  const url = `http://localhost:${proxy.port}/`;
  const terminal = keptTerminal(true);
  await dispatch(["doctor", "--to", `/=${front.address}`, url], terminal);
  assert.ok(terminal.output.includes("\x1b[32mok\x1b[39m"));
});

Deno.test("what an upstream says can't control the terminal", async () => {
  await using front = frontend();
  await using odd = service(() =>
    new Response("\x1b[2J\x9b2Jhello", { status: 500 })
  );
  const config = { locations: { "/": front.pass, "/api": odd.pass } };
  const { output } = await run(config);
  assert.match(output, /500:.*hello/);
  assert.doesNotMatch(output.replaceAll("\n", ""), /\p{Cc}/u);
});

Deno.test("a URL that is none, or has a password, is a mistake of the command line", async () => {
  const config = { locations: { "/": "http://127.0.0.1:81" } };
  for (
    const [url, message, hint] of [
      [
        "localhost:9000",
        /is not a URL/,
        /Did you mean http:\/\/localhost:9000/,
      ],
      ["ftp://a/", /is not a URL/, /sameorigin doctor http/],
      ["http://u:p@a/", /sends no credentials/, /http:\/\/a/],
    ] as const
  ) {
    const { code, notes, output } = await run(config, url);
    assert.equal(code, 2, url);
    assert.equal(output, "");
    assert.match(notes, message);
    assert.match(notes, hint);
  }
});

Deno.test("no secret is sent, and no redirect is followed out of the origin", async () => {
  await using elsewhere = rawUpstream((connection) =>
    connection.readToEnd().then(() => {})
  );
  const seen: Headers[] = [];
  await using back = service((request) => {
    seen.push(request.headers);
    return new Response(null, {
      status: 302,
      headers: {
        location: `http://127.0.0.1:${elsewhere.port}/next`,
        "set-cookie": "sid=1; Path=/; HttpOnly; SameSite=Lax",
      },
    });
  });
  const { output } = await run({
    proxy_redirect: "off",
    proxy_set_header: { "X-Api-Key": "secret", Host: "$host" },
    locations: { "/": back.pass, "/api": back.pass },
  });
  assert.match(output, /redirect-origin/);
  assert.equal(elsewhere.connections, 0);
  const direct = seen.filter((headers) => !headers.has("x-api-key"));
  assert.ok(direct.length > 0);
  for (const headers of seen) {
    assert.equal(headers.get("cookie"), null);
    assert.equal(headers.get("authorization"), null);
  }
});

/** Runs it in a process on a service with TLS that is the published URL. */
async function overTls(
  handler: (request: Request, path: string) => Response,
  options: { trusted?: boolean; scheme?: string } = {},
): Promise<Report> {
  const { trusted = true, scheme = "https" } = options;
  await using front = frontend();
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: () => {},
    cert: await Deno.readTextFile(new URL("localhost.crt", TLS)),
    key: await Deno.readTextFile(new URL("localhost.key", TLS)),
  }, (request) => handler(request, new URL(request.url).pathname));
  try {
    const certificate = fileURLToPath(new URL("ca.crt", TLS));
    const { stdout, stderr } = await sameorigin([
      "doctor",
      "--json",
      "--to",
      `/=${front.address}`,
      `${scheme}://localhost:${server.addr.port}/`,
    ], { env: trusted ? { DENO_CERT: certificate } : {} });
    assert.equal(stderr, "");
    return JSON.parse(stdout);
  } finally {
    await server.shutdown();
  }
}

function ids({ findings }: Report): string[] {
  return findings.map(({ check }) => check);
}

Deno.test("over TLS, a session cookie without Secure is found", async () => {
  const report = await overTls(() =>
    page("hello", { "set-cookie": "sid=1; HttpOnly; SameSite=Lax; Path=/" })
  );
  assert.deepEqual(ids(report), ["cookie-secure"]);
  assert.match(report.findings[0]?.fix ?? "", /X-Forwarded-Proto: https/);
});

Deno.test("over TLS, what a page loads over http is found", async () => {
  const report = await overTls((_, path) =>
    path === "/app.js"
      ? script('new WebSocket("ws://live.example.com/ws")')
      : page(
        '<script src="/app.js"></script>' +
          '<img src="http://cdn.example.com/logo.png">' +
          '<a href="http://example.com/">a link may lead anywhere</a>',
      )
  );
  assert.deepEqual(ids(report), ["mixed-content", "mixed-content"]);
  const [image, socket] = report.findings;
  assert.match(
    image?.sentence ?? "",
    /image http:\/\/cdn.example.com\/logo.png/,
  );
  assert.match(socket?.sentence ?? "", /WebSocket ws:\/\/live.example.com\/ws/);
});

Deno.test("over TLS, a redirect to http is found", async () => {
  const report = await overTls((request, path) =>
    path === "/"
      ? new Response(null, {
        status: 302,
        headers: { location: `http://${request.headers.get("host")}/login` },
      })
      : page()
  );
  assert.deepEqual(ids(report), ["redirect-scheme"]);
  assert.match(report.findings[0]?.fix ?? "", /trusted_proxies/);
});

Deno.test("over TLS, a Django that takes the page for one over http is found", async () => {
  const report = await overTls((request) =>
    request.method === "POST"
      ? new Response(
        "Origin checking failed - https://localhost does not match",
        {
          status: 403,
        },
      )
      : page(
        '<form method="post"><input name="csrfmiddlewaretoken" value="t">' +
          '<input type="password"></form>',
      )
  );
  // `--to` sends Host with the port.
  assert.deepEqual(ids(report), ["csrf-scheme"]);
  assert.match(report.findings[0]?.fix ?? "", /SECURE_PROXY_SSL_HEADER/);
});

Deno.test("a certificate that browsers don't accept is found", async () => {
  const report = await overTls(() => page(), { trusted: false });
  assert.deepEqual(ids(report), ["proxy"]);
  assert.match(
    report.findings[0]?.sentence ?? "",
    /don't accept the certificate/,
  );
});

Deno.test("http to a port with TLS is found", async () => {
  const report = await overTls(() => page(), { scheme: "http" });
  assert.deepEqual(ids(report), ["proxy"]);
  assert.match(report.findings[0]?.fix ?? "", /Ask for https:\/\/localhost/);
});

Deno.test("https to a port without TLS is found", async () => {
  await using front = frontend();
  const config = { locations: { "/": front.pass } };
  await using proxy = startProxy(config);
  const url = `https://localhost:${proxy.port}`;
  const { output } = await run(config, "--json", url);
  const report: Report = JSON.parse(output);
  assert.deepEqual(ids(report), ["proxy"]);
  assert.match(report.findings[0]?.sentence ?? "", /does not speak TLS/);
});
