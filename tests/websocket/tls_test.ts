import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { UpstreamError } from "../../lib/transport/errors.ts";
import { open } from "./opening.ts";

const tls = new URL("../support/tls/", import.meta.url);

function echoServer() {
  return Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    cert: Deno.readTextFileSync(new URL("localhost.crt", tls)),
    key: Deno.readTextFileSync(new URL("localhost.key", tls)),
    onListen() {},
  }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onmessage = ({ data }) => socket.send(data);
    return response;
  });
}

Deno.test("an upstream may speak TLS, with a certificate that Deno is told to trust", async () => {
  const server = echoServer();
  const program = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-net",
      "--no-lock",
      new URL("tls_echo.ts", import.meta.url).href,
      String(server.addr.port),
    ],
    env: { DENO_CERT: fileURLToPath(new URL("ca.crt", tls)) },
  });
  const { stdout, stderr } = await program.output();
  assert.equal(
    new TextDecoder().decode(stdout),
    "over TLS\n1000\n",
    new TextDecoder().decode(stderr),
  );
  await server.shutdown();
});

Deno.test("an upstream whose certificate nobody vouches for fails with tls", async () => {
  const server = echoServer();
  const opening = open(server.addr.port, { secure: true });
  await assert.rejects(
    opening,
    (error) => error instanceof UpstreamError && error.failure === "tls",
  );
  await server.shutdown();
});
