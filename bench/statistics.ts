/**
 * What many runs say together.
 *
 * @module
 */

/** The middle of numbers, the mean of the two middle ones of an even count; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1
    ? high
    : (high + (sorted[middle - 1] ?? NaN)) / 2;
}

/**
 * How far the numbers lie apart: half of the distance from the least to the
 * greatest, as a part of the median. 0.02 reads "± 2 %".
 */
export function spread(values: readonly number[]): number {
  if (values.length === 0) return NaN;
  return (Math.max(...values) - Math.min(...values)) / 2 / median(values);
}

/**
 * The median of the ratios of two series, round by round: what shifts both of a
 * round, such as a machine that is busy for a while, is not in it.
 */
export function medianRatio(
  values: readonly number[],
  base: readonly number[],
): number {
  return median(
    values.slice(0, base.length).map((value, i) => value / (base[i] ?? NaN)),
  );
}
