// The platform's floor: Deno.serve and fetch, and nothing else.
const [port, upstream] = Deno.args;
Deno.serve({ port: Number(port), hostname: "127.0.0.1" }, (request) => {
  const { pathname, search } = new URL(request.url);
  const { method, headers, body } = request;
  return fetch(`http://${upstream}${pathname}${search}`, {
    method,
    headers,
    body: method === "GET" ? null : body,
    redirect: "manual",
  });
});
