/**
 * Sending a request that is looked into through the proxy again, and what has
 * changed in its answer. The page knows the request only without its secrets: it
 * names it, and the proxy has it.
 */
import { differences, line } from "./differences.js";
import { make } from "./elements.js";
import { bytes, time } from "./numbers.js";

/** Fields that every answer has anew. */
const NEW = ["date", "x-request-id"];

/** The button, and the place where the outcome is shown. */
export function replayPart(request) {
  const result = make("div");
  if (request.noReplay !== null) {
    result.append(make("p", { class: "hint" }, request.noReplay));
    return { buttons: [], result };
  }
  const button = make("button", { type: "button" }, "Replay");
  // Not disabled: that would take the focus away.
  let busy = false;
  button.addEventListener("click", async () => {
    if (busy) return;
    busy = true;
    button.textContent = "Replaying";
    result.replaceChildren(...await outcome(request));
    button.textContent = "Replay";
    busy = false;
  });
  return { buttons: [button], result };
}

async function outcome(request) {
  const says = (text) => [make("p", { class: "verdict" }, text)];
  try {
    const query = new URLSearchParams({ id: request.id, at: request.at });
    const answer = await fetch(`/replay?${query}`, { method: "POST" });
    const isJson = answer.headers.get("content-type") === "application/json";
    if (!isJson) return says(`Not replayed: ${await answer.text()}`);
    const { why, recording, cut } = await answer.json();
    return why === undefined
      ? [
        ...compared(request, recording),
        ...cut ? says("It was broken off: the answer did not end.") : [],
      ]
      : says(`Not replayed: ${why}`);
  } catch {
    return says("Not replayed: the proxy does not answer.");
  }
}

function compared(was, is) {
  const facts = ({ status, location, attempts, bytesSent }) => ({
    "status": String(status),
    "location": location || "none",
    "server": attempts.map(({ address }) => address).join(", ") || "none",
    "body": bytes(bytesSent),
  });
  const before = facts(was);
  const rows = Object.entries(facts(is)).flatMap(([name, value]) =>
    value === before[name]
      ? [line("", name, value)]
      : [line("−", name, before[name]), line("+", name, value)]
  );
  const took = ({ duration }) => time(duration / 1000);
  const fields = ({ delivered }) => ({
    fields: delivered.filter(([name]) => !NEW.includes(name)),
  });
  const table = differences(fields(was), fields(is));
  table.prepend(...rows, line("", "time", `${took(is)}, was ${took(was)}`));
  const changes = table.querySelectorAll(".added, .gone").length;
  return [
    make(
      "h3",
      {},
      changes === 0
        ? "Replayed: the same answer"
        : "Replayed: what has changed",
    ),
    table,
  ];
}
