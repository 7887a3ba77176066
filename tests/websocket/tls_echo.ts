/**
 * A program for a test: sends a message to a WebSocket over TLS, prints what
 * comes back.
 *
 * @module
 */
import { open } from "./opening.ts";

const result = await open(Number(Deno.args[0]), { secure: true });
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
