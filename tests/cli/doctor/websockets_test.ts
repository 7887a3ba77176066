/**
 * WebSockets, Vite and hosts that are broken on purpose.
 *
 * @module
 */
import {
  assertFinds,
  assertHealthy,
  examined,
  frontend,
  page,
  script,
  type Service,
  service,
} from "./fixture.ts";

function isHandshake(request: Request): boolean {
  return request.headers.get("upgrade") === "websocket";
}

/** Agrees to a WebSocket. */
function agree(request: Request): Response {
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.onerror = () => {};
  return response;
}

/** What answers as Centrifugo does at its WebSocket path. */
function centrifugo(allowedOrigins: readonly string[] | "any"): Service {
  return service((request, path) => {
    if (path !== "/connection/websocket") {
      return new Response("404 page not found\n", { status: 404 });
    }
    if (!isHandshake(request)) return new Response(null, { status: 400 });
    const origin = request.headers.get("origin");
    const isAllowed = origin === null || allowedOrigins === "any" ||
      allowedOrigins.includes(origin);
    return isAllowed ? agree(request) : new Response(null, { status: 403 });
  });
}

Deno.test("a Centrifugo that refuses the page's origin is found, with the setting", async () => {
  await using front = frontend();
  await using live = centrifugo(["http://localhost:8000"]);
  const report = await examined({
    locations: { "/": front.pass, "/connection/websocket": live.pass },
  });
  assertFinds(report, "centrifugo-origin", {
    sentence: /Centrifugo refuses the page's origin, http:\/\/localhost:\d+/,
    evidence: /with Origin: http:\/\/localhost:\d+: 403; without: 101/,
    fix: /"allowed_origins": \["http:\/\/localhost:\d+"\]/,
  });
});

Deno.test("a Centrifugo that lets the page in is let be", async () => {
  await using front = frontend();
  await using live = centrifugo("any");
  assertHealthy(
    await examined({
      locations: { "/": front.pass, "/connection/websocket": live.pass },
    }),
  );
});

Deno.test("a page that asks for Centrifugo where no location leads there is found", async () => {
  await using front = service((_, path) =>
    path === "/app.js"
      ? script("new Centrifuge(`ws://${location.host}/connection/websocket`)")
      : page('<script src="/app.js"></script>')
  );
  await using live = centrifugo("any");
  const report = await examined({
    upstreams: { live: live.address },
    locations: { "/": front.pass, "/emulation": "http://live" },
  });
  assertFinds(report, "centrifugo-path", {
    sentence:
      /Centrifugo's WebSocket is not reached at \/connection\/websocket/,
    evidence: /200, of 127.0.0.1:\d+ \(location \/\)/,
    fix: /Add the location \/connection\/websocket: http:\/\/live/,
  });
});

Deno.test("a proxy_pass that strips Centrifugo's path is found", async () => {
  await using front = frontend();
  await using live = centrifugo("any");
  const report = await examined({
    upstreams: { live: live.address },
    locations: { "/": front.pass, "/connection/websocket": "http://live/" },
  });
  assertFinds(report, "centrifugo-path", {
    sentence: /not reached/,
    fix: /asked for \/: write proxy_pass without a path, .*: http:\/\/live\./,
  });
});

Deno.test("HTTP on a WebSocket location is found", async () => {
  await using front = frontend();
  const report = await examined({
    locations: { "/": front.pass, "/ws": front.pass },
  });
  assertFinds(report, "websocket", {
    sentence: /\/ws answers a WebSocket with plain HTTP/,
    evidence: /a handshake on \/ws: 200/,
    fix: /sameorigin explain GET ws:\/\/localhost:\d+\/ws/,
  });
});

Deno.test("a WebSocket server that wants a sign-in first is let be", async () => {
  await using front = frontend();
  await using sockets = service((request) =>
    isHandshake(request)
      ? new Response(null, { status: 401 })
      : new Response(null, { status: 426 })
  );
  assertHealthy(
    await examined({ locations: { "/": front.pass, "/ws/": sockets.pass } }),
  );
});

