/**
 * Asks a part over HTTP.
 *
 * @module
 */
import { request } from "node:http";

/** A question to a part. */
export interface Question {
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** How long an answer may take, in milliseconds. */
const PATIENCE = 10_000;

/**
 * The status of the answer to a request, straight to the address: `fetch` would
 * go through the proxy that `HTTP_PROXY` names.
 *
 * @param address `host:port`
 * @throws if there is none.
 */
export function statusOf(
  address: string,
  { path, method = "GET", headers = {}, body = "" }: Question,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(`http://${address}${path}`, {
      method,
      headers: {
        ...headers,
        ...(body === "" ? {} : { "content-length": String(body.length) }),
      },
      agent: false,
      timeout: PATIENCE,
    }, (response) => {
      response.on("error", reject);
      response.on("end", () => resolve(response.statusCode ?? 0));
      response.resume();
    });
    asked.on("error", reject);
    asked.on("timeout", () => asked.destroy(new Error("no answer")));
    asked.end(body);
  });
}
