import assert from "node:assert/strict";
import fc from "fast-check";
import {
  BAD_PORTS,
  LISTEN_PATTERN,
  listenKey,
  parseListen,
  parseUpstreamAddress,
  UPSTREAM_PATTERN,
} from "../../lib/config/address.ts";
import {
  inlineAddress,
  parseProxyPass,
  proxyHost,
} from "../../lib/config/directives/proxy_pass.ts";
import {
  parseServerName,
  primaryName,
} from "../../lib/config/directives/listen.ts";
import { ValueError } from "../../lib/config/words.ts";

const tcp = (hostname: string, port: number) => ({
  transport: "tcp",
  hostname,
  port,
});

Deno.test("a listen is a port or an address", () => {
  const listens: [string | number, unknown][] = [
    [9000, tcp("0.0.0.0", 9000)],
    ["9000", tcp("0.0.0.0", 9000)],
    [0, tcp("0.0.0.0", 0)],
    ["127.0.0.1:0", tcp("127.0.0.1", 0)],
    [":9000", tcp("0.0.0.0", 9000)],
    ["*:9000", tcp("0.0.0.0", 9000)],
    ["127.0.0.1:9000", tcp("127.0.0.1", 9000)],
    ["[::]:9000", tcp("::", 9000)],
    ["[0:0:0:0:0:0:0:1]:9000", tcp("::1", 9000)],
    ["LOCALHOST:65535", tcp("localhost", 65535)],
    ["unix:/run/x.sock", { transport: "unix", path: "/run/x.sock" }],
  ];
  for (const [written, address] of listens) {
    assert.deepEqual(parseListen(written), address, `${written}`);
    assert.match(`${written}`, new RegExp(LISTEN_PATTERN));
  }
});

Deno.test("an address has one identity, however it is written", () => {
  const key = (written: string | number) => listenKey(parseListen(written));
  for (const same of [9000, "9000", "*:9000", ":9000", "0.0.0.0:9000"]) {
    assert.equal(key(same), "0.0.0.0:9000");
  }
  assert.equal(key("[0:0:0:0:0:0:0:1]:80"), "[::1]:80");
  assert.equal(key("[::1]:80"), "[::1]:80");
  assert.equal(key("LOCALHOST:1"), "localhost:1");
  assert.equal(key("unix:/a:1"), "unix:/a:1");
});

Deno.test("what is no listen is refused, with what was meant", () => {
  const messages: [string | number, string][] = [
    [70000, "the port must be 0 to 65535, got 70000"],
    [-1, "the port must be 0 to 65535, got -1"],
    [80.5, "the port must be 0 to 65535, got 80.5"],
    ["a:99999", 'the port must be 0 to 65535, got "99999"'],
    ["a:x", 'the port must be 0 to 65535, got "x"'],
    ["127.0.0.1", '"127.0.0.1" has no port (write "127.0.0.1:9000")'],
    [
      "::1",
      'expected "host:port", got "::1" (write an IPv6 address in brackets: [::1]:8000)',
    ],
    ["[::1:9000", 'expected "host:port", got "[::1:9000"'],
    ["[:::1]:9000", '"[:::1]" is not a host name or address'],
    [
      "9000 default_server",
      '"default_server": the only parameter of listen is ssl (the first server of a listen is its default)',
    ],
    ["9000;", '"9000;": no semicolon at the end here'],
    [
      "http://localhost:9000",
      'expected a port or "host:port", got "http://localhost:9000"',
    ],
    [
      "unix:run/x.sock",
      'expected unix: and an absolute path, got "unix:run/x.sock"',
    ],
    ["1.2.3:80", '"1.2.3" is not a host name or address'],
    ["256.1.1.1:80", '"256.1.1.1" is not a host name or address'],
    ["a b:80", '"b:80": the only parameter of listen is ssl'],
    [
      "bücher.de:80",
      '"bücher.de" is not a host name or address (write "xn--bcher-kva.de")',
    ],
    ["$host:80", "variables can't be used here ($host)"],
  ];
  for (const [written, message] of messages) {
    assert.throws(() => parseListen(written), new ValueError(message));
  }
});

