/**
 * HTTP-date.
 *
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { formatHttpDate, parseHttpDate } from "../../lib/exchange/http_date.ts";

Deno.test("a date is read in each of its three forms", () => {
  const time = Date.UTC(1994, 10, 6, 8, 49, 37) / 1000;
  for (
    const text of [
      "Sun, 06 Nov 1994 08:49:37 GMT",
      "Sunday, 06-Nov-94 08:49:37 GMT",
      "Sun Nov  6 08:49:37 1994",
    ]
  ) assert.equal(parseHttpDate(text), time, text);
  assert.equal(
    parseHttpDate("Sun, 06-Nov-69 08:49:37 GMT"),
    Date.UTC(2069, 10, 6, 8, 49, 37) / 1000,
  );
});

Deno.test("what is no date is none, whatever Date.parse says", () => {
  for (
    const text of [
      ...["", "yesterday", "1994", "784111777", "1994-11-06T08:49:37Z"],
      ...["Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49 GMT"],
      ...["Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 31 Nov 1994 08:49:37 GMT"],
      ...["Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:00 GMT"],
      ...["Sun, 06 Anf 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT"],
      ...["Sun, 06 ovD 1994 08:49:37 GMT", "Wed, 29 Feb 2023 00:00:00 GMT"],
    ]
  ) assert(Number.isNaN(parseHttpDate(text)), text);
});

Deno.test("what is written is read again", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) / 1000 }),
      (time) => {
        assert.equal(parseHttpDate(formatHttpDate(time)), time);
      },
    ),
  );
});
