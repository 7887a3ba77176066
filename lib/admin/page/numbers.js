/**
 * Numbers as people read them, and what is counted from the proxy's counters.
 */

export const number = (value) =>
  value === 0
    ? "0"
    : value < 10
    ? value.toFixed(1).replace(/\.0$/, "")
    : Math.round(value).toLocaleString("en");

export const percent = (part, whole) =>
  part === 0 || whole === 0
    ? "0 %"
    : part / whole < 0.001
    ? "< 0.1 %"
    : `${(100 * part / whole).toFixed(part / whole < 0.1 ? 1 : 0)} %`;

export function bytes(value) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let at = 0;
  while (value >= 1000 && at < units.length - 1) {
    value /= 1000;
    at++;
  }
  return `${at === 0 ? Math.round(value) : value.toPrecision(3)} ${units[at]}`;
}

/** Seconds as people say them. */
export function time(seconds) {
  if (seconds === null) return "–";
  const ms = seconds * 1000;
  if (ms < 1) return "< 1 ms";
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
}

export function age(seconds) {
  const units = [["d", 86_400], ["h", 3600], ["min", 60]];
  for (const [unit, size] of units) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
  }
  return `${Math.max(0, Math.floor(seconds))} s`;
}

/**
 * The duration that a share of those between two histograms took at most, by
 * their buckets, in seconds; null where there was none.
 */
export function percentile(bounds, counts, share) {
  const all = counts.reduce((sum, count) => sum + count, 0);
  if (all === 0) return null;
  let left = all * share;
  for (const [at, count] of counts.entries()) {
    if (left > count) {
      left -= count;
      continue;
    }
    const from = at === 0 ? 0 : bounds[at - 1];
    const to = bounds[at] ?? from;
    return from + (to - from) * (count === 0 ? 0 : left / count);
  }
  return bounds.at(-1);
}

export const since = (now, before) =>
  now.counts.map((count, at) => count - (before?.counts[at] ?? 0));

export const total = (counters) =>
  Object.values(counters).reduce((sum, count) => sum + count, 0);
