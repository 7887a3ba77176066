import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { parseHost, splitUrl } from "../../lib/route/host.ts";

const FALLBACK = "localhost:9000";

function split(url: string, host: string | null) {
  const parts = splitUrl(url, "http://", host, FALLBACK);
  return parts && [parts.authority, parts.target];
}

Deno.test("the target is what follows the Host header in the URL", () => {
  deepStrictEqual(split("http://a/x?y#z", "a"), ["a", "/x?y#z"]);
  deepStrictEqual(split("http://a:1//x/../y", "a:1"), ["a:1", "//x/../y"]);
  deepStrictEqual(split("http://A/", "A"), ["A", "/"]);
  deepStrictEqual(split("http://a/*", "a"), ["a", "/*"]);
});

Deno.test("no part of a Host header becomes the target", () => {
  for (const host of ["evil/admin", "a?b", "a#b", "u@a", "a b", "//", "a/"]) {
    deepStrictEqual(split(`http://${host}/foo`, host), [host, "/foo"]);
    strictEqual(parseHost(host), null);
  }
});

Deno.test("an absolute-form target wins over the Host header", () => {
  deepStrictEqual(split("http://b:81/x?y", "a"), ["b:81", "/x?y"]);
  deepStrictEqual(split("https://b/x", "a"), ["b", "/x"]);
  deepStrictEqual(split("HTTPS://b/x", "a"), ["b", "/x"]);
  deepStrictEqual(split("http://b?x/y", "a"), ["b", "/?x/y"]);
  deepStrictEqual(split("http://b?x", "b"), ["b", "/?x"]);
  deepStrictEqual(split("http://b#x", "a"), ["b", "/#x"]);
  deepStrictEqual(split("http://b", "a"), ["b", "/"]);
  deepStrictEqual(split("http://ab/x", "a"), ["ab", "/x"]);
  deepStrictEqual(split(`http://${FALLBACK}/x`, "a"), [FALLBACK, "/x"]);
  deepStrictEqual(split("http://u@b/x", "a"), ["u@b", "/x"]);
  deepStrictEqual(split("http:///x", "a"), ["", "/x"]);
});

Deno.test("a malformed Host header is refused beside an absolute-form target too", () => {
  deepStrictEqual(split("http://b/x", "a b"), ["a b", "/x"]);
  deepStrictEqual(split(`http://${FALLBACK}/x`, "\xe4"), ["\xe4", "/x"]);
});

Deno.test("without a Host header the URL's host counts, unless it is only Deno's own", () => {
  deepStrictEqual(split(`http://${FALLBACK}/x`, null), [null, "/x"]);
  deepStrictEqual(split("http://b/x", null), ["b", "/x"]);
});

Deno.test("an empty Host header is refused, not replaced", () => {
  deepStrictEqual(split(`http://${FALLBACK}/x`, ""), ["", "/x"]);
  strictEqual(parseHost(""), null);
});

Deno.test("a URL of another scheme is refused", () => {
  strictEqual(split("ftp://b/x", "a"), null);
  strictEqual(split("b:443", null), null);
});

Deno.test("the URLs of a unix socket have a scheme of their own", () => {
  const unix = (url: string, host: string | null) => {
    const parts = splitUrl(url, "http+unix://", host, "%2Frun%2Fs");
    return parts && [parts.authority, parts.target];
  };
  deepStrictEqual(unix("http+unix://a/x", "a"), ["a", "/x"]);
  deepStrictEqual(unix("http+unix://%2Frun%2Fs/x", null), [null, "/x"]);
  deepStrictEqual(unix("http+unix://%2Frun%2Fs/x", ""), ["", "/x"]);
  deepStrictEqual(unix("http://b/x", "a"), ["b", "/x"]);
});

Deno.test("any target is found, whatever slashes are in the header", () => {
  const host = fc.string({
    unit: fc.constantFrom("a", "b", "/", ":", "?", "#", "@", "."),
    minLength: 1,
    maxLength: 8,
  });
  const rest = fc.string({ unit: fc.constantFrom("a", "/", "?", "#", ".") });
  fc.assert(
    fc.property(host, rest, (host, rest) => {
      const target = "/" + rest;
      deepStrictEqual(split(`http://${host}${target}`, host), [host, target]);
    }),
    { numRuns: 5000 },
  );
});

Deno.test("a host is lower case and without port and final dot", () => {
  for (
    const [authority, host, port] of [
      ["localhost", "localhost", ""],
      ["localhost:9000", "localhost", "9000"],
      ["localhost:", "localhost", ""],
      ["LocalHost:09000", "localhost", "09000"],
      ["example.com.", "example.com", ""],
      ["Example.COM.:80", "example.com", "80"],
      [".example.com", ".example.com", ""],
      ["127.0.0.1:1", "127.0.0.1", "1"],
      ["[::1]", "[::1]", ""],
      ["[2001:DB8::A]:443", "[2001:db8::a]", "443"],
      ["[::ffff:1.2.3.4]", "[::ffff:1.2.3.4]", ""],
      ["a_b~!$&'()*+,;=-c", "a_b~!$&'()*+,;=-c", ""],
      ["a%C3%A9", "a%c3%a9", ""],
    ]
  ) deepStrictEqual(parseHost(authority ?? ""), { host, port }, authority!);
});

