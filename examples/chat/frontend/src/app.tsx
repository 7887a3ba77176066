import { Chat } from "./chat.tsx";
import { LoginForm } from "./login.tsx";
import { useSession } from "./session.ts";

export function App() {
  const session = useSession();
  const { user, isDown } = session;
  return (
    <div className="app">
      <header className="bar">
        <img className="logo" src="/icon.svg" alt="" width="28" height="28" />
        <h1 data-testid="title">Chat</h1>
        {user && (
          <>
            <span className="who">{user.username}</span>
            <button
              type="button"
              className="quiet"
              data-testid="logout-button"
              onClick={session.signOut}
            >
              Sign out
            </button>
          </>
        )}
      </header>
      {isDown && (
        <p className="banner" role="alert" data-testid="banner">
          <span className="spinner" aria-hidden="true" />
          The server can’t be reached. Trying again…
        </p>
      )}
      {user === null && <LoginForm session={session} />}
      {user && <Chat key={user.id} user={user} session={session} />}
    </div>
  );
}
