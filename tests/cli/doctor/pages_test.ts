/**
 * Pages, CORS, CSRF and clocks that are broken on purpose.
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
  script,
  type Service,
  service,
  stackOf,
} from "./fixture.ts";

/** A frontend whose page has a module that imports another. */
function withScript(text: string): Service {
  return service((_, path) => {
    switch (path) {
      case "/main.js":
        return script('import { ask } from "./api.js"; ask();');
      case "/api.js":
        return script(text);
      default:
        return page('<script type="module" src="/main.js"></script>');
    }
  });
}

Deno.test("an API's absolute URL is found in a module that the page's script imports", async () => {
  await using front = withScript(
    'export const ask = () => fetch("http://localhost:8000/api/me");',
  );
  assertFinds(await examined(stackOf({ frontend: front })), "absolute-url", {
    sentence: /ask another origin, http:\/\/localhost:8000/,
    evidence: /^\/api.js: http:\/\/localhost:8000\/api\/me$/,
    fix: /Ask for the path alone \(\/api\/me\)/,
  });
});

Deno.test("a WebSocket's absolute URL is found, and an upstream's", async () => {
  await using front = withScript('new WebSocket("ws://127.0.0.1:8001/ws");');
  assertFinds(await examined(stackOf({ frontend: front })), "absolute-url", {
    sentence: /ws:\/\/127.0.0.1:8001/,
    fix: /\/ws/,
  });
});

Deno.test("URLs that libraries have in them are let be", async () => {
  await using front = withScript(`
    /* new Centrifuge("ws://localhost:8000/connection/websocket") */
    // see http://localhost:3000/
    const SVG = "http://www.w3.org/2000/svg";
    const base = globalThis.location?.href ?? "http://localhost";
    throw Error("https://react.dev/errors/1");
  `);
  assertHealthy(await examined(stackOf({ frontend: front })));
});

Deno.test("a script that is answered with the page is found", async () => {
  await using front = service(() =>
    page('<script src="/static/app.js"></script>')
  );
  assertFinds(await examined(stackOf({ frontend: front })), "asset-type", {
    sentence: /The script \/static\/app.js is answered with a page of HTML/,
    evidence: /200, text\/html; charset=utf-8, of location \//,
    fix: /Add a location for \/static/,
  });
});

Deno.test("a stylesheet of the admin's that is not there is found", async () => {
  await using front = service((_, path) =>
    path === "/" ? page() : new Response("no", { status: 404 })
  );
  await using back = service(() =>
    page('<link href="/static/base.css" rel="stylesheet">')
  );
  const report = await examined({
    locations: { "/": front.pass, "/admin": back.pass },
  });
  assertFinds(report, "asset-type", {
    sentence: /The stylesheet \/static\/base.css is not found/,
    fix: /Add a location for \/static/,
  });
});

Deno.test("a CORS header for another origin is found", async () => {
  await using front = frontend();
  await using back = backend({
    "access-control-allow-origin": "http://localhost:5173",
    "access-control-allow-credentials": "true",
  });
  const config = stackOf({ frontend: front, backend: back });
  assertFinds(await examined(config), "cors", {
    sentence:
      /\/api still allows another origin by CORS, http:\/\/localhost:5173/,
    fix: /remove the CORS settings/,
  });
});

Deno.test("an API that lets every page read with cookies is found", async () => {
  await using front = frontend();
  await using back = service((request) => {
    const origin = request.headers.get("origin");
    const headers = new Headers();
    if (origin !== null) {
      headers.set("access-control-allow-origin", origin);
      headers.set("access-control-allow-credentials", "true");
    }
    return Response.json({}, { headers });
  });
  const config = stackOf({ frontend: front, backend: back });
  assertFinds(await examined(config), "cors-credentials", {
    sentence: /Any page can read \/api with the visitor's cookies/,
    fix: /Remove the CORS settings/,
  });
});

/** A backend that checks a form's origin as Django with `DEBUG` does. */
function django(): { service: Service; posts: Request[] } {
  const posts: Request[] = [];
  const made = service((request) => {
    if (request.method !== "POST") {
      return page(
        '<form method="post" action="/admin/login/">' +
          '<input type="hidden" name="csrfmiddlewaretoken" value="t">' +
          '<input type="password" name="password"></form>',
        { "set-cookie": "csrftoken=t; Path=/; SameSite=Lax" },
      );
    }
    posts.push(request);
    const origin = request.headers.get("origin");
    const isSame = origin === `http://${request.headers.get("host")}`;
    const reason = isSame
      ? "CSRF cookie not set."
      : `Origin checking failed - ${origin} does not match any trusted origins.`;
    return new Response(`<pre>${reason}</pre>`, { status: 403 });
  });
  return { service: made, posts };
}

Deno.test("a Host without the port, which Django's CSRF check refuses, is found", async () => {
  await using front = frontend();
  const { service: back, posts } = django();
  await using _ = back;
  const locations = { "/": front.pass, "/admin": back.pass };
  assertFinds(
    await examined({ proxy_set_header: { Host: "$host" }, locations }),
    "csrf-host",
    {
      sentence:
        /\/admin\/login\/: it sees the host localhost, the browser localhost:\d+/,
      evidence: /Origin checking failed - http:\/\/localhost:\d+/,
      fix:
        /Host: \$http_host.*CSRF_TRUSTED_ORIGINS = \["http:\/\/localhost:\d+"\]/,
    },
  );
  assertHealthy(
    await examined({ proxy_set_header: { Host: "$http_host" }, locations }),
  );
  // What is posted can change nothing: there is no token, no cookie, no name.
  for (const post of posts) {
    if (post.headers.has("cookie")) throw new Error("a cookie was sent");
    if (post.headers.get("content-length") !== "0") throw new Error("a body");
  }
});

Deno.test("a clock that is behind is found", async () => {
  await using front = frontend();
  await using back = backend({
    date: new Date(Date.now() - 120_000).toUTCString(),
  });
  const config = stackOf({ frontend: front, backend: back });
  assertFinds(await examined(config), "clock", {
    sentence: /is 1[12]\d s behind this machine's: tokens \(JWT\) are refused/,
    fix: /NTP/,
  });
});
