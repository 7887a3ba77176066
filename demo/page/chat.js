/**
 * The chat: the list of rooms, and the room that is open.
 *
 * @module
 */
import { get, post } from "./backend.js";
import { connect, enter } from "./live.js";
import { openRoom } from "./room.js";

const element = (id) => document.getElementById(id);

const STATES = {
  connecting: "Connecting…",
  connected: "Live",
  off: "Live updates are off",
};

/**
 * Shows the chat until the function that it returns is called.
 *
 * @param {string} user
 * @param {() => void} onSignedOut Called when the session has ended.
 */
export function openChat(user, onSignedOut) {
  const open = new AbortController();
  const { signal } = open;
  /** @type {Map<number, { id: number, name: string }>} */
  const rooms = new Map();
  let room = null;

  const centrifuge = connect(showState);
  const announcements = enter(centrifuge, "rooms", {
    // A room that was made while the connection was down.
    onSubscribed: () => loadRooms(),
    onPublication: ({ type, room }) => {
      if (type === "room") addRoom(room);
    },
  });
  addEventListener("hashchange", openHash, { signal });
  element("new-room").addEventListener("submit", createRoom, { signal });
  loadRooms();

  return () => {
    open.abort();
    room?.close();
    announcements.leave();
    centrifuge.disconnect();
    element("rooms").replaceChildren();
  };

  /** Shows a failure where the user looks; a session's end closes the chat. */
  function onError(error) {
    if (signal.aborted) return;
    if (error.status === 401) onSignedOut();
    else element("chat-error").textContent = error.message;
  }

  function showState(state, reason) {
    if (signal.aborted) return;
    const pill = element("connection");
    pill.dataset.state = state;
    pill.textContent = STATES[state];
    pill.title = reason;
  }

  async function loadRooms() {
    try {
      const list = (await get("/api/rooms")).rooms;
      if (signal.aborted) return;
      for (const each of list) addRoom(each);
      if (room === null) openHash();
    } catch (error) {
      onError(error);
    }
  }

  async function createRoom(event) {
    event.preventDefault();
    const input = element("room-name");
    try {
      const made = await post("/api/rooms", { name: input.value });
      if (signal.aborted) return;
      input.value = "";
      addRoom(made);
      location.hash = `room-${made.id}`;
    } catch (error) {
      onError(error);
    }
  }

  function addRoom({ id, name }) {
    if (rooms.has(id)) return;
    rooms.set(id, { id, name });
    const link = document.createElement("a");
    link.href = `#room-${id}`;
    link.textContent = name;
    const item = document.createElement("li");
    item.append(link);
    element("rooms").append(item);
  }

  /** Opens the room that the address names, or else the first. */
  function openHash() {
    const [first] = rooms.values();
    const id = Number(/^#room-(\d+)$/.exec(location.hash)?.[1]);
    const chosen = rooms.get(id) ?? first;
    if (chosen === undefined) return;
    for (const link of element("rooms").querySelectorAll("a")) {
      const current = link.hash === `#room-${chosen.id}`;
      if (current) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    room?.close();
    element("chat-error").textContent = "";
    room = openRoom(centrifuge, chosen, user, onError);
  }
}
