/**
 * Tables, for a terminal and for Markdown. Both are the same text.
 *
 * @module
 */

/**
 * A table in Markdown whose columns line up, so that it reads as well without
 * being rendered. All columns but the first are flush right.
 *
 * @param rows As many cells as the head has.
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const widths = head.map((title, column) =>
    Math.max(3, title.length, ...rows.map((row) => (row[column] ?? "").length))
  );
  const line = (cells: readonly string[]) =>
    "| " + widths.map((width, column) => {
      const cell = cells[column] ?? "";
      return column === 0 ? cell.padEnd(width) : cell.padStart(width);
    }).join(" | ") + " |\n";
  const rule = widths.map((width, column) =>
    column === 0 ? "-".repeat(width) : "-".repeat(width - 1) + ":"
  );
  return line(head) + line(rule) + rows.map(line).join("");
}

/** Three digits that count: `7.13`, `48.2`, `1,310`. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return "-";
  const places = value === 0
    ? 0
    : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toLocaleString("en-US", {
    minimumFractionDigits: Math.min(places, 2),
    maximumFractionDigits: Math.min(places, 2),
  });
}

/** `0.9 ms`, from microseconds. */
export function milliseconds(microseconds: number): string {
  return digits(microseconds / 1000);
}

/** `37 %` of 0.37. */
export function percent(part: number): string {
  return Number.isFinite(part) ? `${Math.round(part * 100)} %` : "-";
}
