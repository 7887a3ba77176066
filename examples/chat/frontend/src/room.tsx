import type { Centrifuge } from "centrifuge";
import { useLayoutEffect, useRef, useState } from "react";
import {
  getMessages,
  isMessage,
  type Message,
  type Room,
  sendMessage,
  type User,
} from "./api.ts";
import { Composer } from "./composer.tsx";
import { useChannel } from "./live.ts";
import { useLoad } from "./load.ts";
import type { Session } from "./session.ts";

/** So near to the end, in pixels, the list follows what comes in. */
const NEAR = 60;
/** So close together, in milliseconds, an author's messages are one block. */
const BLOCK = 5 * 60_000;

interface Props {
  room: Room;
  user: User;
  client: Centrifuge | null;
  session: Session;
}

/** One room: who is there, what was said, and where to say more. */
export function RoomView({ room, user, client, session }: Props) {
  const [messages, setMessages] = useState<Message[] | null>(null);
  const [online, setOnline] = useState<string[]>([]);
  const add = (more: Message[]) => setMessages((known) => merge(known, more));

  const reload = useLoad(
    (signal) => getMessages(room.id, signal),
    add,
    session,
  );
  useChannel(client, `room:${room.id}`, {
    onPublication: (data) => isMessage(data) && add([data]),
    onGap: reload,
    onPresence: setOnline,
  });

  const list = useRef<HTMLDivElement>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const toEnd = () => list.current?.scrollTo(0, list.current.scrollHeight);
  useLayoutEffect(() => {
    if (isAtEnd) toEnd();
  }, [messages, isAtEnd]);
  // A phone's keyboard and the banner take room from the list.
  useLayoutEffect(() => {
    if (!isAtEnd || list.current === null) return;
    const resized = new ResizeObserver(toEnd);
    resized.observe(list.current);
    return () => resized.disconnect();
  }, [isAtEnd]);

  return (
    <main className="room">
      <header className="bar">
        <h2>{room.name}</h2>
        <p className="online" title={online.join(", ")}>
          <span data-testid="presence-count">{online.length}</span> online
        </p>
      </header>
      <div
        className="messages"
        ref={list}
        role="log"
        aria-label={`Messages in ${room.name}`}
        tabIndex={0}
        onScroll={({ currentTarget: it }) =>
          setAtEnd(it.scrollHeight - it.scrollTop - it.clientHeight < NEAR)}
      >
        {messages?.length === 0 && (
          <p className="hint">Nothing here yet. Say hello!</p>
        )}
        <ol data-testid="message-list" aria-busy={!messages}>
          {messages?.map((message, at) => (
            <MessageItem
              key={message.id}
              message={message}
              isOwn={message.user === user.username}
              isContinued={continues(messages[at - 1], message)}
            />
          ))}
        </ol>
        {!isAtEnd && (
          <button type="button" className="newest" onClick={toEnd}>
            Newest ↓
          </button>
        )}
      </div>
      <Composer
        room={room}
        onSend={async (text) => {
          try {
            add([await sendMessage(room.id, text)]);
            setAtEnd(true);
          } catch (error) {
            session.report(error);
            throw error;
          }
        }}
      />
    </main>
  );
}

interface ItemProps {
  message: Message;
  isOwn: boolean;
  /** Whether it stands below another one of its author. */
  isContinued: boolean;
}

function MessageItem({ message, isOwn, isContinued }: ItemProps) {
  const { user, text, created_at } = message;
  const time = new Date(created_at);
  const classes = ["message", isOwn && "own", isContinued && "continued"];
  return (
    <li className={classes.filter(Boolean).join(" ")} data-testid="message">
      <span
        className="avatar"
        style={{ backgroundColor: `oklch(52% 0.13 ${hue(user)})` }}
        aria-hidden="true"
      >
        {user.slice(0, 1)}
      </span>
      <p className="meta">
        <span className="author">{user}</span>
        <time dateTime={created_at} title={time.toLocaleString()}>
          {shortTime(time)}
        </time>
      </p>
      <p className="text">{text}</p>
    </li>
  );
}

/** Each once, in the order they were written. */
function merge(known: Message[] | null, more: Message[]): Message[] {
  const all = new Map([...known ?? [], ...more].map((it) => [it.id, it]));
  return [...all.values()].sort((a, b) => a.id - b.id);
}

function continues(before: Message | undefined, message: Message): boolean {
  return before?.user === message.user &&
    Date.parse(message.created_at) - Date.parse(before.created_at) < BLOCK;
}

/** The time of day; before today with the day. */
function shortTime(time: Date): string {
  const isToday = time.toDateString() === new Date().toDateString();
  return time.toLocaleString(undefined, {
    timeStyle: "short",
    ...(isToday ? {} : { dateStyle: "medium" }),
  });
}

/** A colour for a name, the same everywhere: an angle in degrees. */
function hue(name: string): number {
  let hash = 0;
  for (const char of name) hash = (hash * 31 + char.charCodeAt(0)) % 360;
  return hash;
}
