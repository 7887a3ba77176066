import assert from "node:assert/strict";
import { findServer } from "../../lib/route/server.ts";
import { findLocation } from "../../lib/route/location.ts";
import { locate, plan, problems, requestContext } from "./config.ts";

/** What a location with this `return` answers, its templates rendered. */
function answer(written: unknown) {
  const text = JSON.stringify({ locations: { "/": { return: written } } });
  const { content } = locate(plan(text), "/");
  assert(content.kind === "return" || content.kind === "redirect");
  return content.kind === "return"
    ? [content.status, content.text?.(requestContext()) ?? null]
    : [content.status, content.location(requestContext()), "redirect"];
}

/** Why a `return` is refused. */
function refusal(written: unknown): string {
  const text = JSON.stringify({ locations: { "/": { return: written } } });
  return problems(text).join("\n")
    .replaceAll('config.yaml: locations["/"].return', "");
}

Deno.test("a status alone is answered with the proxy's own page, if it is an error", () => {
  assert.deepEqual(answer(404), [404, null]);
  assert.deepEqual(answer("404"), [404, null]);
  assert.deepEqual(answer([404]), [404, null]);
  assert.deepEqual(answer(599), [599, null]);
  assert.deepEqual(answer(200), [200, ""]);
  assert.deepEqual(answer(204), [204, ""]);
  assert.deepEqual(answer("304"), [304, ""]);
});

Deno.test("a status may have a text with variables, in one value or in two", () => {
  assert.deepEqual(answer("200 ok"), [200, "ok"]);
  assert.deepEqual(answer([200, "ok"]), [200, "ok"]);
  assert.deepEqual(answer(["200", " ok;"]), [200, " ok;"]);
  assert.deepEqual(answer("403  go away, $remote_addr"), [
    403,
    "go away, 192.0.2.1",
  ]);
  assert.deepEqual(answer([200, "User-agent: *\nDisallow: /\n"]), [
    200,
    "User-agent: *\nDisallow: /\n",
  ]);
  assert.deepEqual(answer([200, ""]), [200, ""]);
  assert.deepEqual(answer([500, ""]), [500, null]);
  // A byte string, as every template renders to.
  assert.deepEqual(answer([200, "é$$"]), [200, "Ã©$"]);
});

Deno.test("a redirect has a status and a URL, or a URL alone", () => {
  for (const status of [301, 302, 303, 307, 308]) {
    assert.deepEqual(answer(`${status} https://$host$request_uri`), [
      status,
      "https://example.com/a%20b?x=1",
      "redirect",
    ]);
    assert.deepEqual(answer([status, "/new"]), [status, "/new", "redirect"]);
  }
  assert.deepEqual(answer("https://example.org/"), [
    302,
    "https://example.org/",
    "redirect",
  ]);
  assert.deepEqual(answer("$scheme://www.$host/"), [
    302,
    "http://www.example.com/",
    "redirect",
  ]);
  assert.deepEqual(answer(["http://a/"]), [302, "http://a/", "redirect"]);
  // These have no Location in nginx either.
  assert.deepEqual(answer("300 choose"), [300, "choose"]);
});

Deno.test("what is no return is refused, with what was meant", () => {
  const refusals: [unknown, string][] = [
    [
      true,
      ': expected a status such as 404, "301 https://$host$request_uri", or [200, "text"], got true',
    ],
    [
      "gone",
      ': expected a status such as 404, "301 https://$host$request_uri", or [200, "text"], got "gone"',
    ],
    [
      "/new",
      ': expected a status such as 404, "301 https://$host$request_uri", or [200, "text"], got "/new" (write "302 /new")',
    ],
    [99, ": the status must be 200 to 599, got 99"],
    [
      404.5,
      ': expected a status such as 404, "301 https://$host$request_uri", or [200, "text"], got the number 404.5',
    ],
    ["101", ": the status must be 200 to 599, got 101"],
    ["999 text", ": the status must be 200 to 599, got 999"],
    [
      444,
      ": 444 is not supported: a connection can't be closed without an answer",
    ],
    [
      301,
      ': a redirect needs a URL (write "301 https://$host$request_uri")',
    ],
    [
      [308, ""],
      ': a redirect needs a URL (write "308 https://$host$request_uri")',
    ],
    ["302 /a b", ': a URL has no spaces: "/a b" (write %20)'],
    [
      [301, "/\r\nx"],
      ": a header's value has no line breaks or other control characters",
    ],
    ["204 ok", ": an answer with 204 has no text"],
    [[205, "ok"], ": an answer with 205 has no text"],
    [[304, "$host"], ": an answer with 304 has no text"],
    ["404;", ': "404;": no semicolon at the end here'],
    [
      "200 ok;",
      ': "200 ok;": no semicolon at the end here (write [200, "ok;"] to send it)',
    ],
    [
      `200 "all is well"`,
      ': the quotes would be sent too (write [200, "all is well"])',
    ],
    [
      "200 $hots",
      ': unknown variable "$hots" (did you mean "$host"?)',
    ],
    [
      [],
      ': expected a status such as 404, "301 https://$host$request_uri", or [200, "text"], got an empty list',
    ],
    [
      [200, "a", "b"],
      ": expected a status and a text, got more than two values",
    ],
    [["ok", "200"], ': expected a status such as 404 first, got "ok"'],
    [
      [200, 7],
      ": expected text after the status, got the number 7 (put it in quotes)",
    ],
    [[200, null], "[1]: expected a status or text, got nothing"],
  ];
  for (const [written, message] of refusals) {
    assert.equal(refusal(written), message, JSON.stringify(written));
  }
});

Deno.test("a location that returns has settings, but nothing is checked before", () => {
  const read = plan(`
limit_conn: 5
access_log: off
locations:
  /: http://a:80
  /gone/: {return: 410, limit_conn: 1, client_max_body_size: 1k}
`);
  const { access, settings, key, prefix } = locate(read, "/gone/x");
  assert.deepEqual(access, []);
  assert.deepEqual([key, prefix], ["/gone/", "/gone/"]);
  assert.equal(settings.client_max_body_size, 1024);
  assert.equal(settings.access_log, false);
  assert.equal(locate(read, "/").access.length, 1);
  assert.deepEqual(read.upstreams.map(({ name }) => name), ["a"]);
});

Deno.test("only a location that proxies redirects to its final slash", () => {
  const read = plan(`
locations:
  /: {return: 404}
  /proxied/: http://a:80
  /returned/: {return: 410}
`);
  const { locations } = findServer(read.listeners[0]!.servers, null);
  assert.equal(findLocation(locations, "/proxied")?.kind, "redirect");
  const match = findLocation(locations, "/returned");
  assert.deepEqual([match?.kind, match?.location.key], ["found", "/"]);
});

Deno.test("a return of a server is for every request, so it has no locations", () => {
  const read = plan("{listen: 80, return: '301 https://$host$request_uri'}");
  const { rewrite } = findServer(read.listeners[0]!.servers, null);
  assert.equal(rewrite?.answer?.content.kind, "redirect");
  assert.deepEqual(
    problems({ return: 404, locations: { "/": { return: 404 } } }),
    [
      "config.yaml: return: with this no request reaches the locations (write " +
      "it in a location)",
    ],
  );
  assert.deepEqual(
    problems({ return: 404, servers: [{ return: 404 }, { listen: 1 }] }),
    [
      `config.yaml: return: with "servers", this belongs in each of them`,
      'config.yaml: servers[1]: "locations" is missing: it says which paths go ' +
      "where",
    ],
  );
});
