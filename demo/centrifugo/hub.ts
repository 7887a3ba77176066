/**
 * Who is in which channel. A channel exists as long as somebody is in it.
 *
 * @module
 */
import type { ClientInfo, Publication, Push } from "./protocol.ts";

/** A connection, as channels know it. */
export interface Subscriber {
  readonly info: ClientInfo;
  send(push: Push): void;
}

/** The channels of one server. */
export class Hub {
  readonly #channels = new Map<
    string,
    Map<Subscriber, { joinLeave: boolean }>
  >();

  /**
   * Takes a connection into a channel and tells those who are in it already.
   *
   * @param joinLeave Whether it wants to be told of others.
   * @returns False if it was in already.
   */
  subscribe(
    channel: string,
    subscriber: Subscriber,
    joinLeave: boolean,
  ): boolean {
    const members = this.#channels.get(channel) ?? new Map();
    if (members.has(subscriber)) return false;
    this.#announce(channel, { join: { info: subscriber.info } });
    this.#channels.set(channel, members.set(subscriber, { joinLeave }));
    return true;
  }

  /** Takes a connection out of a channel, if it is in, and tells the others. */
  unsubscribe(channel: string, subscriber: Subscriber): void {
    const members = this.#channels.get(channel);
    if (members === undefined || !members.delete(subscriber)) return;
    if (members.size === 0) this.#channels.delete(channel);
    this.#announce(channel, { leave: { info: subscriber.info } });
  }

  /** Takes a connection out of all its channels. */
  remove(subscriber: Subscriber): void {
    for (const channel of [...this.#channels.keys()]) {
      this.unsubscribe(channel, subscriber);
    }
  }

  /** Whether a connection is in a channel. */
  has(channel: string, subscriber: Subscriber): boolean {
    return this.#channels.get(channel)?.has(subscriber) ?? false;
  }

  /** Sends a publication to everybody in the channel, its author included. */
  publish(channel: string, pub: Publication): void {
    for (const subscriber of this.#channels.get(channel)?.keys() ?? []) {
      subscriber.send({ push: { channel, pub } });
    }
  }

  /** Who is in a channel, by connection id. */
  presence(channel: string): Record<string, ClientInfo> {
    const members = [...this.#channels.get(channel)?.keys() ?? []];
    return Object.fromEntries(members.map(({ info }) => [info.client, info]));
  }

  #announce(
    channel: string,
    event: { join: { info: ClientInfo } } | { leave: { info: ClientInfo } },
  ): void {
    for (const [member, { joinLeave }] of this.#channels.get(channel) ?? []) {
      if (joinLeave) member.send({ push: { channel, ...event } });
    }
  }
}
