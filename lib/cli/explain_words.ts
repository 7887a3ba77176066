/**
 * An explanation in words.
 *
 * @module
 */
import { fileRows, redirectRows } from "./explain_files.ts";
import { respondRows } from "./explain_respond.ts";
import type { Explanation } from "./explanation.ts";
import { columns, counted, type Style } from "./terminal.ts";

/** What has been found, phase by phase, and what is sent or answered. */
export function inWords(explanation: Explanation, style: Style): string {
  const { sent, answer } = explanation;
  const blocks = [
    columns(rowsOf(explanation), [style.faint, style.faint, style.strong], ""),
  ];
  if (sent !== null) {
    const title = sent.websocket ? "WebSocket, opened with:" : "Sent upstream:";
    const head = [
      `${sent.method} ${sent.target} HTTP/1.1`,
      ...sent.headers.map(([name, value]) => `${name}: ${value}`.trimEnd()),
    ];
    blocks.push(`${style.faint(title)}\n${head.join("\n")}\n`);
  }
  if (answer !== null) {
    const where = answer.location === undefined
      ? ""
      : `location: ${answer.location}\n`;
    const status = style.bad(String(answer.status));
    blocks.push(
      `${style.faint("Answered by the proxy itself:")}\n` +
        `${status} ${answer.reason}\n${where}`,
    );
  }
  return blocks.join("\n");
}

/** A row for what each phase has found: its name, what, which, why. */
function rowsOf(explanation: Explanation): string[][] {
  const { listen, server, location, rewrite, upstream, answer } = explanation;
  const rows: string[][] = [["admit", "listen", listen]];
  if (answer?.phase === "admit") return [...rows, answerRow(answer)];
  rows.push(...redirectRows(explanation.redirects));
  if (server !== null) {
    const name = server.name || "(no server_name)";
    rows.push(["route", "server", name, server.why]);
  }
  if (location !== null) {
    rows.push(["", "location", location.key, location.why]);
  }
  rows.push(...loserRows(explanation));
  for (const rule of rewrite?.rules ?? []) rows.push(["rewrite", "rule", rule]);
  if (rewrite !== null && rewrite.rules.length > 0) {
    rows.push(["", "target", rewrite.target]);
  }
  if (answer?.phase === "route" || answer?.phase === "rewrite") {
    return [...rows, answerRow(answer), ...respondRows(explanation.respond)];
  }
  for (const [i, { check, verdict }] of explanation.access.entries()) {
    const [, word = "", rest = ""] = /^(\S+) (.*)$/s.exec(verdict) ?? [];
    rows.push([i === 0 ? "access" : "", check, word, rest]);
  }
  rows.push(...fileRows(explanation.file));
  if (upstream !== null && location !== null) {
    const { proxy_pass } = location;
    rows.push([
      "content",
      "upstream",
      upstream.address,
      proxy_pass === null ? "" : `proxy_pass ${proxy_pass}`,
    ]);
  }
  if (answer !== null) rows.push(answerRow(answer));
  return [...rows, ...respondRows(explanation.respond)];
}

/** Those that a person may have meant: where none is taken, that is all. */
function loserRows({ losers, location }: Explanation): string[][] {
  const meant = losers
    .filter(({ matches }) => matches || location === null)
    .slice(0, MOST_LOSERS);
  const rows = meant.map(({ key, why }) => ["", "not", key, why]);
  const others = losers.length - meant.length;
  if (others > 0 && meant.length > 0) {
    rows.push(["", "not", counted(others, "other"), "see --json"]);
  }
  return rows;
}

/** How many are shown to a person. */
const MOST_LOSERS = 10;

function answerRow(
  { phase, status }: NonNullable<Explanation["answer"]>,
): string[] {
  return [phase, "answer", String(status)];
}
