/**
 * The floor of a proxy that may choose what it passes on: `floor.ts` with the
 * headers copied both ways, less the hop-by-hop ones, and bodies left as they
 * are encoded.
 *
 * @module
 */
const [port, upstream] = Deno.args;
const client = Deno.createHttpClient({ allowHost: true, http2: false });
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "transfer-encoding",
  "upgrade",
]);

function copy(headers: Headers, to: [string, string][]) {
  for (const pair of headers) if (!HOP_BY_HOP.has(pair[0])) to.push(pair);
  return to;
}

Deno.serve(
  { port: Number(port), hostname: "127.0.0.1", onListen() {} },
  async (request) => {
    const { url, method } = request;
    const response = await fetch(
      `http://${upstream}${url.slice(url.indexOf("/", 8))}`,
      {
        method,
        // fetch decodes what is compressed unless the first is this.
        headers: copy(request.headers, [["accept-encoding", "identity"]]),
        body: method === "GET" ? null : request.body,
        redirect: "manual",
        client,
      },
    );
    return new Response(response.body, {
      status: response.status,
      statusText: response.statusText,
      headers: copy(response.headers, []),
    });
  },
);
