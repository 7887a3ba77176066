// @fastify/http-proxy as its README starts it, with WebSockets.
"use strict";
const fastify = require("fastify")();
const [port, upstream] = process.argv.slice(2);
fastify.register(require("@fastify/http-proxy"), {
  upstream: `http://${upstream}`,
  websocket: true,
});
fastify.listen({ port: Number(port), host: "127.0.0.1" });
