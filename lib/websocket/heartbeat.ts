/**
 * When an upstream is pinged, and when it counts as dead.
 *
 * @module
 */

/**
 * It is pinged when nothing was sent to it for half of the interval, so that it
 * hears something in each interval, and when nothing was heard of it for as long.
 * It is dead when nothing is heard of it for an interval after a ping.
 *
 * It is looked at from time to time, and told only whether something passed in
 * between: a message costs no look at the clock.
 */
export class Heartbeat {
  #sent = false;
  #heard = false;
  #sentAt: number;
  #heardAt: number;
  /** When the ping was sent that is not answered; null for none. */
  #pingedAt: number | null = null;

  /** @param now Milliseconds of `performance.now()`. */
  constructor(now: number) {
    this.#sentAt = this.#heardAt = now;
  }

  /** Something was sent. */
  sent(): void {
    this.#sent = true;
  }

  /** Something was received. */
  heard(): void {
    this.#heard = true;
  }

  /**
   * Says what is due.
   *
   * @param now Milliseconds of `performance.now()`.
   * @param interval Milliseconds, over 0.
   */
  look(now: number, interval: number): "ping" | "dead" | null {
    if (this.#sent) this.#sentAt = now;
    if (this.#heard) {
      this.#heardAt = now;
      this.#pingedAt = null;
    }
    this.#sent = this.#heard = false;
    const pingedAt = this.#pingedAt;
    if (pingedAt !== null && now - pingedAt >= interval) return "dead";
    const due = now - interval / 2;
    if (this.#sentAt > due && (this.#heardAt > due || pingedAt !== null)) {
      return null;
    }
    // Somewhat early next time: those that open at once must not be pinged at
    // once for ever.
    this.#sentAt = now - Math.random() * interval / 8;
    this.#pingedAt ??= now;
    return "ping";
  }
}
