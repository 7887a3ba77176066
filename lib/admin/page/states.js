/**
 * What the proxy has told: its states of the last seconds. All counters in them
 * only grow.
 */
import { since } from "./numbers.js";

/** Seconds over which tables take rates and percentiles. */
export const WINDOW = 10;

/** The last states, the newest last; as many as a window needs. */
export const states = [];

/** Lines of the config, by location. */
let lines = {};

/** Keeps one more. */
export function keepState(state) {
  // A proxy that was restarted counts from the beginning.
  const last = states.at(-1);
  if (
    last !== undefined && last.process.startTime !== state.process.startTime
  ) {
    states.length = 0;
  }
  states.push(state);
  if (states.length > WINDOW + 1) states.shift();
  lines = state.lines ?? lines;
}

/** Where the config has a location: `config.yaml, line 7`. */
export function configLine(location) {
  return lines[location] === undefined
    ? "–"
    : `${states.at(-1)?.process.config.source}, line ${lines[location]}`;
}

const keyOf = ({ server, location }) => `${server} ${location}`;

/** A location of another state; none where it was not there, or was new again. */
export function former(state, location) {
  const found = state?.locations.find((it) => keyOf(it) === keyOf(location));
  return found !== undefined && found.requests <= location.requests
    ? found
    : undefined;
}

/** What all locations have done between two states. */
export function summary(now, before) {
  const seconds = Math.max(0.001, (now.at - before.at) / 1000);
  const sum = { requests: 0, errors: 0, messages: 0, open: 0, counts: [] };
  for (const location of now.locations) {
    const old = former(before, location);
    sum.requests += location.requests - (old?.requests ?? 0);
    sum.errors += (location.statuses["5xx"] ?? 0) -
      (old?.statuses["5xx"] ?? 0);
    sum.messages += messagesOf(location) - (old ? messagesOf(old) : 0);
    sum.open += location.webSockets.open;
    since(location.start, old?.start).forEach((count, at) => {
      sum.counts[at] = (sum.counts[at] ?? 0) + count;
    });
  }
  return { ...sum, seconds };
}

export const messagesOf = ({ webSockets: { fromClient, toClient } }) =>
  fromClient.messages + toClient.messages;
