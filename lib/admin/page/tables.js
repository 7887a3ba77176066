/**
 * The tables of locations, upstreams, the process, and configs in use.
 */
import { byId, fill, make } from "./elements.js";
import {
  age,
  bytes,
  number,
  percent,
  percentile,
  since,
  time,
  total,
} from "./numbers.js";
import { former, messagesOf, states, summary } from "./states.js";

/** @returns The locations that have had requests. */
export function showLocations(now) {
  const before = states[0];
  const seconds = Math.max(0.001, (now.at - before.at) / 1000);
  const all = summary(now, before).requests;
  const seen = now.locations.filter((it) =>
    it.requests > 0 || it.webSockets.opened > 0
  );
  const several = new Set(now.locations.map((it) => it.server)).size > 1;
  fill(
    "locations",
    seen.map((location) => {
      const old = former(before, location);
      const count = location.requests - (old?.requests ?? 0);
      const errors = (location.statuses["5xx"] ?? 0) -
        (old?.statuses["5xx"] ?? 0);
      const counts = since(location.start, old?.start);
      const at = (share) => time(percentile(now.buckets, counts, share));
      const share = all === 0 ? 0 : count / all;
      const messages = messagesOf(location) - (old ? messagesOf(old) : 0);
      return [
        (several ? `${location.server} ` : "") +
        (location.location || "(none)"),
        bar(share),
        number(count / seconds),
        errors === 0 ? "0" : make(
          "span",
          { class: "bad" },
          percent(errors, count),
        ),
        at(0.5),
        at(0.95),
        at(0.99),
        bytes((location.sent - (old?.sent ?? 0)) / seconds),
        number(location.webSockets.open),
        number(messages / seconds),
      ];
    }),
  );
  return seen;
}

function bar(share) {
  const fillOf = make("i");
  fillOf.style.width = `${(100 * share).toFixed(1)}%`;
  return make(
    "span",
    {
      class: "share",
      role: "img",
      "aria-label": `${(100 * share).toFixed(0)} percent`,
    },
    fillOf,
  );
}

export function showUpstreams(now) {
  const before = states[0];
  const seconds = Math.max(0.001, (now.at - before.at) / 1000);
  fill(
    "upstreams",
    now.upstreams.map((server) => {
      const old = before.upstreams.find((it) =>
        it.upstream === server.upstream && it.address === server.address
      );
      const counts = since(server.start, old?.start);
      return [
        server.upstream,
        server.address,
        health(server.up),
        number((server.attempts - (old?.attempts ?? 0)) / seconds),
        number(server.active),
        server.idle === null ? "–" : number(server.idle),
        time(percentile(now.buckets, counts, 0.5)),
        failures(server.failures),
        number(server.retries),
      ];
    }),
  );
}

function health(up) {
  const [name, text] = up === 1
    ? ["up", "● up"]
    : up === 0
    ? ["down", "○ down"]
    : ["partly", `◐ ${Math.round(100 * up)} %`];
  return make("span", { class: name }, text);
}

function failures(counters) {
  const count = total(counters);
  if (count === 0) return "0";
  const why = Object.entries(counters).map(([name, it]) => `${name} ${it}`);
  return make("span", { class: "bad", title: why.join(", ") }, number(count));
}

export function showProcess(now) {
  const { process, generations } = now;
  const started = now.at / 1000 - process.startTime;
  const before = states[0].process;
  const seconds = Math.max(0.001, (now.at - states[0].at) / 1000);
  const lag = percentile(now.buckets, since(process.lag, before.lag), 0.99);
  const facts = {
    "Config": `${process.config.source} (${process.config.hash})`,
    "Reloads": `${process.config.reloads.done} done, ` +
      `${process.config.reloads.failed} refused`,
    "Memory": `${bytes(process.resident)}, heap ${bytes(process.heap)}`,
    "CPU": process.cpu === null || before.cpu === null
      ? "–"
      : `${(100 * (process.cpu - before.cpu) / seconds).toFixed(0)} %`,
    "Event loop": lag === null
      ? "–"
      : `99 % of its turns begin ${time(lag)} late`,
    "Waits for slow upstreams": bytes(process.buffered),
  };
  byId("process").replaceChildren(
    ...Object.entries(facts).flatMap(([name, value]) => [
      make("dt", {}, name),
      make("dd", {}, value),
    ]),
  );
  byId("about").textContent = `${process.version} · Deno ${process.deno} · ` +
    `${process.workers} ${process.workers === 1 ? "worker" : "workers"} · ` +
    `up ${age(started)}`;
  fill(
    "generations",
    generations.map((it) => [
      `#${it.number}`,
      `${age((now.at - it.since) / 1000)} ago`,
      number(it.requests),
      number(it.webSockets),
    ]),
  );
}
