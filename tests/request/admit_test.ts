import { deepStrictEqual, strictEqual as equal } from "node:assert/strict";
import type { Field } from "../../lib/exchange/fields.ts";
import { type Asked, located, outcome } from "./exchange_fixture.ts";

const CONFIG = {
  server_name: "site",
  locations: { "/": "http://front:8001", "/api/": "http://back:8002" },
};

const HANDSHAKE: Field[] = [
  ["upgrade", "websocket"],
  ["connection", "Upgrade"],
  ["sec-websocket-version", "13"],
  ["sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="],
];

const refused: [what: string, asked: Asked, status: number][] = [
  ["TRACE", { method: "TRACE" }, 405],
  ["CONNECT", { method: "CONNECT" }, 405],
  ["a method in lower case", { method: "get" }, 400],
  ["a Host with a slash", { headers: [["host", "a/b"]] }, 400],
  ["a path above the root", { target: "/../x" }, 400],
  ["an invalid escape", { target: "/%zz" }, 400],
  [
    "two lengths",
    { method: "POST", headers: [["content-length", "5, 5"]] },
    400,
  ],
  [
    "an unknown transfer coding",
    { method: "POST", headers: [["transfer-encoding", "gzip, chunked"]] },
    501,
  ],
  [
    "a handshake of another version",
    {
      headers: HANDSHAKE.map(([name, value]) => [
        name,
        name === "sec-websocket-version" ? "8" : value,
      ]),
    },
    426,
  ],
  [
    "a handshake without a version",
    { headers: HANDSHAKE.toSpliced(2, 1) },
    400,
  ],
  ["a handshake without a key", { headers: HANDSHAKE.slice(0, 3) }, 400],
];
for (const [what, asked, status] of refused) {
  Deno.test(`admit refuses ${what}`, () => {
    equal(outcome(CONFIG, asked), status);
  });
}

Deno.test("a request that may go on has its facts filled in", () => {
  const { exchange } = located(CONFIG, {
    method: "POST",
    target: "/api/x%20y?q=1",
    headers: [["host", "SITE:9000"], ["content-length", "12"]],
  });
  const { authority, hostname, path, args, requestUri, hasBody, bodyLength } =
    exchange;
  deepStrictEqual(
    { authority, hostname, path, args, requestUri, hasBody, bodyLength },
    {
      authority: "SITE:9000",
      hostname: "site",
      path: "/api/x y",
      args: "q=1",
      requestUri: "/api/x%20y?q=1",
      hasBody: true,
      bodyLength: 12,
    },
  );
  equal(exchange.websocket, false);
});

Deno.test("a valid handshake asks for a WebSocket, and only a GET does", () => {
  const asks = (asked: Asked) => located(CONFIG, asked).exchange.websocket;
  equal(asks({ headers: HANDSHAKE }), true);
  equal(asks({ headers: HANDSHAKE, method: "POST" }), false);
  equal(asks({ headers: HANDSHAKE.slice(1) }), false);
});

Deno.test("route finds the location, redirects to its slash, and refuses what is too large", () => {
  equal(outcome(CONFIG, { target: "/api/x" }), "/api/");
  equal(outcome(CONFIG, { target: "/apiary" }), "/");
  equal(outcome(CONFIG, { target: "/api" }), 301);
  equal(
    outcome({ locations: { "/a": "http://a:8003" } }, { target: "/b" }),
    404,
  );
  const limited = { ...CONFIG, client_max_body_size: 10 };
  const post = (length: number): Asked => ({
    method: "POST",
    headers: [["content-length", String(length)]],
  });
  equal(outcome(limited, post(10)), "/");
  equal(outcome(limited, post(11)), 413);
});
