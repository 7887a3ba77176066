/**
 * The upstream of `reload.ts` and `drain.ts`, in a process of its own: echoes
 * WebSocket messages, answers requests. Prints its port.
 *
 * @module
 */
if (import.meta.main) {
  Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => console.log(port),
  }, (request) => {
    if (request.headers.get("upgrade") === null) return new Response("ok\n");
    const { socket, response } = Deno.upgradeWebSocket(request, {
      idleTimeout: 0,
    });
    socket.onmessage = ({ data }) => socket.send(data);
    return response;
  });
}

/** A running upstream. */
export interface EchoProcess extends AsyncDisposable {
  readonly port: number;
}

/** Starts one. */
export async function startEcho(): Promise<EchoProcess> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-net", import.meta.url],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  return {
    port: Number(new TextDecoder().decode(value)),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await reader.cancel();
      await child.status;
    },
  };
}
