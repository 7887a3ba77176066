/**
 * A server behind TLS that tells what it saw of the handshake.
 *
 * @module
 */
import { once } from "node:events";
import https from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { fileURLToPath } from "node:url";

const folder = new URL("tls/upstream/", import.meta.url);

/** The path of one of the test certificates (see tls/README.md). */
export function certificatePath(name: string): string {
  return fileURLToPath(new URL(name, folder));
}

/** Starts it with a certificate: `server` or `self`. It answers `NAME CLIENT`. */
export async function tlsBackend(certificate: string) {
  const pem = (name: string) => Deno.readTextFileSync(certificatePath(name));
  const server = https.createServer({
    cert: pem(`${certificate}.crt`),
    key: pem(`${certificate}.key`),
    ca: pem("ca.crt"),
    requestCert: true,
    rejectUnauthorized: false,
  }, (request, response) => {
    const socket = request.socket as TLSSocket & { servername?: string };
    const name = socket.servername || "(no name)";
    const client = socket.authorized
      ? String(socket.getPeerCertificate().subject?.CN)
      : "(no certificate)";
    response.end(`${name} ${client}`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
