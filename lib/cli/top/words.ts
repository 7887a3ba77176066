/**
 * The view of `sameorigin top` in words and columns.
 *
 * @module
 */
import { columns, printable, type Style } from "../terminal.ts";
import type { LocationView, TopView, TrafficView } from "./view.ts";

/** All of a view. The last tables are the longest. */
export function topText(view: TopView, style: Style): string {
  const { total, cpu, version, config, workers, uptime, memory } = view;
  const process = [
    `sameorigin ${version}`,
    printable(config),
    `${workers} worker${workers === 1 ? "" : "s"}`,
    `up ${duration(uptime)}`,
    ...cpu === null ? [] : [`CPU ${percent(cpu)}`],
    `memory ${bytes(memory)}`,
  ];
  const all = [
    `${style.strong(rate(total.rate))} requests/s`,
    `median ${time(total.median)}`,
    `p95 ${time(total.p95)}`,
    `4xx ${percent(total.clientErrors)}`,
    total.serverErrors > 0
      ? style.bad(`5xx ${percent(total.serverErrors)}`)
      : `5xx ${percent(0)}`,
    `in ${bytes(total.received)}/s`,
    `out ${bytes(total.sent)}/s`,
    `${total.webSockets} WebSockets`,
  ];
  const blocks = [`${process.join("  ")}\n${all.join("  ")}\n`];
  blocks.push(upstreams(view, style), locations(view, style));
  return blocks.filter((block) => block !== "").join("\n");
}

function upstreams({ upstreams }: TopView, style: Style): string {
  if (upstreams.length === 0) return "";
  const head = [
    ...["UPSTREAM", "SERVER", "UP", "ACTIVE", "IDLE", "REQ/S", "FAILED/S"],
    ...["MEDIAN", "P95"],
  ];
  return table(
    head,
    upstreams.map((one) => [
      printable(one.upstream),
      printable(one.address),
      one.up === 1 ? "yes" : one.up === 0 ? "no" : percent(one.up),
      String(one.active),
      one.idle === null ? "-" : String(one.idle),
      rate(one.rate),
      rate(one.failures),
      time(one.median),
      time(one.p95),
    ]),
    style,
  );
}

function locations({ locations }: TopView, style: Style): string {
  const head = [
    ...["LOCATION", "SERVER", "REQ/S", "4XX", "5XX", "MEDIAN", "P95"],
    ...["OUT/S", "WEBSOCKETS"],
  ];
  return table(head, locations.map(locationRow), style);
}

function locationRow(one: LocationView & TrafficView): string[] {
  return [
    printable(one.location) || "(none)",
    printable(one.server) || "-",
    rate(one.rate),
    percent(one.clientErrors),
    percent(one.serverErrors),
    time(one.median),
    time(one.p95),
    bytes(one.sent),
    String(one.webSockets),
  ];
}

function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  style: Style,
): string {
  const [first = "", ...rest] = columns([head, ...rows], [], "")
    .split(/(?<=\n)/);
  return style.faint(first.trimEnd()) + "\n" + rest.join("");
}

function rate(value: number): string {
  return value >= 100 || value === 0 ? value.toFixed(0) : value.toFixed(1);
}

function percent(share: number): string {
  const value = share * 100;
  return `${value >= 10 || value === 0 ? value.toFixed(0) : value.toFixed(1)}%`;
}

function time(milliseconds: number | null): string {
  if (milliseconds === null) return "-";
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(1)} s`;
  return milliseconds >= 10
    ? `${milliseconds.toFixed(0)} ms`
    : `${milliseconds.toFixed(1)} ms`;
}

function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let at = 0;
  while (value >= 1000 && at < units.length - 1) {
    value /= 1000;
    at++;
  }
  return `${value >= 10 || at === 0 ? value.toFixed(0) : value.toFixed(1)} ${
    units[at]
  }`;
}

function duration(seconds: number): string {
  if (seconds < 120) return `${Math.max(0, Math.floor(seconds))} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} days`;
}
