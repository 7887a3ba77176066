/**
 * Which config is in effect, and how its reloads went.
 *
 * @module
 */
import type { LoadedConfig } from "../config/config_source.ts";
import type { ConfigFacts } from "../observe/metrics/family.ts";

/** Hexadecimal digits of a hash that people compare. */
const HASH_LENGTH = 12;

/** Changes with each reload. */
export class ConfigStatus {
  #loaded: LoadedConfig;
  #hash: Promise<string>;
  #since = Date.now();
  #done = 0;
  #failed = 0;

  constructor(loaded: LoadedConfig) {
    this.#loaded = loaded;
    this.#hash = hashOf(loaded);
  }

  /** The config in effect. */
  get loaded(): LoadedConfig {
    return this.#loaded;
  }

  /** Another is in effect. */
  replaced(loaded: LoadedConfig): void {
    this.#loaded = loaded;
    this.#hash = hashOf(loaded);
    this.#since = Date.now();
  }

  /** A reload has come to its end. */
  reloaded(isDone: boolean): void {
    if (isDone) this.#done++;
    else this.#failed++;
  }

  async facts(): Promise<ConfigFacts> {
    return {
      hash: await this.#hash,
      source: this.#loaded.plan.source,
      since: this.#since / 1000,
      reloads: { done: this.#done, failed: this.#failed },
    };
  }
}

/** Of its text, as it was read. */
async function hashOf({ config: { content } }: LoadedConfig): Promise<string> {
  const text = "text" in content
    ? content.text
    : JSON.stringify(content.document);
  const bytes = new TextEncoder().encode(text);
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return new Uint8Array(digest).toHex().slice(0, HASH_LENGTH);
}
