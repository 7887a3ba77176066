/**
 * One room: its messages, who is there, and the line to write in.
 *
 * A message goes to the backend over HTTP, which keeps it and publishes it;
 * that somebody is typing goes straight over the WebSocket.
 *
 * @module
 */
import { get, post } from "./backend.js";
import { enter } from "./live.js";
import { messageItem } from "./message.js";

const element = (id) => document.getElementById(id);

/** For how long somebody is shown as typing, in milliseconds. */
const TYPING = 3_000;

/**
 * Shows a room until `close` is called.
 *
 * @param {Centrifuge} centrifuge
 * @param {{ id: number, name: string }} room
 * @param {string} user
 * @param {(error: Error) => void} onError
 */
export function openRoom(centrifuge, room, user, onError) {
  const open = new AbortController();
  const { signal } = open;
  const list = element("messages");
  const input = element("text");
  /** The messages shown, by id: each comes by HTTP and by WebSocket. */
  const shown = new Set();
  const typing = new Map();
  let typedAt = 0;

  element("room-title").textContent = room.name;
  document.title = `${room.name} · sameorigin demo`;
  list.replaceChildren();
  showTyping();
  showPresent([]);
  const channel = enter(centrifuge, `room:${room.id}`, {
    onSubscribed: load,
    onPublication: receive,
    onPresence: showPresent,
  });
  element("composer").addEventListener("submit", send, { signal });
  input.addEventListener("input", tell, { signal });
  load();
  input.focus({ preventScroll: true });

  return {
    close() {
      open.abort();
      channel.leave();
      for (const timer of typing.values()) clearTimeout(timer);
    },
  };

  async function load() {
    try {
      const { messages } = await get(`/api/rooms/${room.id}/messages`);
      if (!signal.aborted) messages.forEach(add);
    } catch (error) {
      if (!signal.aborted) onError(error);
    }
  }

  async function send(event) {
    event.preventDefault();
    const text = input.value.trim();
    if (text === "") return;
    input.value = "";
    typedAt = 0;
    try {
      const message = await post(`/api/rooms/${room.id}/messages`, { text });
      // Also where live updates are off.
      if (!signal.aborted) add(message);
      element("chat-error").textContent = "";
    } catch (error) {
      // Not lost: it can be sent again.
      if (!signal.aborted && input.value === "") input.value = text;
      onError(error);
    }
  }

  function receive({ type, message }, author) {
    // Whoever is in a room may publish there, but only as what it is: messages
    // come from the backend alone.
    if (type === "message" && author === null) {
      add(message);
      stopTyping(message.author);
    } else if (type === "typing" && author !== null && author !== user) {
      clearTimeout(typing.get(author));
      typing.set(author, setTimeout(() => stopTyping(author), TYPING));
      showTyping();
    }
  }

  function add(message) {
    if (shown.has(message.id)) return;
    shown.add(message.id);
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
    const item = messageItem(message, user, list.lastElementChild);
    // One that was missed comes late: ids say where it belongs.
    const after = [...list.children].find((other) =>
      Number(other.dataset.id) > message.id
    );
    list.insertBefore(item, after ?? null);
    if (atEnd || message.author === user) list.scrollTop = list.scrollHeight;
  }

  /** Tells the others, but not at each key. */
  function tell() {
    if (Date.now() - typedAt < TYPING / 2 || input.value === "") return;
    typedAt = Date.now();
    channel.publish({ type: "typing" });
  }

  function stopTyping(author) {
    clearTimeout(typing.get(author));
    if (typing.delete(author)) showTyping();
  }

  function showTyping() {
    const names = [...typing.keys()];
    element("typing").textContent = names.length === 0
      ? ""
      : `${names.join(", ")} ${names.length === 1 ? "is" : "are"} typing…`;
  }

  function showPresent(users) {
    if (signal.aborted) return;
    element("present").textContent = users.length === 0
      ? ""
      : `Here: ${users.join(", ")}`;
  }
}
