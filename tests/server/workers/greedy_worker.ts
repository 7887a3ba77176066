/**
 * A worker that takes more memory than there is.
 *
 * @module
 */
const kept: string[][] = [];
for (;;) {
  kept.push(Array.from({ length: 10_000 }, () => String(Math.random())));
}
