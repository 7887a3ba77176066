/**
 * What a bridge counts itself and its messages in, and shows them to who looks.
 *
 * @module
 */
import type { Generation } from "../observe/metrics/generation.ts";
import type { WebSocketMetrics } from "../observe/metrics/location_metrics.ts";
import { messageSummary } from "../observe/recorder/message_summary.ts";
import type {
  RecordedMessage,
  Recorder,
} from "../observe/recorder/recorder.ts";

/** What a bridge is counted for. */
export interface CountedBridge {
  /** Of its location. */
  readonly metrics: WebSocketMetrics;
  /** The config that it is opened by. */
  readonly generation: Generation;
  readonly recorder: Recorder;
  /** The location's key. */
  readonly location: string;
  /** Of the request. */
  readonly id: string;
}

type Data = string | ArrayBuffer | Uint8Array;

/** The counters of one bridge. */
export class BridgeCounters {
  readonly #bridge: CountedBridge;

  constructor(bridge: CountedBridge) {
    this.#bridge = bridge;
  }

  opened(): void {
    this.#bridge.metrics.opened++;
    this.#bridge.generation.webSockets++;
  }

  /**
   * @param code The close code that the client saw or sent.
   * @param by Who ended it.
   */
  ended(code: number, by: "client" | "upstream" | "proxy"): void {
    const { metrics, generation, recorder } = this.#bridge;
    metrics.ended(code);
    generation.webSockets--;
    if (!recorder.on) return;
    const from = by === "client" ? by : "upstream";
    this.#record(from, null, `closed by the ${by}: ${code}`);
  }

  /** @param size Bytes of a message of the client. */
  fromClient(size: number, data: Data): void {
    const { metrics: { fromClient }, recorder } = this.#bridge;
    fromClient.messages++;
    fromClient.bytes += size;
    if (recorder.beginsMessage()) {
      this.#record("client", size, summaryOf(data));
    }
  }

  /** @param size Bytes of a message that the client was sent. */
  toClient(size: number, data: Data): void {
    const { metrics: { toClient }, recorder } = this.#bridge;
    toClient.messages++;
    toClient.bytes += size;
    if (recorder.beginsMessage()) {
      this.#record("upstream", size, summaryOf(data));
    }
  }

  /** The upstream has to wait for the client. */
  waits(): void {
    this.#bridge.metrics.waits++;
  }

  #record(
    from: RecordedMessage["from"],
    size: number | null,
    what: string,
  ): void {
    const { recorder, id, location } = this.#bridge;
    recorder.addMessage({ id, at: Date.now(), location, from, size, what });
  }
}

const summaryOf = (data: Data) =>
  messageSummary(typeof data === "string" ? data : null);
