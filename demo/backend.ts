/**
 * A small backend in the place of Django's: sign-in by an HTTP-only session
 * cookie, CSRF protection, a JSON API, admin pages and static files.
 *
 * @module
 */
import { adminRoutes } from "./backend/admin.ts";
import { apiRoutes } from "./backend/api.ts";
import { Live, type LiveOptions } from "./backend/live.ts";
import { findRoute, type Route } from "./backend/route.ts";
import { Sessions } from "./backend/sessions.ts";
import { Store } from "./backend/store.ts";
import { listen, type Running } from "./listener.ts";
import { staticFile } from "./static_files.ts";

/** How the backend is started. */
export interface BackendOptions {
  /** Centrifugo; null leaves live updates out. */
  live: LiveOptions | null;
  /** 0..65535; a free one unless given. */
  port?: number;
}

const STATIC = new URL("./backend/static/", import.meta.url);

const ROUTES: readonly Route[] = [
  ...apiRoutes,
  ...adminRoutes,
  {
    method: "GET",
    path: /^\/static\/([^/]+)$/,
    answer: async ({ params: [name = ""] }) =>
      await staticFile(STATIC, name) ?? notFound(),
  },
];

/** Starts the backend. */
export function startBackend(options: BackendOptions): Running {
  const store = new Store();
  const sessions = new Sessions();
  const live = options.live === null ? null : new Live(options.live);
  const server = listen((request) => {
    const { pathname } = new URL(request.url);
    const found = findRoute(ROUTES, request.method, pathname);
    if (found === null) return notFound();
    if ("allow" in found) {
      return Response.json(
        { detail: `Method "${request.method}" not allowed.` },
        { status: 405, headers: { allow: found.allow.join(", ") } },
      );
    }
    return found.route.answer({
      request,
      user: sessions.user(request),
      params: found.params,
      store,
      sessions,
      live,
      ownOrigin: `http://${server.address}`,
    });
  }, options.port);
  return server;
}

function notFound(): Response {
  return Response.json({ detail: "Not found." }, { status: 404 });
}
