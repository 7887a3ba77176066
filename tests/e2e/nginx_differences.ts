/**
 * In what sameorigin differs from nginx, each with its reason. The differential
 * test takes these away from what it saw and compares the rest; a difference
 * that is never seen fails it too, so the list stays true.
 *
 * @module
 */
import { parseTarget } from "../../lib/route/path.ts";
import { escapePath } from "../../lib/route/target.ts";
import type { Received } from "./nginx_upstream.ts";

/** What one proxy did with one request. */
export interface Seen {
  /** What the upstream received, null if nothing. */
  upstream: Received | null;
  status: number;
  reason: string;
  /** The response's fields in order; names in lower case (RFC 9110 section 5.1). */
  headers: Fields;
  body: string;
}

/** A difference: `level` makes the two alike in this one respect. */
export interface Difference {
  reason: string;
  level: (nginx: Seen, ours: Seen, request: string) => void;
}

type Fields = [string, string][];

const without = (fields: Fields, ...names: string[]) =>
  fields.filter(([name]) => !names.includes(name));
const value = (fields: Fields | undefined, name: string) =>
  fields?.find(([n]) => n === name)?.[1];

/** What `proxy_set_header` sets, which comes first in the config's order. */
const SET = [
  "host",
  "x-real-ip",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
];

/** What nginx writes first, in this order (ngx_http_header_filter). */
const NGINX_FIRST = [
  "content-type",
  "content-length",
  "last-modified",
  "location",
];

/** The fields of one name after the other, then all others in their order. */
function first(names: string[], fields: Fields): Fields {
  return [
    ...names.flatMap((name) => fields.filter(([n]) => n === name)),
    ...without(fields, ...names),
  ];
}

/** The client's fields as the platform's `Headers` gives them. */
function joinedAndSorted(fields: Fields): Fields {
  const joined = new Map<string, string>();
  for (const [name, text] of fields) {
    const before = joined.get(name);
    const separator = name === "cookie" ? "; " : ", ";
    joined.set(name, before === undefined ? text : before + separator + text);
  }
  return [...joined].toSorted(([a], [b]) => a < b ? -1 : 1);
}

const DOT_SEGMENT = /\/(?:\.|%2e){1,2}(?:\/|$)/i;
const SEVERAL_READINGS = /\/\/|%2f|;/i;

/** Normalises the paths of what both sent, where nginx's has `odd` in it. */
function normalised(odd: RegExp) {
  return (nginx: Seen, ours: Seen) => {
    const both = [nginx.upstream, ours.upstream];
    const [theirs, own] = both.map((upstream) => upstream?.line ?? "");
    if (theirs === own || !odd.test(theirs?.replace(/\?.*/, "") ?? "")) return;
    for (const upstream of both) {
      if (upstream === null) continue;
      upstream.line = upstream.line.replace(
        /\/[^?]*/,
        (path) => escapePath(parseTarget(path)?.path ?? ""),
      );
    }
  };
}

/** Takes what we did for nginx's too, where we have refused a request. */
function refused(status: number, request: RegExp) {
  return (nginx: Seen, ours: Seen, text: string) => {
    if (ours.status !== status || nginx.status === status) return;
    if (ours.upstream !== null || !request.test(text)) return;
    Object.assign(nginx, structuredClone(ours));
  };
}

