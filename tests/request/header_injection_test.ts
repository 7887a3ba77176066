/**
 * No request makes a header, or another request, out of what the config puts
 * into headers and targets: the property that "HTTP response splitting" breaks.
 *
 * @module
 */
import {
  deepStrictEqual,
  match,
  ok,
  strictEqual as equal,
} from "node:assert/strict";
import { startProxy } from "../support/proxy.ts";
import { rawExchange, rawUpstream } from "../support/raw_upstream.ts";
import { random } from "../websocket/random.ts";

/** Pieces that end a line, a word, an argument or an attribute somewhere. */
const PIECES = [
  ...["%0d%0a", "%0D", "%0A", "%00", "%09", "%20", "%0d%0aset-cookie:%20a=b"],
  ...["%0d%0a%0d%0aHTTP/1.1%20200%20OK", "%20HTTP/1.1%0d%0ax-evil:%201"],
  ...[";", "%3B", "%2C", "%5c", "%2f", "%22", "%23", "%3F", "%26", "%25", "+"],
  ...["é", "%C3%A9", "%c2%85", "%e2%80%a8", "%ff", "'", "\\", "..", "/"],
  ...["a", "b=c", "&", "=", "$host", "$1", "x-evil:1"],
];

/** Fields of requests and of upstreams can hold all but controls. */
const VALUES = [
  ...[
    "a",
    " ",
    "\t",
    ";",
    ",",
    "=",
    '"',
    "\\",
    "é",
    "\x80",
    "\xff",
    "/",
    "%0d",
  ],
  ...[
    "%0a",
    "HttpOnly",
    "domain=",
    "path=/",
    "$1",
    "http://b.example",
    "?",
    "#",
  ],
];

/** Where what a client sends gets into what is sent. */
const LOCATIONS = (upstream: string) => ({
  "/redirect/": { return: "302 /to$uri?$args&u=$uri" },
  "~ ^/captured/(.*)$": { return: "301 https://b.example/$1?x=$1" },
  "/rewritten/": { rewrite: "^/rewritten/(.*)$ /up/$1?p=$1&h=$http_x last" },
  "/moved/": { rewrite: "^/moved/(.*)$ /b/$1?p=$1 permanent" },
  "/broken/": {
    rewrite: "^/broken/(.*)$ /up/$1?p=$http_x&u=$uri break",
    proxy_pass: upstream,
  },
  "/page/": {
    error_page: { 404: "/up/x$uri?from=$uri&h=$http_x" },
    return: 404,
  },
  "/away/": { error_page: { 404: "https://b.example$uri?$args" }, return: 404 },
  "/up/": { proxy_pass: upstream },
});

const SETTINGS = {
  add_header: {
    "X-Uri": ["$uri", "always"],
    "X-Args": ["$args", "always"],
    "X-Arg": ["a $arg_a", "always"],
    "X-Target": ["$request_uri", "always"],
    "X-Http": ["$http_x", "always"],
    "X-Cookie": ["$cookie_a", "always"],
  },
  proxy_set_header: {
    Host: "$host",
    "X-Uri": "$uri",
    "X-Args": "$args",
    "X-Http": "$http_x",
  },
  proxy_cookie_path: { "~^(/.*)$": "/p$1/$http_x$uri" },
  proxy_cookie_domain: { "~^(.+)$": "$1.$http_x" },
};

/** Names that each answer may have, whatever was asked. */
const KNOWN = new Set([
  ...["x-uri", "x-args", "x-arg", "x-target", "x-http", "x-cookie"],
  ...["content-length", "content-type", "date", "connection", "location"],
  ...["x-request-id", "cache-control", "x-content-type-options", "set-cookie"],
  ...["vary", "transfer-encoding", "allow"],
]);

/** Names that the upstream may receive. */
const SENT = new Set([
  ...["host", "x-uri", "x-args", "x-http", "x", "cookie", "connection"],
  ...["x-request-id", "content-length"],
]);

