import { useState } from "react";
import { getRooms, type Room, type User } from "./api.ts";
import { useChannel, useConnection, wantedTransport } from "./live.ts";
import { useLoad } from "./load.ts";
import { RoomView } from "./room.tsx";
import type { Session } from "./session.ts";

/** What a user sees who is signed in: the rooms, and one of them open. */
export function Chat({ user, session }: { user: User; session: Session }) {
  const [transport] = useState(wantedTransport);
  const [rooms, setRooms] = useState<Room[] | null>(null);
  const [chosen, choose] = useState<number | null>(null);
  const { client, state } = useConnection(
    transport,
    session.end,
    session.report,
  );
  const reload = useLoad(getRooms, setRooms, session);
  useChannel(client, "rooms:index", { onPublication: reload, onGap: reload });

  // The chosen one may have been deleted.
  const open = rooms?.find(({ id }) => id === chosen) ?? rooms?.[0];
  return (
    <div className="chat">
      <nav className="side" aria-label="Rooms">
        <ul className="rooms" data-testid="room-list" aria-busy={!rooms}>
          {rooms?.map(({ id, name }) => (
            <li key={id}>
              <button
                type="button"
                data-testid={`room-${id}`}
                aria-current={id === open?.id ? "true" : undefined}
                onClick={() => choose(id)}
              >
                {name}
              </button>
            </li>
          ))}
        </ul>
        <p className={`connection ${state}`} role="status">
          <span data-testid="connection-state">{state}</span>
          <span className="transport">{transport}</span>
        </p>
      </nav>
      {open
        ? (
          <RoomView
            key={open.id}
            room={open}
            user={user}
            client={client}
            session={session}
          />
        )
        : (
          <main className="middle">
            <p className="hint">
              {rooms ? "There are no rooms yet." : "Loading…"}
            </p>
          </main>
        )}
    </div>
  );
}