export const DIFFERENCES: Difference[] = [
  {
    reason: "X-Request-ID goes upstream and back, so that logs can be joined",
    level: (_, ours) => {
      if (ours.upstream !== null) {
        ours.upstream.headers = without(ours.upstream.headers, "x-request-id");
      }
      ours.headers = without(ours.headers, "x-request-id");
    },
  },
  {
    reason: "a request's fields are sorted by name and repeated ones joined: " +
      "the platform's Headers gives them so",
    level: ({ upstream }) => {
      if (upstream === null) return;
      const set = upstream.headers.filter(([name]) => SET.includes(name));
      // /static sets Host only: what it gets of the others is the client's.
      const count = upstream.line.includes("/static") ? 1 : SET.length;
      upstream.headers = [
        ...set.slice(0, count),
        ...joinedAndSorted([
          ...set.slice(count),
          ...without(upstream.headers, ...SET),
        ]),
      ];
    },
  },
  {
    reason: "nginx puts Server and its own Date in place of the upstream's",
    level: (nginx, ours) => {
      for (const seen of [nginx, ours]) {
        seen.headers = without(seen.headers, "server", "date");
      }
    },
  },
  {
    reason: "nginx writes some fields of a response first, Deno.serve its " +
      "Content-Length last; all others keep their order",
    level: (nginx, ours) => {
      for (const seen of [nginx, ours]) {
        seen.headers = first(NGINX_FIRST, seen.headers);
      }
    },
  },
  {
    reason: "the reason phrase is the status's own: Deno.serve takes no other",
    level: (nginx, ours) => {
      if (nginx.reason === "Odd") nginx.reason = ours.reason;
    },
  },
  {
    reason: "pages of the proxy's own are worded and framed otherwise",
    level: (nginx, ours) => {
      if (ours.upstream !== null || nginx.upstream !== null) return;
      for (const seen of [nginx, ours]) {
        seen.body = seen.reason = "";
        seen.headers = [];
      }
    },
  },
  {
    reason: "nginx collects a chunked request body and sends it with a length",
    level: (nginx, ours) => {
      const headers = ours.upstream?.headers;
      if (value(headers, "transfer-encoding") === undefined) return;
      for (const { upstream } of [nginx, ours]) {
        if (upstream === null) continue;
        upstream.headers = without(
          upstream.headers,
          "transfer-encoding",
          "content-length",
        );
      }
    },
  },
  {
    reason:
      "a chunked response that has come whole with its head is sent with " +
      "its length: the framing is each connection's (RFC 9112 section 6.1)",
    level: (nginx, ours) => {
      if (
        value(nginx.headers, "transfer-encoding") !== "chunked" ||
        value(ours.headers, "content-length") !== String(nginx.body.length)
      ) return;
      nginx.headers = without(nginx.headers, "transfer-encoding");
      ours.headers = without(ours.headers, "content-length");
    },
  },
  {
    reason: "dot segments are resolved before a target is sent",
    level: normalised(DOT_SEGMENT),
  },
  {
    reason: "a path that an upstream could read as another location's (`//`, " +
      "`%2F`, `;`) is sent normalised",
    level: normalised(SEVERAL_READINGS),
  },
  {
    reason: "a path with a backslash that an upstream could read as another " +
      "location's is refused",
    level: refused(400, /^GET [^ ]*(?:\\|%5C)/i),
  },
  {
    reason: "a redirect keeps the port that the client used; nginx puts the " +
      "one that it listens on",
    level: (nginx) => {
      for (const field of nginx.headers) {
        if (field[0] !== "location") continue;
        field[1] = field[1].replace(
          /^http:\/\/localhost:\d+\//,
          "http://localhost:9000/",
        );
      }
    },
  },
  {
    reason: "a redirect to the address of the server that answered is " +
      "rewritten, not only one to the upstream's name",
    level: (nginx, ours) => {
      const theirs = nginx.headers.find(([name]) => name === "location");
      if (theirs && /^http:\/\/127\.0\.0\.1:\d+\/login/.test(theirs[1])) {
        theirs[1] = value(ours.headers, "location") ?? "";
      }
    },
  },
  {
    reason: "a rewritten Refresh is absolute, as a rewritten Location is",
    level: (nginx) => {
      for (const field of nginx.headers) {
        if (field[0] !== "refresh") continue;
        field[1] = field[1].replace("url=/", "url=http://localhost:9000/");
      }
    },
  },
  {
    reason: "`TE: trailers` goes on (RFC 9110 section 10.1.4)",
    level: (_, { upstream }) => {
      if (upstream !== null) {
        upstream.headers = upstream.headers.filter(([name, text]) =>
          name !== "te" || text !== "trailers"
        );
      }
    },
  },
  {
    reason: "an Upgrade to anything but a WebSocket does not go on",
    level: ({ upstream }) => {
      if (upstream !== null) {
        upstream.headers = upstream.headers.filter(([name, text]) =>
          name !== "upgrade" || text !== "h2c"
        );
      }
    },
  },
  {
    reason: "HTTP/1.1 without Host can't be told from HTTP/1.0, which may " +
      "omit it",
    level: (nginx, ours, request) => {
      if (!/^host:/im.test(request)) {
        Object.assign(nginx, structuredClone(ours));
      }
    },
  },
  {
    reason: "a Host with a character that no host has is refused",
    level: refused(400, /^host: a[\\@]b/im),
  },
  {
    reason: "bytes in a target that are not UTF-8 are 400, decided by the " +
      "HTTP parser",
    level: refused(400, /^GET [^ ]*\xff/),
  },
  {
    reason: "a GET with a body is refused: Deno.serve drops the body",
    level: refused(400, /^GET [^]*content-length: 3/i),
  },
  {
    reason: "an unknown transfer coding is 400, decided by the HTTP parser",
    level: (nginx, ours, request) => {
      if (ours.status === 400 && /transfer-encoding: gzip/i.test(request)) {
        nginx.status = 400;
      }
    },
  },
];
