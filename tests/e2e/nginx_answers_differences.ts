/**
 * Where sameorigin differs from nginx in what it answers, and why.
 *
 * @module
 */

/** What a proxy made of a request. */
export interface Seen {
  /** The request lines that the upstream received. */
  upstream: string[];
  status: number;
  /** Sorted by name. */
  fields: [name: string, value: string][];
  /** Decoded, with a note where it was compressed. */
  body: string;
}

/** One difference. */
export interface Difference {
  readonly reason: string;
  /** Makes both alike in it, where it is seen. */
  readonly level: (nginx: Seen, ours: Seen, request: string) => void;
}

function without(seen: Seen, ...names: string[]): void {
  seen.fields = seen.fields.filter(([name]) => !names.includes(name));
}

/** A page that a proxy makes by itself, and the fields that go with it. */
function blankPage(seen: Seen): void {
  seen.body = "(a page of its own)";
  without(
    seen,
    "cache-control",
    "content-length",
    "content-type",
    "x-content-type-options",
  );
}

export const DIFFERENCES: readonly Difference[] = [
  {
    reason:
      "X-Request-ID goes back to the client; nginx names itself in Server",
    level: (nginx, ours) => {
      without(ours, "x-request-id");
      nginx.fields = nginx.fields.filter(([name, value]) =>
        !(name === "server" && value.startsWith("nginx"))
      );
    },
  },
  {
    reason: "the proxy's own pages have words of their own",
    level: (nginx, ours, request) => {
      // Of a HEAD only the fields tell.
      const isHead = request.startsWith("HEAD ") &&
        ours.fields.some(([name]) => name === "x-content-type-options");
      const isPage = /<hr><center>nginx/.test(nginx.body) &&
        /\nrequest id: /.test(ours.body);
      if (!isHead && !isPage) return;
      blankPage(nginx);
      blankPage(ours);
    },
  },
  {
    reason:
      "return 304 has no Content-Length and Content-Type, which would be " +
      "those of a 200 (RFC 9110 section 15.4.5)",
    level: (nginx) => {
      if (nginx.status === 304) {
        without(nginx, "content-length", "content-type");
      }
    },
  },
  {
    reason: "the Server of an upstream reaches the client",
    level: (nginx, ours) => {
      if (
        ours.fields.some(([name, value]) => `${name} ${value}` === "server own")
      ) {
        without(nginx, "server");
        without(ours, "server");
      }
    },
  },
  {
    reason: "a 405 says which methods there are (RFC 9110 section 15.5.6)",
    level: (_, ours, request) => {
      if (request.startsWith("TRACE ")) without(ours, "allow");
    },
  },
  {
    reason:
      "fields of one name are joined, in their order; nginx sends several " +
      "lines",
    level: (nginx, ours) => {
      for (const seen of [nginx, ours]) {
        const joined = new Map<string, string>();
        for (const [name, value] of seen.fields) {
          if (name === "set-cookie") continue;
          const before = joined.get(name);
          joined.set(
            name,
            before === undefined ? value : `${before}, ${value}`,
          );
        }
        const lists = [...joined].map(([name, value]): [string, string] => [
          name,
          name === "vary" ? value.split(", ").toSorted().join(", ") : value,
        ]);
        const cookies = seen.fields.filter(([name]) => name === "set-cookie");
        seen.fields = [...lists, ...cookies];
      }
    },
  },
  {
    reason: "what comes at once is compressed at once, and its length sent",
    level: (nginx, ours) => {
      const isChunked = nginx.fields.some(([name]) =>
        name === "transfer-encoding"
      );
      if (!ours.body.startsWith("gzip of ") || !isChunked) return;
      without(ours, "content-length");
      without(nginx, "transfer-encoding");
    },
  },
  {
    reason: "what return sends says that it is UTF-8",
    level: (_, ours) => {
      for (const field of ours.fields) {
        if (field[0] === "content-type") {
          field[1] = field[1].replace(
            "text/plain; charset=utf-8",
            "text/plain",
          );
        }
      }
    },
  },
  {
    reason: "a redirect keeps the port that the client used; nginx puts the " +
      "one that it listens on",
    level: (nginx) => {
      for (const field of nginx.fields) {
        if (field[0] !== "location") continue;
        field[1] = field[1].replace(/^http:\/\/(\w+):\d+\//, "http://$1/");
      }
    },
  },
  {
    reason: "doubled slashes of a rewritten path are merged, as those of a " +
      "request's are: an upstream might read it as another location's",
    level: (nginx) => {
      nginx.upstream = nginx.upstream.map((line) => line.replace("//", "/"));
    },
  },
  {
    reason:
      "a rewritten path with a dot segment is 400: an upstream would leave " +
      "the path of the replacement by it",
    level: (nginx, ours) => {
      if (ours.status !== 400) return;
      if (!nginx.upstream.some((line) => line.includes("/../"))) return;
      Object.assign(nginx, structuredClone(ours));
    },
  },
  {
    reason:
      "what a redirect takes of a path is escaped: nginx sends a space, and " +
      "what browsers read as a slash or as the beginning of a query",
    level: (nginx, ours) => {
      const theirs = nginx.fields.find(([name]) => name === "location");
      const own = ours.fields.find(([name]) => name === "location");
      if (theirs === undefined || own === undefined) return;
      if (decodeURIComponent(own[1]) === decodeURIComponent(theirs[1])) {
        theirs[1] = own[1];
      }
    },
  },
  {
    reason:
      "no variable ends a header's line: nginx sends what follows a %0A as " +
      "a header of its own",
    level: (nginx, ours) => {
      if (!nginx.fields.some(([name]) => name === "x-bad")) return;
      without(nginx, "x-bad", "x-own");
      without(ours, "x-own");
    },
  },
];
