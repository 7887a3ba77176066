/**
 * Fields as rows of a table, and where two lists of them differ.
 */
import { make } from "./elements.js";

/** A row. @param mark `+` for what was added, `−` for what is gone, or `""`. */
export function line(mark, name, value) {
  const [kind, words] = mark === "+"
    ? ["added", "added: "]
    : mark === "−"
    ? ["gone", "left out: "]
    : ["", ""];
  return make(
    "tr",
    { class: kind },
    make("td", { class: "mark", "aria-label": words || null }, mark),
    make("th", { scope: "row", class: "code" }, name),
    make("td", { class: "code" }, value),
  );
}

export const list = (fields) =>
  make("table", {}, ...fields.map(([name, value]) => line("", name, value)));

/** What one side had and the other has: the fields of both, marked. */
export function differences(before, after) {
  const left = before.fields.map(([name, value]) => `${name}: ${value}`);
  const lines = [];
  if (before.target !== undefined && before.target !== after.target) {
    lines.push(line("−", "target", before.target));
    lines.push(line("+", "target", after.target));
  }
  for (const [name, value] of after.fields) {
    const at = left.indexOf(`${name}: ${value}`);
    if (at !== -1) left[at] = null;
    lines.push(line(at === -1 ? "+" : "", name, value));
  }
  for (const [at, [name, value]] of before.fields.entries()) {
    if (left[at] !== null) lines.push(line("−", name, value));
  }
  return make("table", {}, ...lines);
}
