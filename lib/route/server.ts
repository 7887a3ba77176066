/**
 * Which server takes a request: nginx's `server_name` directive.
 *
 * @module
 */

/** A server of the config. */
export interface ServerEntry<S> {
  /**
   * `www.example.com`, `*.example.com`, `.example.com` (that and the name
   * itself), `example.*`, an address, or `""` for requests without a host. Any
   * case.
   */
  readonly names: readonly string[];
  readonly server: S;
}

interface Named<S> {
  readonly server: S;
  /** The name as the config writes it. */
  readonly name: string;
}

/** The servers of one listener, compiled. */
export interface ServerTable<S> {
  /** In the order of the file. */
  readonly servers: readonly S[];
  /** The first one, for hosts that no name matches. */
  readonly fallback: Named<S>;
  readonly exact: ReadonlyMap<string, Named<S>>;
  /** By the part after the star: `.example.com`. */
  readonly suffixes: ReadonlyMap<string, Named<S>>;
  /** By the part before the star: `example.`. */
  readonly prefixes: ReadonlyMap<string, Named<S>>;
}

/**
 * Compiles the servers of a listener. A name of two servers belongs to the first,
 * as in nginx.
 *
 * @throws {TypeError} if there is no server.
 */
export function compileServers<S>(
  entries: readonly ServerEntry<S>[],
): ServerTable<S> {
  const [first] = entries;
  if (first === undefined) throw new TypeError("a listener needs a server");
  const exact = new Map<string, Named<S>>();
  const suffixes = new Map<string, Named<S>>();
  const prefixes = new Map<string, Named<S>>();
  const add = (map: Map<string, Named<S>>, key: string, named: Named<S>) => {
    if (!map.has(key)) map.set(key, named);
  };
  for (const { names, server } of entries) {
    for (const name of names) {
      const lower = name.toLowerCase();
      const named = { server, name };
      if (lower.startsWith("*.")) {
        add(suffixes, lower.slice(1), named);
      } else if (lower.startsWith(".")) {
        add(suffixes, lower, named);
        add(exact, lower.slice(1), named);
      } else if (lower.endsWith(".*")) {
        add(prefixes, lower.slice(0, -1), named);
      } else {
        add(exact, lower, named);
      }
    }
  }
  return {
    servers: entries.map((entry) => entry.server),
    fallback: { server: first.server, name: "" },
    exact,
    suffixes,
    prefixes,
  };
}

/**
 * Finds the server of a host in nginx's order of precedence: the exact name, the
 * longest `*.example.com`, the longest `example.*`, else the first server.
 *
 * @param host As returned by `parseHost`; null for a request without a host.
 */
export function findServer<S>(table: ServerTable<S>, host: string | null): S {
  return findNamed(table, host ?? "").server;
}

function findNamed<S>(table: ServerTable<S>, host: string): Named<S> {
  const { exact, suffixes, prefixes, fallback } = table;
  const named = exact.get(host);
  if (named !== undefined) return named;
  if (suffixes.size > 0) {
    let dot = host.indexOf(".");
    for (; dot !== -1; dot = host.indexOf(".", dot + 1)) {
      const found = suffixes.get(host.slice(dot));
      if (found !== undefined) return found;
    }
  }
  if (prefixes.size > 0) {
    let dot = host.lastIndexOf(".");
    for (; dot > 0; dot = host.lastIndexOf(".", dot - 1)) {
      const found = prefixes.get(host.slice(0, dot + 1));
      if (found !== undefined) return found;
    }
  }
  return fallback;
}

/** What `findServer` finds, and the reason in words. */
export function explainServer<S>(
  table: ServerTable<S>,
  host: string | null,
): { server: S; why: string } {
  const named = findNamed(table, host ?? "");
  return { server: named.server, why: why(table, host, named) };
}

function why<S>(
  table: ServerTable<S>,
  host: string | null,
  named: Named<S>,
): string {
  if (named === table.fallback) {
    if (table.servers.length === 1) return "the only server";
    return host === null
      ? "the first server, since the request has no host"
      : `the first server, since no server_name matches ${host}`;
  }
  if (table.exact.get(host ?? "") === named) return "exact name";
  return `longest wildcard that matches: ${named.name}`;
}