Deno.test("an upstream's server is an address with a port", () => {
  const named = (hostname: string, port: number, name: string) => ({
    ...tcp(hostname, port),
    name,
  });
  const addresses: [string, unknown][] = [
    ["backend:8000", named("backend", 8000, "backend:8000")],
    ["my_app.Local:80", named("my_app.local", 80, "my_app.Local:80")],
    ["[::1]:8000", named("::1", 8000, "[::1]:8000")],
    ["unix:/a:b c", { transport: "unix", path: "/a:b c", name: "unix:/a:b c" }],
    ["unix:/a$$b", { transport: "unix", path: "/a$b", name: "unix:/a$b" }],
  ];
  for (const [written, address] of addresses) {
    assert.deepEqual(parseUpstreamAddress(written), address);
    assert.match(written, new RegExp(UPSTREAM_PATTERN));
  }
  const messages: [string, string][] = [
    ["backend", '"backend" has no port (write "backend:80")'],
    [
      "http://backend:8000/x",
      '"http://" belongs in proxy_pass (write "backend:8000")',
    ],
    [
      "backend:8000 weight=5",
      'expected "host:port" alone, got "backend:8000 weight=5"',
    ],
    [
      "backend:0",
      "nothing can listen on port 0",
    ],
    ["", 'expected "host:port", got ""'],
    ["a/b:80", '"a/b" is not a host name or address'],
    ["a@b:80", '"a@b" is not a host name or address'],
  ];
  for (const [written, message] of messages) {
    assert.throws(() => parseUpstreamAddress(written), new ValueError(message));
  }
});

Deno.test("the blocked ports are those that fetch refuses", async () => {
  for (const port of BAD_PORTS) {
    await assert.rejects(
      fetch(`http://127.0.0.1:${port}/`),
      { message: /blocked/ },
      `${port}`,
    );
  }
  // A closed port that is not blocked fails in another way.
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await assert.rejects(fetch(`http://127.0.0.1:${port}/`), (error: Error) => {
    assert.doesNotMatch(error.message, /blocked/);
    return true;
  });
});

Deno.test("a proxy_pass is a scheme, an upstream or address, and maybe a path", () => {
  const passes: [string, unknown][] = [
    ["http://backend", ["http", { hostname: "backend", port: null }, null]],
    ["HTTPS://Backend:8000/", [
      "https",
      { hostname: "backend", port: 8000 },
      "/",
    ]],
    ["http://[::1]/a?b=c", ["http", { hostname: "::1", port: null }, "/a?b=c"]],
    ["http://a:80/é b".replace(" ", ""), [
      "http",
      { hostname: "a", port: 80 },
      "/%C3%A9b",
    ]],
    ["http://a:80/%2F//x", ["http", { hostname: "a", port: 80 }, "/%2F//x"]],
    ["http://unix:/run/x.sock", ["http", { path: "/run/x.sock" }, null]],
    ["http://unix:/run/x.sock:/u:v", ["http", { path: "/run/x.sock" }, "/u:v"]],
  ];
  for (const [written, [scheme, to, uri]] of passes as [string, unknown[]][]) {
    assert.deepEqual(parseProxyPass(written), { written, scheme, to, uri });
  }
});

Deno.test("what is no proxy_pass is refused, with what was meant", () => {
  const messages: [string, string][] = [
    ["backend", '"backend" has no scheme (write "http://backend")'],
    [
      "backend:8000/x",
      '"backend:8000/x" has no scheme (write "http://backend:8000/x")',
    ],
    [
      "ws://c:8000/x",
      'write "http://c:8000/x": WebSockets are proxied without configuration',
    ],
    [
      "wss://c",
      'write "https://c": WebSockets are proxied without configuration',
    ],
    ["ftp://c", 'expected an address with http:// or https://, got "ftp://c"'],
    ["http://backend;", '"http://backend;": no semicolon at the end here'],
    [
      "proxy_pass http://backend;",
      'write "http://backend" alone, without "proxy_pass"',
    ],
    ["http://$host", "variables can't be used here ($host)"],
    ["http://a/${uri}", "variables can't be used here (${uri})"],
    [
      "http://u:p@a/",
      "user names and passwords are not supported here (set the Authorization header with proxy_set_header)",
    ],
    ["http://a:80?x=1", 'expected a path that starts with "/", got "?x=1"'],
    ["http://a:80/x#y", 'a "#" has no meaning here, got "/x#y"'],
    [
      "http://a b",
      'expected an address such as http://backend, got "http://a b"',
    ],
    ["http:/a", '"http:/a" has a misspelt scheme (write "http://a")'],
    ["http://", 'expected "host:port", got ""'],
    ["http://a:b", 'the port must be 0 to 65535, got "b"'],
  ];
  for (const [written, message] of messages) {
    assert.throws(
      () => parseProxyPass(written),
      new ValueError(message),
      written,
    );
  }
});

