import { useEffect, useEffectEvent, useReducer } from "react";
import type { Session } from "./session.ts";

/**
 * Asks the backend for something: at once, whenever it is back after an
 * outage, and whenever the function that is returned is called.
 */
export function useLoad<T>(
  ask: (signal: AbortSignal) => Promise<T>,
  take: (answer: T) => void,
  { isDown, report }: Session,
): () => void {
  const [round, reload] = useReducer((round: number) => round + 1, 0);
  const asked = useEffectEvent(ask);
  const taken = useEffectEvent(take);

  useEffect(() => {
    if (isDown) return;
    const stop = new AbortController();
    const { signal } = stop;
    asked(signal).then(
      (answer) => signal.aborted || taken(answer),
      (error) => signal.aborted || report(error),
    );
    return () => stop.abort();
  }, [isDown, round, report]);

  return reload;
}