Deno.test("no header and no request is made of what a client or an upstream sends", async () => {
  let cookie = "";
  const asked: string[] = [];
  await using upstream = rawUpstream(async (connection) => {
    while (true) {
      asked.push(await connection.readHead());
      await connection.write(
        `HTTP/1.1 200 OK\r\ncontent-length: 0\r\nset-cookie: ${cookie}\r\n\r\n`,
      );
    }
  });
  await using proxy = startProxy({
    ...SETTINGS,
    locations: LOCATIONS(`http://127.0.0.1:${upstream.port}`),
  });
  const next = random(20261126);
  const some = (pieces: readonly string[], most: number) =>
    Array.from(
      { length: Math.floor(next() * most) },
      () => pieces[Math.floor(next() * pieces.length)],
    ).join("");
  const prefixes = [
    ...["redirect", "captured", "rewritten", "moved", "broken", "page"],
    ...["away", "up"],
  ];
  const statuses = new Set<number>();
  for (let i = 0; i < 1_500; i++) {
    const prefix = prefixes[i % prefixes.length];
    const path = `/${prefix}/${some(PIECES, 6)}`;
    const target = `${path}?a=${some(PIECES, 4)}`;
    const value = some(VALUES, 5);
    cookie = `c=${some(VALUES, 3)}; Path=/${some(VALUES, 4)}; Domain=${
      some(VALUES, 4)
    }`;
    asked.length = 0;
    const text = `GET ${target} HTTP/1.1\r\nhost: a\r\nx: ${value}\r\n` +
      `cookie: a=${value}\r\nconnection: close\r\n\r\n`;
    const answer = await rawExchange(proxy.port, bytes(text));
    const say = JSON.stringify({ text, cookie, asked, answer });
    const status = checkAnswer(answer, say);
    // What can't be sent is escaped, and not found out by the client of HTTP.
    ok(status < 500, say);
    statuses.add(status);
    ok(asked.length <= 1, say);
    for (const head of asked) checkRequest(head, say);
    const set = /^set-cookie: (.*)$/m.exec(answer)?.[1];
    // No attribute more than the upstream's own.
    if (set !== undefined) {
      equal(set.split(";").length, cookie.split(";").length, say);
    }
  }
  // It was not all refused.
  for (const status of [200, 301, 302]) ok(statuses.has(status));
});

function hasControls(line: string): boolean {
  return [...line].some((char) => char < " " || char === "\x7f");
}

/** A client that sends raw UTF-8. */
function bytes(text: string): string {
  return [...new TextEncoder().encode(text)]
    .map((byte) => String.fromCharCode(byte)).join("");
}

function linesOf(head: string, say: string): string[] {
  const lines = head.split("\r\n");
  // Nobody takes these alone for the end of a line, one hopes.
  for (const line of lines) ok(!/[\r\n]/.test(line), say);
  return lines;
}

function namesOf(lines: readonly string[], say: string): string[] {
  return lines.map((line) => {
    match(line, /^[!#$%&'*+.^_`|~0-9A-Za-z-]+: ?/, say);
    return line.slice(0, line.indexOf(":")).toLowerCase();
  });
}

function checkAnswer(answer: string, say: string): number {
  const end = answer.indexOf("\r\n\r\n");
  const [status = "", ...lines] = linesOf(answer.slice(0, end), say);
  match(status, /^HTTP\/1\.1 \d{3} /, say);
  const names = namesOf(lines, say);
  deepStrictEqual(names.filter((name) => !KNOWN.has(name)), [], say);
  ok(names.filter((name) => name === "set-cookie").length <= 1, say);
  ok(names.filter((name) => name === "location").length <= 1, say);
  for (const line of lines) {
    ok(!hasControls(line.replaceAll("\t", "")), say);
    if (!/^location:/i.test(line)) continue;
    // Only to where the config says, whatever the path.
    match(line, /^location: (?:https:\/\/b\.example\/|http:\/\/a[:/])/i, say);
  }
  // And nothing behind it.
  const length = lines.find((line) => /^content-length:/i.test(line));
  if (length !== undefined) {
    equal(answer.length - end - 4, Number(length.split(":")[1]), say);
  }
  return Number(status.slice(9, 12));
}

function checkRequest(head: string, say: string): void {
  const [line = "", ...lines] = linesOf(head.slice(0, -4), say);
  // As in nginx a dot matches no line feed: then it stays as it came.
  match(line, /^GET \/(?:up|broken)\/[\x21-\x7e\x80-\xff]* HTTP\/1\.1$/, say);
  const names = namesOf(lines, say);
  deepStrictEqual(names.filter((name) => !SENT.has(name)), [], say);
  equal(new Set(names).size, names.length, say);
}
