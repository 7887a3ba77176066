/**
 * A worker that tells its number, dies when asked to, and can't have one of
 * three addresses: each of three workers another.
 *
 * @module
 */
import process from "node:process";
import { threadId } from "node:worker_threads";

type Handler = (
  request: Request,
  info: Deno.ServeHandlerInfo<Deno.Addr>,
) => Response | Promise<Response>;

const serve = Deno.serve as (
  options: Deno.ServeTcpOptions,
  handler: Handler,
) => Deno.HttpServer;

/** In this thread only. */
Object.assign(Deno, {
  serve: (options: Deno.ServeTcpOptions, handler: Handler) => {
    if (options.hostname === `127.0.1.${1 + threadId % 3}`) {
      throw new Deno.errors.AddrInUse("as the test wants it");
    }
    return serve(options, (request, info) => {
      switch (new URL(request.url).pathname) {
        case "/who":
          return new Response(String(threadId));
        case "/die":
          process.exit(7);
      }
      return handler(request, info);
    });
  },
});

await import("../../../lib/server/workers/worker.ts");
