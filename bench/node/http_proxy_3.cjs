// http-proxy-3 as its README starts it, with keep-alive and X-Forwarded-*.
"use strict";
const http = require("node:http");
const { createProxyServer } = require("http-proxy-3");

const [port, upstream] = process.argv.slice(2);
const proxy = createProxyServer({
  target: `http://${upstream}`,
  xfwd: true,
  agent: new http.Agent({ keepAlive: true }),
});
const server = http.createServer((request, response) => {
  proxy.web(request, response, {}, (error) => {
    response.writeHead(502).end(String(error));
  });
});
server.on("upgrade", (request, socket, head) => {
  proxy.ws(request, socket, head, {}, () => socket.destroy());
});
server.listen(Number(port), "127.0.0.1");