Deno.test("a malformed host is refused", () => {
  for (
    const authority of [
      "",
      ".",
      ":80",
      ".:80",
      "a..b",
      "a..",
      "a:b",
      "a:123456",
      "a:1:2",
      "a:-1",
      "a b",
      "a/b",
      "a\\b",
      "a?b",
      "a#b",
      "u@a",
      "u:p@a",
      "a%",
      "a%4",
      "a%zz",
      'a"b',
      "a<b",
      "a\0b",
      "a\tb",
      "a\x7f",
      "é",
      "a,b\r\n",
      "[::1",
      "[",
      "[]",
      "::1",
      "[::1]a",
      "[::1].",
      "[::1]:x",
      "[::1]:123456",
      "[1.2.3.4]",
      "[::1%25eth0]",
      "[g::]",
      "[u@::1]",
      "[v1.x]",
      "a[::1]",
    ]
  ) strictEqual(parseHost(authority), null, authority);
});

Deno.test("a host that is accepted means the same to a URL parser", () => {
  const authority = fc.string({
    unit: fc.constantFrom(
      ..."aB1.-_:[]@/\\?#% ~!",
      "::",
      "80",
      "%41",
      "é",
    ),
    maxLength: 10,
  });
  fc.assert(
    fc.property(authority, (authority) => {
      const parsed = parseHost(authority);
      if (parsed === null) return;
      strictEqual(parseHost(parsed.host)?.host, parsed.host);
      const url = URL.parse(`foo://${authority}/x`);
      // URL parsers refuse some characters of a reg-name, and port 99999.
      if (url === null) return;
      strictEqual(url.pathname, "/x");
      strictEqual(url.username, "");
      const literal = parsed.host.startsWith("[");
      if (!literal) {
        strictEqual(
          url.hostname.toLowerCase().replace(/\.$/, ""),
          parsed.host,
        );
      }
    }),
    { numRuns: 20_000 },
  );
});

/** Sends a request head as it is and gives the body of the answer, null for 400. */
async function ask(port: number, head: string): Promise<string | null> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const text = `${head}\r\nConnection: close\r\n\r\n`;
  const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
  await connection.write(bytes);
  let answer = "";
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(4096);
  for (;;) {
    const count = await connection.read(buffer);
    if (count === null) break;
    answer += decoder.decode(buffer.subarray(0, count), { stream: true });
  }
  if (answer.startsWith("HTTP/1.1 400")) return null;
  return answer.slice(answer.indexOf("\r\n\r\n") + 4);
}

Deno.test("Deno.serve composes its URLs as splitUrl expects them", async () => {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => {
      const host = request.headers.get("host");
      const fallback = `localhost:${server.addr.port}`;
      const parts = splitUrl(request.url, "http://", host, fallback);
      return Response.json(parts && [parts.authority, parts.target]);
    },
  );
  const { port } = server.addr;
  for (
    const [head, expected] of [
      ["GET /a/../b HTTP/1.1\r\nHost: x", ["x", "/a/../b"]],
      ["GET //a\\%zz HTTP/1.1\r\nHost: x:1", ["x:1", "//a\\%zz"]],
      ["GET /a#b HTTP/1.1\r\nHost: X", ["X", "/a#b"]],
      ["GET /\xc3\xa9?\xc3\xa9 HTTP/1.1\r\nHost: x", ["x", "/é?é"]],
      ["GET /foo HTTP/1.1\r\nHost: evil/admin", ["evil/admin", "/foo"]],
      ["GET /foo HTTP/1.1\r\nHost: a b", ["a b", "/foo"]],
      ["GET /foo HTTP/1.1\r\nHost: u@a", ["u@a", "/foo"]],
      ["GET /foo HTTP/1.1\r\nHost: \xe9", ["\xe9", "/foo"]],
      ["GET /foo HTTP/1.1\r\nHost: ", ["", "/foo"]],
      ["GET /foo HTTP/1.0", [null, "/foo"]],
      ["GET http://b:81/x?y HTTP/1.1\r\nHost: a", ["b:81", "/x?y"]],
      ["GET https://b/x HTTP/1.1\r\nHost: a", ["b", "/x"]],
      ["GET http://b HTTP/1.1\r\nHost: a", ["b", "/"]],
      ["GET http://b?x HTTP/1.1\r\nHost: a", ["b", "/?x"]],
      ["OPTIONS * HTTP/1.1\r\nHost: a", ["a", "/*"]],
      ["GET ftp://b/x HTTP/1.1\r\nHost: a", null],
    ] as const
  ) {
    const answer = await ask(port, head);
    ok(answer, head);
    deepStrictEqual(JSON.parse(answer), expected, head);
  }
  // Deno's own refusals, which parseTarget would have to make otherwise.
  for (const target of ["/a\tb", "/a\x7f", "/\xff", "a", "?a"]) {
    const answer = await ask(port, `GET ${target} HTTP/1.1\r\nHost: a`);
    strictEqual(answer, null, target);
  }
  await server.shutdown();
});
