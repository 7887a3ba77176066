/**
 * The live page: takes the state of the proxy each second, and shows what has
 * changed since the last ones.
 */
import { byId } from "./elements.js";
import {
  isPaused,
  keepRecorded,
  makeRows,
  offerLocations,
  showMessages,
  showRequests,
} from "./requests.js";
import { keepState } from "./states.js";
import { showLocations, showProcess, showUpstreams } from "./tables.js";
import { showTiles } from "./tiles.js";

byId("reload").addEventListener("click", async ({ target }) => {
  target.disabled = true;
  try {
    const answer = await fetch("/reload", { method: "POST" });
    const { problems = [] } = await answer.json();
    target.textContent = answer.ok
      ? "Reloaded"
      : `Not reloaded: ${problems[0]?.message ?? "see the proxy's messages"}`;
  } catch {
    target.textContent = "Not reloaded: the proxy does not answer";
  } finally {
    target.disabled = false;
    setTimeout(() => target.textContent = "Reload config", 5000);
  }
});

function say(state, text) {
  const link = byId("link");
  link.dataset.is = state;
  if (link.textContent !== text) link.textContent = text;
}

function take(state) {
  keepState(state);
  say("live", "live");
  // Also for a page that is behind another one, and for a list that is paused.
  if (state.requests !== undefined) keepRecorded(state.requests);
  if (document.hidden) return;
  const parts = [
    () => showTiles(state),
    () => {
      offerLocations(showLocations(state));
      showUpstreams(state);
      showProcess(state);
    },
  ];
  if (!isPaused()) parts.push(makeRows, showRequests, showMessages);
  oneByOne(parts);
}

/** Each in a picture of its own: together they take too long for one. */
function oneByOne([first, ...others]) {
  requestAnimationFrame(() => {
    first();
    if (others.length > 0) oneByOne(others);
  });
}

const events = new EventSource("/events");
events.addEventListener("state", ({ data }) => take(JSON.parse(data)));
events.addEventListener(
  "error",
  () => say("lost", "no connection, trying again"),
);
