import { strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import {
  compileServers,
  explainServer,
  findServer,
} from "../../lib/route/server.ts";
import { host, serverName } from "./arbitraries.ts";
import { referenceServer } from "./reference.ts";

/** Each server is one list of names, separated by spaces, and its own value. */
function table(...servers: string[]) {
  return compileServers(
    servers.map((server) => ({ names: server.split(" "), server })),
  );
}

Deno.test("the first server takes what no name matches", () => {
  const servers = table("a.com", "b.com");
  strictEqual(findServer(servers, "b.com"), "b.com");
  strictEqual(findServer(servers, "c.com"), "a.com");
  strictEqual(findServer(servers, null), "a.com");
  strictEqual(findServer(compileServers([{ names: [], server: 1 }]), "x"), 1);
});

Deno.test("a listener without servers can't be compiled", () => {
  throws(() => compileServers([]), TypeError);
});

Deno.test("an exact name comes before wildcards, the leading star before the trailing one", () => {
  const servers = table("_", "www.*", "*.example.com", "www.example.com");
  strictEqual(findServer(servers, "www.example.com"), "www.example.com");
  strictEqual(findServer(servers, "a.example.com"), "*.example.com");
  strictEqual(findServer(servers, "www.example.org"), "www.*");
  const both = table("_", "www.*", "*.example.com");
  strictEqual(findServer(both, "www.example.com"), "*.example.com");
});

Deno.test("a star stands for one label or more, but not for none", () => {
  const servers = table("_", "*.example.com", "example.*");
  strictEqual(findServer(servers, "a.b.example.com"), "*.example.com");
  strictEqual(findServer(servers, "example.co.uk"), "example.*");
  strictEqual(findServer(servers, "example.com"), "example.*");
  strictEqual(findServer(servers, "example"), "_");
  strictEqual(findServer(servers, "notexample.com"), "_");
  strictEqual(findServer(table("_", "*.com"), "com"), "_");
});

Deno.test("a name with a leading dot also takes the name without it", () => {
  const servers = table("_", ".example.com");
  strictEqual(findServer(servers, "example.com"), ".example.com");
  strictEqual(findServer(servers, "a.example.com"), ".example.com");
  strictEqual(findServer(servers, "xexample.com"), "_");
});

Deno.test("the longest wildcard wins, in whatever order the file has them", () => {
  for (const names of [["*.com", "*.b.com"], ["*.b.com", "*.com"]]) {
    strictEqual(findServer(table("_", ...names), "a.b.com"), "*.b.com");
    strictEqual(findServer(table("_", ...names), "a.c.com"), "*.com");
  }
  for (const names of [["a.*", "a.b.*"], ["a.b.*", "a.*"]]) {
    strictEqual(findServer(table("_", ...names), "a.b.com"), "a.b.*");
    strictEqual(findServer(table("_", ...names), "a.b"), "a.*");
  }
});

Deno.test("an empty name takes requests without a host", () => {
  strictEqual(findServer(table("a.com", ""), null), "");
});

Deno.test("a name of two servers belongs to the first", () => {
  strictEqual(findServer(table("_", "a.com x", "a.com y"), "a.com"), "a.com x");
});

Deno.test("names are matched in any case, and addresses as they are", () => {
  const servers = table("_", "WWW.Example.COM", "[::1]", "127.0.0.1");
  strictEqual(findServer(servers, "www.example.com"), "WWW.Example.COM");
  strictEqual(findServer(servers, "[::1]"), "[::1]");
  strictEqual(findServer(servers, "127.0.0.1"), "127.0.0.1");
});

Deno.test("explain says why a server takes a host", () => {
  const why = (servers: string[], host: string | null) =>
    explainServer(table(...servers), host).why;
  strictEqual(why(["a.com"], "b.com"), "the only server");
  strictEqual(why(["a.com"], "a.com"), "exact name");
  strictEqual(
    why(["a.com", "x"], "b.com"),
    "the first server, since no server_name matches b.com",
  );
  strictEqual(
    why(["a.com", "x"], null),
    "the first server, since the request has no host",
  );
  strictEqual(
    why(["_", "*.com"], "b.com"),
    "longest wildcard that matches: *.com",
  );
});

Deno.test("any host finds the server that the reference finds", () => {
  const names = fc.array(serverName, { maxLength: 3 });
  fc.assert(
    fc.property(
      fc.array(names, { minLength: 1, maxLength: 6 }),
      fc.array(host, { minLength: 1 }),
      (lists, hosts) => {
        const entries = lists.map((names, server) => ({ names, server }));
        const compiled = compileServers(entries);
        for (const host of hosts) {
          const found = findServer(compiled, host);
          strictEqual(found, referenceServer(entries, host), host);
          strictEqual(explainServer(compiled, host).server, found);
        }
      },
    ),
    { numRuns: 5000 },
  );
});
