/**
 * Clients that speak TLS.
 *
 * @module
 */
import { connect } from "node:tls";
import type { TestAuthority } from "./certificates.ts";
import { RawConnection } from "./raw_upstream.ts";

/** A client over bare TLS: sends text, gives what comes. */
export async function rawTlsClient(
  port: number,
  { pem }: Pick<TestAuthority, "pem">,
  alpnProtocols: string[] = ["http/1.1"],
): Promise<RawConnection> {
  const conn = await Deno.connectTls({
    hostname: "127.0.0.1",
    port,
    caCerts: [pem],
    alpnProtocols,
  });
  await conn.handshake();
  return new RawConnection(conn);
}

/** What `fetch` and `WebSocket` need to trust an authority; disposing closes it. */
export function trusting(
  { pem }: Pick<TestAuthority, "pem">,
  http2 = true,
): Deno.HttpClient {
  return Deno.createHttpClient({ caCerts: [pem], http2 });
}

/** The certificate that a new connection gets. */
export interface ServedCertificate {
  readonly serial: string;
  readonly names: readonly string[];
  /** The organisation, or the first word of the name, of who issued it. */
  readonly issuer: string;
}

export function servedCertificate(port: number): Promise<ServedCertificate> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: "127.0.0.1",
      port,
      rejectUnauthorized: false,
    });
    socket.once("error", reject);
    socket.once("secureConnect", () => {
      const { serialNumber, subjectaltname = "", issuer } = socket
        .getPeerCertificate();
      const { O: organization, CN: name = "" } = issuer as unknown as Record<
        string,
        string | undefined
      >;
      const served = {
        serial: serialNumber,
        names: subjectaltname.split(", ")
          .map((text) => text.replace(/^DNS:/, "")),
        issuer: organization ?? name.split(" ")[0] ?? "",
      };
      socket.once("close", () => resolve(served));
      socket.destroy();
    });
  });
}

/** The serial number of the certificate that a new connection gets. */
export async function servedSerial(port: number): Promise<string> {
  return (await servedCertificate(port)).serial;
}
