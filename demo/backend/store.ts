/**
 * Rooms and their messages, in memory: they are gone when the demo ends.
 *
 * @module
 */

/** A place to talk in. */
export interface Room {
  readonly id: number;
  readonly name: string;
}

/** What somebody said. */
export interface Message {
  readonly id: number;
  readonly room: number;
  readonly author: string;
  readonly text: string;
  /** ISO 8601, UTC. */
  readonly sentAt: string;
}

/** The most rooms there may be. */
export const MAX_ROOMS = 50;

/** The messages of a room that are kept: the latest. */
const MAX_MESSAGES = 200;

/** All that the demo knows. */
export class Store {
  readonly #rooms = new Map<number, { room: Room; messages: Message[] }>();
  #lastRoom = 0;
  #lastMessage = 0;

  constructor() {
    const general = this.addRoom("General");
    this.addRoom("Proxies");
    this.addRoom("Tea kitchen");
    if (general === null) return;
    this.addMessage(general, "Demo", "Welcome! Open this page a second time.");
    this.addMessage(general, "Demo", "What you write here appears there.");
  }

  /** In the order in which they were made. */
  rooms(): Room[] {
    return [...this.#rooms.values()].map(({ room }) => room);
  }

  room(id: number): Room | null {
    return this.#rooms.get(id)?.room ?? null;
  }

  /** The new room, or null if there are {@linkcode MAX_ROOMS}. */
  addRoom(name: string): Room | null {
    if (this.#rooms.size >= MAX_ROOMS) return null;
    const room = { id: ++this.#lastRoom, name };
    this.#rooms.set(room.id, { room, messages: [] });
    return room;
  }

  /** The latest messages, the oldest first. */
  messages({ id }: Room): readonly Message[] {
    return this.#rooms.get(id)?.messages ?? [];
  }

  addMessage({ id: room }: Room, author: string, text: string): Message {
    const sentAt = new Date().toISOString();
    const message = { id: ++this.#lastMessage, room, author, text, sentAt };
    const messages = this.#rooms.get(room)?.messages;
    messages?.push(message);
    if (messages && messages.length > MAX_MESSAGES) messages.shift();
    return message;
  }
}
