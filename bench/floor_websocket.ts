/**
 * The floor of a WebSocket bridge: the platform's two sockets, joined, without
 * regard to who reads slowly.
 *
 * @module
 */
const [port, upstream] = Deno.args;
Deno.serve(
  { port: Number(port), hostname: "127.0.0.1", onListen() {} },
  async (request) => {
    const { pathname } = new URL(request.url);
    const there = new WebSocket(`ws://${upstream}${pathname}`);
    there.binaryType = "arraybuffer";
    await new Promise((resolve) => there.onopen = resolve);
    const { socket: here, response } = Deno.upgradeWebSocket(request);
    here.binaryType = "arraybuffer";
    here.onmessage = ({ data }) => there.send(data);
    there.onmessage = ({ data }) => here.send(data);
    here.onclose = () => there.close();
    there.onclose = () => here.close();
    return response;
  },
);
