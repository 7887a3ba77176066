/**
 * HTTP/2 without TLS, as Deno takes it beside HTTP/1.1. h2spec's other cases are
 * run by hand: `deno task peers h2spec`.
 *
 * @module
 */
import { match } from "node:assert/strict";
import { startProxy } from "../support/proxy.ts";
import { rawExchange } from "../support/raw_upstream.ts";

Deno.test("what is no HTTP/2 preface is answered as HTTP/1.1, and the connection closed", async () => {
  await using proxy = startProxy({ locations: { "/": "http://127.0.0.1:1" } });
  // h2spec wants no answer (RFC 9113 3.4), which is for a port of HTTP/2 alone.
  for (
    const preface of [
      "INVALID CONNECTION PREFACE\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
    ]
  ) {
    const answer = await rawExchange(proxy.port, preface);
    match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
  }
});
