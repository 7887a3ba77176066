/**
 * What a listener answers while it is being closed.
 *
 * @module
 */
import { hasToken } from "../exchange/headers.ts";

/** While WebSockets are being closed: no new ones, and no keep-alive. */
export async function lastRequest(
  handler: Deno.ServeHandler<Deno.Addr>,
  request: Request,
  info: Deno.ServeHandlerInfo<Deno.Addr>,
): Promise<Response> {
  if (hasToken(request.headers.get("upgrade"), "websocket")) {
    return new Response("503 Service Unavailable: a restart is under way.\n", {
      status: 503,
      headers: { "connection": "close", "retry-after": "1" },
    });
  }
  const response = await handler(request, info);
  response.headers.set("connection", "close");
  return response;
}

/** For an address that the config has no more, as long as WebSockets are open on it. */
export function gone(): Response {
  return new Response("503 Service Unavailable: not served here any more.\n", {
    status: 503,
    headers: { "connection": "close" },
  });
}