Deno.test("an address in proxy_pass has its scheme's port", () => {
  const inline = (written: string) => {
    const pass = parseProxyPass(written);
    return [inlineAddress(pass, ["backend"]), proxyHost(pass)];
  };
  const named = (hostname: string, port: number, name: string) => ({
    ...tcp(hostname, port),
    name,
  });
  const cases: [string, unknown[]][] = [
    ["http://localhost", [named("localhost", 80, "localhost:80"), "localhost"]],
    ["https://a.example", [
      named("a.example", 443, "a.example:443"),
      "a.example",
    ]],
    ["https://a:443", [named("a", 443, "a:443"), "a"]],
    ["http://a:443", [named("a", 443, "a:443"), "a:443"]],
    ["http://[::1]", [named("::1", 80, "[::1]:80"), "[::1]"]],
    ["http://backend:8000", [
      named("backend", 8000, "backend:8000"),
      "backend:8000",
    ]],
    ["http://unix:/x", [
      { transport: "unix", path: "/x", name: "unix:/x" },
      "localhost",
    ]],
  ];
  for (const [written, expected] of cases) {
    assert.deepEqual(inline(written), expected);
  }
  assert.throws(() => inline("http://backnd"), {
    message: 'no upstream is called "backnd" (did you mean "backend"?)',
  });
  assert.throws(() => inline("https://redis"), {
    message:
      'no upstream is called "redis" (if it is a host, write its port: https://redis:443)',
  });
});

Deno.test("a server_name is a host name, one with a star, or an address", () => {
  const names: [string, string][] = [
    ["Example.COM", "example.com"],
    ["*.example.com", "*.example.com"],
    [".example.com", ".example.com"],
    ["example.*", "example.*"],
    ["www.example.*", "www.example.*"],
    ["127.0.0.1", "127.0.0.1"],
    ["[::1]", "[::1]"],
    ["_", "_"],
    ["", ""],
    ["my_host", "my_host"],
  ];
  for (const [written, name] of names) {
    assert.equal(parseServerName(written), name);
  }
  const messages: [string, string][] = [
    ["~^www", "regular expressions are not supported here"],
    ["a b", '"a b" is not a host name (write several as a list: [a, b])'],
    [
      "a:9000",
      '"a:9000" is not a host name (write the host without a port: "a")',
    ],
    ["http://a/", '"http://a/" is not a host name (write the host alone: "a")'],
    ["*a.com", '"*a.com": a "*" is only allowed first or last, next to a dot'],
    [
      "a.*.com",
      '"a.*.com": a "*" is only allowed first or last, next to a dot',
    ],
    ["*.a.*", '"*.a.*": a "*" is only allowed first or last, next to a dot'],
    [
      "bücher.de",
      '"bücher.de": browsers send this name as "xn--bcher-kva.de", write that',
    ],
    ["[::x]", '"[::x]" is not a host name'],
    ["a..b", '"a..b" is not a host name'],
    ["localhost;", '"localhost;": no semicolon at the end here'],
  ];
  for (const [written, message] of messages) {
    assert.throws(() => parseServerName(written), new ValueError(message));
  }
  assert.equal(primaryName([".example.com", "a"]), "example.com");
  assert.equal(primaryName([]), "");
});

Deno.test("any text is an address or refused in words", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: fc.constantFrom(..."a1.:[]/@?#*%-_$ ;".split("")) }),
  );
  const parsers = [parseListen, parseUpstreamAddress, parseServerName];
  const starts = ["", "http://", "https://a:", "unix:", "http://unix:/"];
  fc.assert(
    fc.property(text, fc.constantFrom(...starts), (end, start) => {
      for (const parse of [...parsers, parseProxyPass]) {
        try {
          const parsed = parse(start + end);
          if (parse === parseProxyPass) {
            inlineAddress(parseProxyPass(start + end), []);
          }
          assert(parsed !== undefined);
        } catch (error) {
          assert(error instanceof ValueError, String(error));
        }
      }
    }),
    { numRuns: 2000 },
  );
});
