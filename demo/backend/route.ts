/**
 * Which function answers a request.
 *
 * @module
 */
import type { Live } from "./live.ts";
import type { Sessions } from "./sessions.ts";
import type { Store } from "./store.ts";

/** A request with what is needed to answer it. */
export interface Call {
  readonly request: Request;
  /** Name of the user who is signed in; null for nobody. */
  readonly user: string | null;
  /** The groups of the route's pattern. */
  readonly params: readonly string[];
  readonly store: Store;
  readonly sessions: Sessions;
  /** Null where there is no Centrifugo that can be told. */
  readonly live: Live | null;
  /** `http://HOST:PORT`, as the backend itself takes it to be. */
  readonly ownOrigin: string;
}

/** A method and path, and who answers. */
export interface Route {
  readonly method: "GET" | "POST";
  readonly path: RegExp;
  readonly answer: (call: Call) => Response | Promise<Response>;
}

/** What is found for a method and a path. */
export type Found =
  | { route: Route; params: string[] }
  /** The path is known, the method is not: those that are. */
  | { allow: string[] }
  | null;

/** The first route that fits. */
export function findRoute(
  routes: readonly Route[],
  method: string,
  path: string,
): Found {
  const allow: string[] = [];
  for (const route of routes) {
    const match = route.path.exec(path);
    if (match === null) continue;
    const asked = method === "HEAD" ? "GET" : method;
    if (route.method === asked) return { route, params: match.slice(1) };
    allow.push(route.method);
  }
  return allow.length > 0 ? { allow } : null;
}
