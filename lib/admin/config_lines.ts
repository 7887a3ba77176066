/**
 * On which line of the config a location is written, for who wants to change it.
 *
 * @module
 */

/** Before a key in YAML, and behind it; in quotes or not. */
const KEY = /^\s*(?:-\s+)?(?:"([^"]+)"|'([^']+)'|([^"'#\s][^#]*?))\s*:(?:\s|$)/;

/**
 * The lines of locations, from 1, by their keys; one that is there several times,
 * or in a map on one line, is left out.
 *
 * @param text Of the config.
 * @param keys As the config writes them.
 */
export function configLines(
  text: string,
  keys: ReadonlySet<string>,
): Record<string, number> {
  const found = new Map<string, number[]>();
  for (const [at, line] of text.split("\n").entries()) {
    const [, double, single, plain] = KEY.exec(line) ?? [];
    const key = double ?? single ?? plain;
    if (key === undefined || !keys.has(key)) continue;
    found.set(key, [...found.get(key) ?? [], at + 1]);
  }
  return Object.fromEntries(
    [...found].flatMap(([key, lines]) =>
      lines.length === 1 ? [[key, lines[0] ?? 0]] : []
    ),
  );
}
