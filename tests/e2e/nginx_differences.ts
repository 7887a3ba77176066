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
  /** The response's header fields, lower-case names, in order. */
  headers: [string, string][];
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
const value = (fields: Fields, name: string) =>
  fields.find(([n]) => n === name)?.[1];
const asks = (request: string, name: string) =>
  new RegExp(`^${name}:`, "im").test(request);

/** Levels what the upstream received. */
function sent(level: (headers: Fields, request: string) => Fields) {
  return (nginx: Seen, ours: Seen, request: string) => {
    for (const seen of [nginx, ours]) {
      if (seen.upstream !== null) {
        seen.upstream.headers = level(seen.upstream.headers, request);
      }
    }
  };
}

/** Levels what the client got. */
function got(level: (headers: Fields) => Fields) {
  return (nginx: Seen, ours: Seen) => {
    for (const seen of [nginx, ours]) seen.headers = level(seen.headers);
  };
}

/** Joins repeated fields, all but Set-Cookie, in the place of the first. */
function joined(fields: Fields): Fields {
  const result: Fields = [];
  for (const [name, text] of fields) {
    const first = result.find(([n]) => n === name);
    if (first === undefined || name === "set-cookie") result.push([name, text]);
    else first[1] += (name === "cookie" ? "; " : ", ") + text;
  }
  return result;
}

/** Takes `fill` from where the request did not have the field itself. */
function unasked(name: string, fill: string) {
  return sent((headers, request) =>
    asks(request, name)
      ? headers
      : headers.filter(([n, text]) => n !== name || text !== fill)
  );
}

const ESCAPED = /["<>`{}^|\\']|[^\x21-\x7e]/g;

export const DIFFERENCES: Difference[] = [
  {
    reason: "X-Request-ID goes upstream and back, so that logs can be joined",
    level: (nginx, ours) => {
      sent((headers) => without(headers, "x-request-id"))(nginx, ours, "");
      got((headers) => without(headers, "x-request-id"))(nginx, ours);
    },
  },
  {
    reason: "Accept-Encoding begins with `identity`, or fetch would decode",
    level: (_, ours) => {
      const headers = ours.upstream?.headers;
      const at =
        headers?.findIndex(([name, text]) =>
          name === "accept-encoding" && text === "identity"
        ) ?? -1;
      if (at !== -1) headers!.splice(at, 1);
    },
  },
  {
    reason: "fetch adds `accept: */*` where there is none: it means the same",
    level: unasked("accept", "*/*"),
  },
  {
    reason: "fetch adds `accept-language: *` where there is none: the same",
    level: unasked("accept-language", "*"),
  },
  {
    reason: "fetch always sends a User-Agent: an empty one where there is none",
    level: unasked("user-agent", ""),
  },
  {
    reason: "repeated fields arrive joined (RFC 9110 5.3), but for Set-Cookie",
    level: (nginx, ours, request) => {
      sent(joined)(nginx, ours, request);
      got(joined)(nginx, ours);
    },
  },
  {
    reason: "the order of fields with different names is not kept by fetch",
    level: (nginx, ours, request) => {
      const sort = (headers: Fields) =>
        headers.toSorted(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
      sent(sort)(nginx, ours, request);
      got(sort)(nginx, ours);
    },
  },
  {
    reason: "nginx puts its own Server and Date in place of the upstream's",
    level: got((headers) => without(headers, "server", "date")),
  },
  {
    reason: "pages of the proxy's own are worded and framed otherwise",
    level: (nginx, ours) => {
      if (ours.upstream !== null || nginx.upstream !== null) return;
      for (const seen of [nginx, ours]) {
        seen.body = "";
        seen.headers = [];
      }
    },
  },
  {
    reason: "nginx collects a chunked request body and sends it with a length",
    level: (nginx, ours) => {
      if (
        value(ours.upstream?.headers ?? [], "transfer-encoding") === undefined
      ) {
        return;
      }
      for (const seen of [nginx, ours]) {
        if (seen.upstream === null) continue;
        seen.upstream.headers = without(
          seen.upstream.headers,
          "transfer-encoding",
          "content-length",
        );
      }
    },
  },
  {
    reason: "fetch sends `content-length: 0` with a POST or PUT without a body",
    level: (nginx, ours) => {
      if (
        value(nginx.upstream?.headers ?? [], "content-length") === undefined &&
        value(ours.upstream?.headers ?? [], "content-length") === "0"
      ) {
        ours.upstream!.headers = without(
          ours.upstream!.headers,
          "content-length",
        );
      }
    },
  },
  {
    reason: "fetch escapes characters that RFC 3986 does not allow in a target",
    level: (nginx, ours) => {
      for (const seen of [nginx, ours]) {
        if (seen.upstream === null) continue;
        seen.upstream.line = seen.upstream.line.replace(
          ESCAPED,
          (c) =>
            c === " " ? c : "%" + c.charCodeAt(0).toString(16).toUpperCase(),
        );
      }
    },
  },
  {
    reason: "dot segments are resolved before a target is sent, and one that " +
      "could be read as another location is sent normalised",
    level: (nginx, ours) => {
      for (const seen of [nginx, ours]) {
        if (seen.upstream === null) continue;
        const [method, target = ""] = seen.upstream.line.split(" ");
        const parsed = parseTarget(target);
        if (parsed === null || parsed.plain) continue;
        const query = target.indexOf("?");
        seen.upstream.line = `${method} ${escapePath(parsed.path)}` +
          (query === -1 ? "" : target.slice(query));
      }
    },
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
    reason: "`TE: trailers` goes on; an Upgrade to anything but a WebSocket " +
      "does not",
    level: sent((headers) =>
      headers.filter(([name, text]) =>
        name !== "te" && !(name === "upgrade" && text === "h2c")
      )
    ),
  },
  {
    reason:
      "a Host without one cannot be told from HTTP/1.0, which may omit it",
    level: (nginx, ours, request) => {
      if (!/^host:/im.test(request)) {
        Object.assign(nginx, structuredClone(ours));
      }
    },
  },
  {
    reason: "a Host with a character that no host has is refused",
    level: (nginx, ours, request) => {
      if (ours.status === 400 && /^host: a[\\@]b/im.test(request)) {
        Object.assign(nginx, structuredClone(ours));
      }
    },
  },
  {
    reason: "a GET with a body is refused: fetch would drop the body",
    level: (nginx, ours, request) => {
      if (ours.status === 400 && /^GET [^]*content-length: 3/i.test(request)) {
        Object.assign(nginx, structuredClone(ours));
      }
    },
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
