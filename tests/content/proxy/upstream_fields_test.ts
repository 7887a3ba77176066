import { deepStrictEqual, ok } from "node:assert/strict";
import { upstreamFields } from "../../../lib/content/proxy/upstream_fields.ts";
import { upstreamTarget } from "../../../lib/content/proxy/proxy.ts";
import type { Field } from "../../../lib/exchange/fields.ts";
import { LocalResponse } from "../../../lib/exchange/local_response.ts";
import { type Asked, located } from "../../request/exchange_fixture.ts";

/** The fields that go upstream. */
function sent(location: unknown, asked: Asked): Field[] {
  const { exchange, result } = located({ locations: { "/": location } }, {
    ...asked,
    headers: [["x-request-id", "7"], ...asked.headers ?? []],
  });
  ok(!(result instanceof LocalResponse), "admitted");
  ok(result.content.kind === "proxy");
  upstreamTarget(exchange, result, result.content);
  exchange.upstreamAddr = "10.0.0.1:80";
  return upstreamFields(exchange, result.content);
}

const ONLY_HOST = {
  proxy_pass: "http://back:81",
  proxy_set_header: { Host: "$host" },
};

Deno.test("by default the upstream learns host, address and scheme", () => {
  deepStrictEqual(sent("http://back:81", {}), [
    ["host", "x"],
    ["x-real-ip", "192.0.2.1"],
    ["x-forwarded-for", "192.0.2.1"],
    ["x-forwarded-host", "x"],
    ["x-forwarded-proto", "http"],
    ["x-request-id", "7"],
  ]);
});

Deno.test("what a location sets replaces the client's, and an empty value sends none", () => {
  const location = {
    proxy_pass: "http://back:81",
    proxy_set_header: {
      "Host": "$host",
      "X-A": "$http_x_a!",
      "Cookie": "",
      "X-Server": "$upstream_addr",
    },
  };
  const headers: Field[] = [["x-a", "1"], ["cookie", "a=b"], ["x-b", "2"]];
  deepStrictEqual(sent(location, { headers }), [
    ["host", "x"],
    ["x-a", "1!"],
    ["x-server", "10.0.0.1:80"],
    ["x-request-id", "7"],
    ["x-b", "2"],
  ]);
});

Deno.test("without a Host of its own a location sends that of proxy_pass, as nginx does", () => {
  const location = {
    proxy_pass: "http://back:81",
    proxy_set_header: { "X-A": "1" },
  };
  deepStrictEqual(sent(location, {}).slice(0, 2), [
    ["x-a", "1"],
    ["host", "back:81"],
  ]);
});

Deno.test("hop-by-hop fields stay here, those that Connection names and underscored ones too", () => {
  const headers: Field[] = [
    ["connection", "keep-alive, X-Hop"],
    ["x-hop", "1"],
    ["keep-alive", "timeout=5"],
    ["proxy-connection", "close"],
    ["trailer", "x"],
    ["te", "gzip"],
    ["expect", "100-continue"],
    ["x_forwarded_for", "10.0.0.1"],
    ["upgrade", "h2c"],
    ["x-kept", "1"],
  ];
  deepStrictEqual(sent(ONLY_HOST, { headers }), [
    ["host", "x"],
    ["x-request-id", "7"],
    ["x-kept", "1"],
  ]);
});

Deno.test("TE: trailers goes on, as the only value of it", () => {
  const headers: Field[] = [["te", "gzip, trailers"]];
  deepStrictEqual(sent(ONLY_HOST, { headers }).at(-1), ["te", "trailers"]);
});

Deno.test("a WebSocket's own fields are left to the handshake", () => {
  const headers: Field[] = [
    ["upgrade", "websocket"],
    ["connection", "Upgrade"],
    ["sec-websocket-version", "13"],
    ["sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="],
    ["sec-websocket-extensions", "permessage-deflate"],
    ["origin", "http://x"],
  ];
  deepStrictEqual(sent(ONLY_HOST, { headers }), [
    ["host", "x"],
    ["x-request-id", "7"],
    ["origin", "http://x"],
  ]);
});
