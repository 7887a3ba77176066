/**
 * The WebSockets of the soak: they come, exchange numbered messages, and go in
 * one of several ways.
 *
 * @module
 */
import { type Crowd, Tally } from "./crowd.ts";
import { NumberedSocket } from "./numbered_socket.ts";
import { ENOUGH, type SoakServer } from "./server.ts";

/** Milliseconds between two messages of one. */
const EVERY = 1_000;
/** Milliseconds that the answers to the last may take, a server that hangs included. */
const PATIENCE = 15_000;

/** How many there are, and what went wrong with messages. */
export interface SocketCounts {
  open: number;
  messages: number;
  wrong: number;
  /** Ended by a server that failed. */
  cut: number;
}

/**
 * Adds so many.
 *
 * @param port The proxy's, whose `/group/socket` is at one of the servers.
 */
export function addSockets(
  crowd: Crowd,
  port: number,
  sockets: number,
  servers: readonly SoakServer[],
): SocketCounts {
  const counts: SocketCounts = { open: 0, messages: 0, wrong: 0, cut: 0 };
  const cutsOf = (name: string) =>
    servers.find((server) => server.name === name)?.gate.cuts;
  const once = async () => {
    const socket = await NumberedSocket.open(port, "/group/socket");
    if (typeof socket === "number") throw new Error(`refused with ${socket}`);
    counts.open++;
    let ended = false;
    const end = socket.ended.then(() => ended = true);
    const isCut = () =>
      socket.peer === null || cutsOf(socket.peer.name) !== socket.peer.cuts;
    try {
      const until = performance.now() + lifetime();
      while (performance.now() < until && !crowd.isLeaving && !ended) {
        await socket.send();
        await Promise.race([crowd.pause(EVERY), end]);
      }
      const manner = crowd.isLeaving ? 0 : Math.random();
      if (!ended && manner > 0.7) return socket.vanish();
      const expected = manner > 0.5 ? ENOUGH : 1000;
      if (!ended) await settle(socket, expected, end);
      if (isCut()) {
        counts.cut++;
      } else if (socket.received !== socket.sent) {
        throw new Error(
          `lost ${socket.sent - socket.received} (${socket.code})`,
        );
      } else if (socket.code !== expected) {
        throw new Error(`closed with ${socket.code} for ${expected}`);
      }
    } finally {
      socket.vanish();
      await end;
      counts.open--;
      counts.messages += socket.received + socket.pushed;
      counts.wrong += socket.wrong;
    }
  };
  crowd.add(new Tally("WebSocket", true), sockets, 250, () => once);
  return counts;
}

/** Milliseconds: most stay for a while, a few for as long as they are let. */
function lifetime(): number {
  return Math.random() < 0.1 ? Infinity : 2_000 + Math.random() * 40_000;
}

/** Waits for what is on its way, and for the end. */
async function settle(
  socket: NumberedSocket,
  expected: number,
  end: Promise<unknown>,
): Promise<void> {
  const timeout = Promise.withResolvers<void>();
  const timer = setTimeout(timeout.resolve, PATIENCE);
  if (expected === ENOUGH) {
    await socket.finish();
  } else {
    while (socket.received < socket.sent) {
      const ended = await Promise.race([
        end,
        timeout.promise.then(() => true),
        new Promise((resolve) => setTimeout(resolve, 20, false)),
      ]);
      if (ended) break;
    }
    await socket.close();
  }
  await Promise.race([end, timeout.promise]);
  clearTimeout(timer);
}
