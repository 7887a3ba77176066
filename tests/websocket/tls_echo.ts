/**
 * A program for a test: sends a message to a WebSocket over TLS, prints what
 * comes back.
 *
 * @module
 */
import { WebSocketBridges } from "../../lib/websocket/registry.ts";
import { openUpstream } from "../../lib/websocket/client.ts";

const port = Number(Deno.args[0]);
const name = `127.0.0.1:${port}`;
const result = await openUpstream(
  {
    address: { transport: "tcp", hostname: "127.0.0.1", port, name },
    secure: true,
    target: "/",
    headers: [["host", name]],
    protocols: null,
  },
  new WebSocketBridges(),
  AbortSignal.timeout(10_000),
);
if ("socket" in result) {
  const { socket } = result;
  socket.send("over TLS");
  await socket.run({
    message(data) {
      console.log(data);
      socket.close({ code: 1000, reason: "" });
      return undefined;
    },
    closed: ({ code }) => console.log(code),
  });
}
