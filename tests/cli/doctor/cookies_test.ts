/**
 * Cookies and redirects that are broken on purpose.
 *
 * @module
 */
import {
  assertFinds,
  assertHealthy,
  backend,
  examined,
  frontend,
  page,
  type Service,
  service,
  stackOf,
} from "./fixture.ts";

/** A stack whose API sets a cookie. */
async function withCookie(
  cookie: string,
  test: (config: Record<string, unknown>) => Promise<void>,
): Promise<void> {
  await using front = frontend();
  await using back = backend({ "set-cookie": cookie });
  await test(stackOf({ frontend: front, backend: back }));
}

Deno.test("a session cookie without HttpOnly is found, and its value is not shown", async () => {
  await withCookie("sid=secret; Path=/; SameSite=Lax", async (config) => {
    const report = await examined(config);
    assertFinds(report, "cookie-httponly", {
      sentence: /The session cookie sid can be read by scripts/,
      evidence: /^GET \/api: Set-Cookie: sid=…; Path=\/; SameSite=Lax$/,
      fix: /HttpOnly/,
    });
  });
});

Deno.test("a session cookie without SameSite is found", async () => {
  await withCookie("connect.sid=x; Path=/; HttpOnly", async (config) => {
    assertFinds(await examined(config), "cookie-samesite", {
      sentence: /connect.sid has no SameSite/,
      fix: /SameSite=Lax/,
    });
  });
});

Deno.test("SameSite=None without Secure is found", async () => {
  const cookie = "sid=x; Path=/; HttpOnly; SameSite=None";
  await withCookie(cookie, async (config) => {
    assertFinds(await examined(config), "cookie-dropped", {
      sentence: /drops the cookie sid: SameSite=None needs Secure/,
      fix: /SameSite=Lax/,
    });
  });
});

Deno.test("Secure over http is found, but not on localhost", async () => {
  const cookie = "sid=x; Path=/; HttpOnly; SameSite=Lax; Secure";
  await withCookie(cookie, async (config) => {
    assertHealthy(await examined(config));
    // Nothing else than the doctor's own words depends on the name.
    const host = "0.0.0.0";
    assertFinds(await examined(config, { host }), "cookie-dropped", {
      sentence: /it has Secure, and the page comes over http/,
      fix: /Serve the page over https/,
    });
  });
});

Deno.test("a cookie for another host is found", async () => {
  const cookie = "sid=x; Path=/; HttpOnly; SameSite=Lax; Domain=example.com";
  await withCookie(cookie, async (config) => {
    assertFinds(await examined(config), "cookie-domain", {
      sentence: /set for the host example.com/,
      fix: /without Domain/,
    });
  });
});

Deno.test("a cookie for a path that only the upstream knows is found", async () => {
  await using front = frontend();
  await using back = backend({
    "set-cookie": "sid=x; Path=/v1; HttpOnly; SameSite=Lax",
  });
  const locations = { "/": front.pass, "/api/": `${back.pass}/v1/` };
  assertFinds(await examined({ locations }), "cookie-path", {
    sentence: /sid never comes back to the upstream that set it.*\/v1/,
    fix: /Path=\/, or .* \/api\//,
  });
});

/** An API that redirects. */
function redirecting(location: (path: string) => string): Service {
  return service((_, path) =>
    path.endsWith("/login/") ? page() : new Response(null, {
      status: 302,
      headers: { location: location(path) },
    })
  );
}

Deno.test("a redirect to the upstream's own address is found", async () => {
  await using front = frontend();
  await using back = redirecting(() => "http://backend:8000/api/login/");
  const report = await examined({
    proxy_redirect: "off",
    upstreams: { backend: back.address },
    locations: { "/": front.pass, "/api": "http://backend" },
  });
  assertFinds(report, "redirect-origin", {
    sentence: /of \/api leaves the origin: it leads to http:\/\/backend:8000/,
    evidence: /302, Location: http:\/\/backend:8000\/api\/login\//,
    fix: /Host: \$http_host.*proxy_redirect: {"http:\/\/backend:8000\/": \/}/,
  });
});

Deno.test("a redirect that loses the port is found", async () => {
  await using front = frontend();
  await using back = redirecting(() => "http://localhost/api/login/");
  const report = await examined({
    proxy_redirect: "off",
    ...stackOf({ frontend: front, backend: back }),
  });
  assertFinds(report, "redirect-port", {
    sentence: /loses the port: from localhost:\d+ to localhost/,
    fix: /Host: \$http_host/,
  });
});

Deno.test("a redirect to https on the port of http is found", async () => {
  await using front = frontend();
  let port = 0;
  await using back = service((request) => {
    port = Number(request.headers.get("host")?.split(":")[1]);
    return new Response(null, {
      status: 301,
      headers: { location: `https://localhost:${port}/api` },
    });
  });
  const report = await examined({
    proxy_set_header: { Host: "$http_host" },
    ...stackOf({ frontend: front, backend: back }),
  });
  assertFinds(report, "redirect-scheme", {
    sentence: /leads to https on the port of http/,
    fix: /SECURE_SSL_REDIRECT = False/,
  });
});

Deno.test("redirects that never end are found once", async () => {
  await using front = frontend();
  await using back = redirecting((path) => path === "/api" ? "/api/" : "/api");
  const report = await examined(stackOf({ frontend: front, backend: back }));
  assertFinds(report, "redirect-loop", {
    sentence: /The redirects from \/api never end/,
    fix: /undo each other/,
  });
});

Deno.test("who signs in elsewhere may leave", async () => {
  await using front = frontend();
  await using back = redirecting(() => "https://accounts.example.com/login");
  assertHealthy(
    await examined(stackOf({ frontend: front, backend: back })),
  );
});
