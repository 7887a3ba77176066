/**
 * The handshake of a WebSocket upstream, for `sameorigin explain`.
 *
 * @module
 */
import type { Field } from "../exchange/fields.ts";
import { handshakeFields } from "../websocket/open.ts";

/** With what the handshake adds (RFC 6455 section 4.1); the key is a random one. */
export function withHandshake(
  fields: readonly Field[],
  protocols: string | null,
): Field[] {
  return [
    ...fields,
    ...handshakeFields("(16 random bytes)", protocols),
    ["upgrade", "websocket"],
    ["connection", "Upgrade"],
  ];
}