Deno.test("websocket_origins without the page's own origin is found", async () => {
  await using front = frontend();
  await using live = centrifugo("any");
  const report = await examined({
    websocket_origins: ["https://app.example.com"],
    locations: { "/": front.pass, "/connection/websocket": live.pass },
  });
  assertFinds(report, "websocket-origins", {
    sentence: /The proxy refuses WebSockets of its own page/,
    fix: /websocket_origins: \[self, http:\/\/localhost:\d+\]/,
  });
});

/** The lines of Vite's client that say where its WebSocket is. */
function viteClient(port: string, base = "/"): string {
  return `const hmrPort = ${port};
const socketHost = \`\${null || importMetaUrl.hostname}:\${hmrPort || importMetaUrl.port}\${"${base}"}\`;
const directSocketHost = "localhost:5173/";
const wsToken = "abc_-1";
`;
}

/** What answers as Vite does, but perhaps for its WebSocket. */
function vite(options: { port?: string; upgrades?: boolean } = {}): Service {
  const { port = "null", upgrades = true } = options;
  return service((request, path) => {
    if (isHandshake(request)) {
      const isVites = upgrades && path === "/" &&
        new URL(request.url).searchParams.get("token") === "abc_-1";
      if (!isVites) return new Response(null, { status: 400 });
      const { socket, response } = Deno.upgradeWebSocket(request, {
        protocol: "vite-hmr",
      });
      socket.onerror = () => {};
      return response;
    }
    return path === "/@vite/client"
      ? script(viteClient(port))
      : page('<script type="module" src="/@vite/client"></script>');
  });
}

Deno.test("Vite's hot reloading through the proxy is let be", async () => {
  await using front = vite();
  assertHealthy(await examined({ locations: { "/": front.pass } }));
});

Deno.test("a WebSocket of Vite's that is not reached is found", async () => {
  await using front = vite({ upgrades: false });
  const report = await examined({ locations: { "/": front.pass } });
  assertFinds(report, "vite-hmr", {
    sentence: /Vite's WebSocket for hot reloading is not reached/,
    evidence: /a handshake on \/ with vite-hmr: 400 \(location \/\)/,
    fix: /sameorigin explain GET ws:\/\/localhost:\d+\//,
  });
});

Deno.test("a Vite whose client asks another port is found", async () => {
  await using front = vite({ port: "5173" });
  const report = await examined({ locations: { "/": front.pass } });
  assertFinds(report, "vite-hmr", {
    sentence: /at localhost:5173, not at localhost:\d+/,
    evidence: /hmrPort = 5173/,
    fix: /Remove server.hmr/,
  });
});

/** A service that refuses the host in certain words. */
async function refusing(
  status: number,
  words: string,
  fix: RegExp,
): Promise<void> {
  await using front = service(() => new Response(words, { status }));
  const report = await examined({ locations: { "/": front.pass } });
  assertFinds(report, "host-refused", {
    sentence: /127.0.0.1:\d+ refuses the host 127.0.0.1|refuses the host/,
    fix,
  });
}

Deno.test("a Vite that refuses the host is found", async () => {
  await refusing(
    403,
    'Blocked request. This host ("app.test") is not allowed.\nTo allow this host',
    /allowedHosts: \["[\w.]+"\]/,
  );
});

Deno.test("a Django that refuses the host is found, with DEBUG and without", async () => {
  await refusing(
    400,
    "<h1>DisallowedHost at /</h1><pre>Invalid HTTP_HOST header: 'app.test'.</pre>",
    /ALLOWED_HOSTS = \["[\w.]+"\]/,
  );
  await refusing(
    400,
    "<html><body><h1>Bad Request (400)</h1><p></p></body></html>",
    /ALLOWED_HOSTS/,
  );
});
