/**
 * The admin listener: on the main thread, beside the proxy.
 *
 * @module
 */
import { listenKey } from "../config/address.ts";
import type { AdminPlan } from "../config/plan.ts";
import { listenError, urlOf } from "../server/listen_address.ts";
import { configLines } from "./config_lines.ts";
import { EventFeed } from "./events.ts";
import { liveState } from "./feed.ts";
import { Guard } from "./guard.ts";
import { loginPage, signIn } from "./login.ts";
import { type AdminParts, factsNow } from "./parts.ts";
import { text } from "./response.ts";
import { ROUTES } from "./routes.ts";

/** One address, until it is closed. */
export class AdminListener implements AsyncDisposable {
  /** Tells its address from others. */
  readonly key: string;
  /** How to open it in a browser. */
  readonly url: string;
  readonly #parts: AdminParts;
  readonly #events: EventFeed;
  readonly #server: Deno.HttpServer<Deno.Addr>;
  readonly #kill = new AbortController();
  #guard: Guard;

  /**
   * Opens it.
   *
   * @throws {ListenError} if the address can't be had.
   */
  constructor(plan: AdminPlan, parts: AdminParts) {
    const { address, written } = plan;
    this.key = listenKey(address);
    this.#parts = parts;
    this.#guard = guardOf(plan);
    this.#events = new EventFeed(async (watching) => {
      const facts = await factsNow(parts, watching);
      if (facts === null) return null;
      const state = liveState(facts, Date.now());
      const { content } = (await parts.config()).loaded.config;
      if (!watching || !("text" in content)) return state;
      const keys = new Set(state.locations.map(({ location }) => location));
      return { ...state, lines: configLines(content.text, keys) };
    });
    const options = {
      signal: this.#kill.signal,
      onListen() {},
      onError: (error: unknown) => this.#failed(error),
    };
    const handle = (request: Request) => this.#handle(request);
    try {
      this.#server = address.transport === "unix"
        ? Deno.serve({ path: address.path, ...options }, handle)
        : Deno.serve({
          hostname: address.hostname,
          port: address.port,
          ...options,
        }, handle);
    } catch (cause) {
      throw listenError(`${written} (admin)`, cause);
    }
    this.url = urlOf(this.#server.addr, "http");
  }

  /** Asks for another token from now on. */
  use(plan: AdminPlan): void {
    this.#guard = guardOf(plan);
  }

  /** Ends it, and all of its connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#events.close();
    this.#kill.abort();
    await this.#server.finished;
  }

  async #handle(request: Request): Promise<Response> {
    const guard = this.#guard;
    const foreign = guard.refuseForeign(request);
    if (foreign !== null) return foreign;
    const path = URL.parse(request.url)?.pathname ?? "";
    const method = request.method === "HEAD" ? "GET" : request.method;
    if (path === "/login") {
      return method === "POST"
        ? await signIn(request, guard)
        : await loginPage(200, "The token of the config's admin:");
    }
    const route = Object.hasOwn(ROUTES, path) ? ROUTES[path] : undefined;
    const isKnown = await guard.knows(request);
    if (!isKnown && route?.open !== true) return await this.#unknown(request);
    if (route === undefined) return text(404, "There is no such page.");
    if (route.method !== method) {
      return text(405, `Ask with ${route.method}.`, { "allow": route.method });
    }
    const parts = this.#parts;
    return await route.answer({
      request,
      parts,
      events: this.#events,
      isKnown,
    });
  }

  /** People get the form. */
  async #unknown({ headers }: Request): Promise<Response> {
    const page = headers.get("accept")?.includes("text/html") === true &&
      !headers.has("authorization");
    return page
      ? await loginPage(401, "The token of the config's admin:")
      : text(401, "Send the token of the config's admin.", {
        "www-authenticate": 'Bearer realm="sameorigin admin"',
      });
  }

  #failed(error: unknown): Response {
    const what = error instanceof Error ? error.stack : error;
    this.#parts.errorLog(`500 admin: ${what}`);
    return text(500, "The proxy failed on this request.");
  }
}

function guardOf({ token, address }: AdminPlan): Guard {
  const place = address.transport === "tcp" ? String(address.port) : "unix";
  return new Guard(token, place);
}
