/**
 * The floor of a proxy that does what this one has to do for a request, in the
 * fewest words: `floor_headers.ts` with the five headers of the shipped config
 * and a request id, a signal that cancels the upstream request, and an access
 * log. It knows one location, and nothing of failures.
 *
 * @module
 */
import { HOP_BY_HOP } from "../lib/exchange/headers.ts";

const [port, upstream] = Deno.args;
const client = Deno.createHttpClient({ allowHost: true, http2: false });
const encoder = new TextEncoder();
let lines = "";

/** One write for many lines. */
function log(line: string): void {
  if (lines === "") {
    setTimeout(() => {
      Deno.stdout.write(encoder.encode(lines));
      lines = "";
    }, 50);
  }
  lines += line;
}

Deno.serve(
  { port: Number(port), hostname: "127.0.0.1", onListen() {} },
  async (request, info) => {
    const { url, method } = request;
    const { hostname } = info.remoteAddr;
    const id = crypto.randomUUID();
    const target = url.slice(url.indexOf("/", 8));
    let agent = "-";
    let referer = "-";
    const headers: [string, string][] = [
      ["accept-encoding", "identity"],
      ["host", "localhost"],
      ["x-real-ip", hostname],
      ["x-forwarded-for", hostname],
      ["x-forwarded-host", "localhost"],
      ["x-forwarded-proto", "http"],
      ["x-request-id", id],
    ];
    request.headers.forEach((value, name) => {
      if (name === "user-agent") agent = value;
      if (name === "referer") referer = value;
      if (!HOP_BY_HOP.has(name) && name !== "host") headers.push([name, value]);
    });
    const abort = new AbortController();
    const response = await fetch(`http://${upstream}${target}`, {
      method,
      headers,
      body: method === "GET" ? null : request.body,
      redirect: "manual",
      client,
      signal: abort.signal,
    });
    const { status, statusText, body } = response;
    const answer = new Response(body, {
      status,
      statusText,
      headers: response.headers,
    });
    answer.headers.set("x-request-id", id);
    const length = response.headers.get("content-length") ?? "-";
    const end = () =>
      log(
        `${hostname} - - [${new Date().toISOString()}] "${method} ${target} ` +
          `HTTP/1.1" ${status} ${length} "${referer}" "${agent}"\n`,
      );
    info.completed.then(end, end);
    return answer;
  },
);
