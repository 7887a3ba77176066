/**
 * A worker: a client that sends a body as fast as it can, without end, and says
 * every 100 ms how many bytes of it have been taken.
 *
 * @module
 */
import { rawClient } from "../support/raw_upstream.ts";

const scope = self as unknown as {
  onmessage: (event: MessageEvent<Flood>) => void;
  postMessage(count: number): void;
};

/** What is sent. */
export interface Flood {
  readonly port: number;
  readonly head: string;
  /** Sent over and over. */
  readonly piece: string;
}

scope.onmessage = async ({ data: { port, head, piece } }) => {
  const { conn } = await rawClient(port);
  const encoder = new TextEncoder();
  await conn.write(encoder.encode(head));
  const bytes = encoder.encode(piece);
  let count = 0;
  setInterval(() => scope.postMessage(count), 100);
  while (true) count += await conn.write(bytes.subarray(count % bytes.length));
};
