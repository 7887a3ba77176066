/**
 * In what a request differs if it goes over `fetch` (`client: fetch`), each with
 * its reason. As in `nginx_differences.ts` the list stays true: one that is never
 * seen fails the test.
 *
 * @module
 */
import type { Difference } from "./nginx_differences.ts";

type Fields = [string, string][];

const without = (fields: Fields, ...names: string[]) =>
  fields.filter(([name]) => !names.includes(name));

const isChunked = (fields: Fields) =>
  fields.some(([name]) => name === "transfer-encoding");

/** Repeated fields in one, where the last one was. */
function joined(fields: Fields): Fields {
  const last = new Map(fields.map(([name], at) => [name, at]));
  return fields.filter(([name], at) => last.get(name) === at).map(([name]) => [
    name,
    fields.filter(([other]) => other === name).map(([, value]) => value)
      .toSorted().join(", "),
  ]);
}

const sorted = (fields: Fields) =>
  fields.toSorted(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);

/** A request line as fetch writes it. */
function asUrl(line: string): string {
  const [method = "", target = ""] = line.split(" ", 2);
  const bytes = Uint8Array.from(target, (char) => char.charCodeAt(0));
  const text = new TextDecoder().decode(bytes).replaceAll("\\", "%5C")
    .replaceAll("^", "%5E");
  const { pathname, search } = new URL(`http://x${text}`);
  return `${method} ${pathname}${search}`;
}

/** The first of the two is the proxy's own client, the second `fetch`. */
export const FETCH_DIFFERENCES: Difference[] = [
  {
    reason: "each answer has another request ID, and its own time",
    level: (http1, fetching) => {
      for (const seen of [http1, fetching]) {
        seen.headers = without(seen.headers, "x-request-id", "date");
        seen.body = seen.body.replace(/^request id: .*\n/m, "");
        if (seen.upstream === null) continue;
        seen.upstream.headers = without(seen.upstream.headers, "x-request-id");
      }
    },
  },
  {
    reason:
      "an Accept-Encoding of `identity` comes first, so that fetch leaves " +
      "bodies compressed",
    level: (_, { upstream }) => {
      const at =
        upstream?.headers.findIndex(([name, value]) =>
          name === "accept-encoding" && value === "identity"
        ) ?? -1;
      if (at !== -1) upstream?.headers.splice(at, 1);
    },
  },
  {
    reason:
      "fetch invents Accept, Accept-Language and an empty User-Agent, and " +
      "a length where there is no body",
    level: (http1, { upstream }) => {
      if (upstream === null) return;
      const invented = (name: string, value: string) =>
        !http1.upstream?.headers.some(([other]) => other === name) &&
        ["accept */*", "accept-language *", "user-agent ", "content-length 0"]
          .includes(`${name} ${value}`);
      upstream.headers = upstream.headers
        .filter(([name, value]) => !invented(name, value));
    },
  },
  {
    reason: "fetch orders a request's fields itself",
    level: ({ upstream: theirs }, { upstream: own }) => {
      for (const upstream of [theirs, own]) {
        if (upstream !== null) upstream.headers = sorted(upstream.headers);
      }
    },
  },
  {
    reason:
      "fetch joins the repeated fields of an answer, and orders them by name",
    level: (http1, fetching) => {
      for (const seen of [http1, fetching]) {
        seen.headers = sorted(joined(seen.headers)).map(([name, value]) => [
          name,
          value.split(", ").toSorted().join(", "),
        ]);
      }
    },
  },
  {
    reason:
      "fetch writes the target as URL does: escaped, without `#` and what " +
      "follows",
    level: ({ upstream: theirs }, { upstream: own }) => {
      if (theirs === null || own === null) return;
      if (asUrl(theirs.line) === own.line) theirs.line = own.line;
    },
  },
  {
    reason:
      "a chunked answer stays chunked: fetch does not tell that it has come whole",
    level: (http1, fetching) => {
      const chunked = fetching.headers.findIndex(([name]) =>
        name === "transfer-encoding"
      );
      if (
        chunked === -1 || isChunked(http1.headers) ||
        http1.body !== fetching.body
      ) return;
      fetching.headers.splice(chunked, 1);
      http1.headers = without(http1.headers, "content-length");
    },
  },
  {
    reason:
      "fetch takes about a hundred fields of an answer, the proxy's own " +
      "client a thousand",
    level: (http1, fetching) => {
      if (http1.headers.length > 100 && fetching.status === 502) {
        Object.assign(http1, structuredClone(fetching));
      }
    },
  },
];
