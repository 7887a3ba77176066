/**
 * One request, looked into: what was received, sent, answered and delivered.
 */
import { curl, explainCommand } from "./commands.js";
import { differences, list } from "./differences.js";
import { byId, make } from "./elements.js";
import { bytes, time } from "./numbers.js";
import { replayPart } from "./replay.js";
import { configLine } from "./states.js";

export const requestLine = ({ method, target }) => `${method} ${target}`;

/** @param request Null for none. @param onClose Called by its button. */
export function showDetail(request, onClose) {
  const detail = byId("detail");
  byId("requests").classList.toggle("open", request !== null);
  detail.hidden = request === null;
  if (request === null) return;
  const close = make("button", { type: "button" }, "Close");
  close.addEventListener("click", onClose);
  const replay = replayPart(request);
  detail.replaceChildren(
    make(
      "header",
      {},
      make("h3", { class: "code" }, requestLine(request)),
      ...replay.buttons,
      copyButton("Copy as curl", () => curl(request)),
      copyButton("Copy as explain", () => explainCommand(request)),
      close,
    ),
    replay.result,
    facts(request),
    ...request.verdicts.map((it) => make("p", { class: "verdict" }, it)),
    request.losers.length === 0 ? "" : make(
      "details",
      {},
      make("summary", {}, "Why no other location"),
      list(request.losers),
    ),
    make("h3", {}, "Received, and sent upstream"),
    request.sent === null
      ? list(request.received.fields)
      : differences(request.received, request.sent),
    make("h3", {}, "Answered, and delivered"),
    request.answered === null
      ? list(request.delivered)
      : differences({ fields: request.answered }, {
        fields: request.delivered,
      }),
  );
  detail.scrollTop = 0;
}

function copyButton(name, text) {
  const copy = make("button", { type: "button" }, name);
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text());
      copy.textContent = "Copied";
    } catch {
      copy.textContent = "The browser does not allow it";
    }
  });
  return copy;
}

function facts(request) {
  const tried = request.attempts.map((it) =>
    `${it.address}: ${it.status === 0 ? "no answer" : it.status}` +
    (it.took === null ? "" : ` after ${time(it.took / 1000)}`)
  );
  const shown = {
    "Status": String(request.status),
    ...request.replayOf === null ? {} : { "Replay of": request.replayOf },
    "Client": request.client,
    "Location": request.location === ""
      ? "none"
      : `${request.location}${request.server ? ` of ${request.server}` : ""}`,
    "Config": configLine(request.location),
    "Asked": tried.length === 0 ? "nobody" : tried.join("; "),
    "Time": `${time(request.start / 1000)} to the first byte, ` +
      `${time(request.duration / 1000)} in all`,
    "Bodies": `${bytes(request.bytesReceived)} received, ` +
      `${bytes(request.bytesSent)} sent`,
  };
  return make(
    "dl",
    {},
    ...Object.entries(shown).flatMap(([name, value]) => [
      make("dt", {}, name),
      make("dd", {}, value),
    ]),
  );
}
