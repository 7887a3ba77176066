import { useCallback, useEffect, useReducer } from "react";
import { ApiError, getUser, login, logout, type User } from "./api.ts";

/** Between two looks at the session while all is well, in milliseconds. */
const INTERVAL = 10_000;
/** Before the first retry and before the last ones, in milliseconds. */
const RETRY = { first: 500, longest: 5_000 };

interface State {
  /** Undefined until the backend has answered for the first time. */
  user: User | null | undefined;
  /** Whether the backend did not answer when it was last asked. */
  isDown: boolean;
  /** Whether there was a user who is not there any more. */
  hasEnded: boolean;
}

export interface Session extends State {
  /** Throws {@linkcode ApiError}, with what to tell the user. */
  signIn(username: string, password: string): Promise<void>;
  signOut(): Promise<void>;
  /** The user is signed out, as someone else knows. */
  end(): void;
  /** Notes what a failed call says about the backend or the session. */
  report(error: unknown): void;
}

type Event =
  | { type: "signed in"; user: User }
  | { type: "seen"; user: User | null }
  | { type: "outage" }
  | { type: "ended" };

function reduce(state: State, event: Event): State {
  switch (event.type) {
    case "signed in":
      return { user: event.user, isDown: false, hasEnded: false };
    case "seen":
      // Who was signed out here stays so until the form is sent, whatever a
      // late answer says.
      if (
        state.user === null || state.user && state.user.id === event.user?.id
      ) {
        return state.isDown ? { ...state, isDown: false } : state;
      }
      return {
        user: event.user,
        isDown: false,
        hasEnded: state.user !== undefined && event.user === null,
      };
    case "outage":
      return { ...state, isDown: true };
    case "ended":
      return { ...state, user: null, hasEnded: true };
  }
}

/** Who is signed in and whether the backend is there, looked at all the time. */
export function useSession(): Session {
  const [state, dispatch] = useReducer(reduce, {
    user: undefined,
    isDown: false,
    hasEnded: false,
  });

  const report = useCallback((error: unknown) => {
    if (!(error instanceof ApiError)) console.error(error);
    else if (error.isOutage) dispatch({ type: "outage" });
    else if (error.isSignedOut) dispatch({ type: "ended" });
  }, []);

  const { user, isDown } = state;
  const isKnown = user !== undefined;
  useEffect(() => {
    const stop = new AbortController();
    const { signal } = stop;
    async function watch() {
      let wait = isDown ? RETRY.first : isKnown ? INTERVAL : 0;
      while (!signal.aborted) {
        // Not all pages that have lost the backend come back at one moment.
        await sleep(wait * (0.8 + 0.4 * Math.random()), signal);
        if (signal.aborted) return;
        try {
          dispatch({ type: "seen", user: await getUser(signal) });
          wait = INTERVAL;
        } catch (error) {
          if (signal.aborted) return;
          report(error);
          wait = isDown ? Math.min(wait * 2, RETRY.longest) : INTERVAL;
        }
      }
    }
    watch();
    return () => stop.abort();
    // Of the user too, so that an answer from before a login can't undo it.
  }, [isDown, isKnown, user?.id, report]);

  const signIn = useCallback(async (username: string, password: string) => {
    dispatch({ type: "signed in", user: await login(username, password) });
  }, []);

  const end = useCallback(() => dispatch({ type: "ended" }), []);

  const signOut = useCallback(async () => {
    await logout().then(end, report);
  }, [end, report]);

  return { ...state, signIn, signOut, end, report };
}

/** Ends early, without an error, when `signal` is aborted. */
function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}
