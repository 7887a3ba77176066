import assert from "node:assert/strict";
import fc from "fast-check";
import {
  formatTime,
  LONGEST_TIME,
  parseSize,
  parseTime,
  SIZE_PATTERN,
  TIME_PATTERN,
} from "../../lib/config/units.ts";
import { ValueError } from "../../lib/config/words.ts";

Deno.test("a time is read in nginx's units", () => {
  const times: [string | number, number][] = [
    ["500ms", 500],
    ["30s", 30_000],
    ["5m", 300_000],
    ["1h", 3_600_000],
    ["1d", 86_400_000],
    ["1h30m", 5_400_000],
    ["1d2h3m4s5ms", 93_784_005],
    ["5m3ms", 300_003],
    ["60", 60_000],
    [60, 60_000],
    [0, 0],
    ["0", 0],
    ["0s", 0],
  ];
  for (const [written, milliseconds] of times) {
    assert.equal(parseTime(written), milliseconds, `${written}`);
  }
});

Deno.test("a size is read in nginx's units", () => {
  const sizes: [string | number, number][] = [
    ["64k", 65_536],
    ["64K", 65_536],
    ["10m", 10_485_760],
    ["1G", 1_073_741_824],
    ["512", 512],
    [512, 512],
    [0, 0],
  ];
  for (const [written, bytes] of sizes) {
    assert.equal(parseSize(written), bytes, `${written}`);
  }
});

Deno.test("what is no time is refused", () => {
  const noTimes = ["", " ", "s", "1.5s", "-1s", "1 s", "1sec", "30S", "1m1h"];
  for (const value of [...noTimes, "1s1s", 1.5, -1, NaN, Infinity, "1e3"]) {
    assert.throws(() => parseTime(value), ValueError, `${value}`);
    assert.throws(() => parseTime(value), /expected a time such as 500ms/);
  }
});

Deno.test("a time that no timer can wait for is refused", () => {
  assert.equal(parseTime(`${LONGEST_TIME}ms`), LONGEST_TIME);
  assert.throws(
    () => parseTime(`${LONGEST_TIME + 1}ms`),
    /longest time is 24d/,
  );
  assert.throws(() => parseTime("25d"), /25d is too long/);
});

Deno.test("what is no size is refused, with what was meant", () => {
  for (const value of ["", "k", "1.5m", "-1", "1 m", -1, 0.5, NaN, 1e21]) {
    assert.throws(() => parseSize(value), /expected a size such as 64k/);
  }
  assert.throws(() => parseSize("10MB"), /got "10MB" \(write 10m\)/);
  assert.throws(() => parseSize("64 KiB"), /got "64 KiB" \(write 64k\)/);
  assert.throws(() => parseSize("9999999999g"), /9999999999g is too large/);
});

Deno.test("times and sizes come back as they were composed", () => {
  const count = fc.nat({ max: 50 });
  fc.assert(fc.property(
    fc.record({
      d: fc.nat({ max: 10 }),
      h: count,
      m: count,
      s: count,
      ms: fc.nat({ max: 5000 }),
    }, { requiredKeys: [] }),
    (parts) => {
      const units = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
      let text = "";
      let sum = 0;
      for (const unit of ["d", "h", "m", "s", "ms"] as const) {
        const part = parts[unit];
        if (part === undefined) continue;
        text += `${part}${unit}`;
        sum += part * units[unit];
      }
      fc.pre(text !== "");
      assert.equal(parseTime(text), sum);
      assert.match(text, new RegExp(TIME_PATTERN));
    },
  ));
  fc.assert(fc.property(
    fc.nat({ max: 1_000_000 }),
    fc.constantFrom("", "k", "K", "m", "M", "g", "G"),
    (digits, unit) => {
      const factor = 1024 ** " kmg".indexOf(unit.toLowerCase() || " ");
      assert.equal(parseSize(`${digits}${unit}`), digits * factor);
    },
  ));
});

Deno.test("a time is written as it is read", () => {
  const times: [number, string][] = [
    [0, "0s"],
    [1, "1ms"],
    [30_000, "30s"],
    [5_400_000, "1h30m"],
    [93_784_005, "1d2h3m4s5ms"],
  ];
  for (const [milliseconds, text] of times) {
    assert.equal(formatTime(milliseconds), text);
  }
  fc.assert(fc.property(fc.nat({ max: LONGEST_TIME }), (milliseconds) => {
    assert.equal(parseTime(formatTime(milliseconds)), milliseconds);
  }));
});

Deno.test("the patterns for editors take what the parsers take", () => {
  const letters = fc.string({
    unit: fc.constantFrom(..."0123456789dhmskgKMG. -".split("")),
    maxLength: 8,
  });
  const accepts = (parse: (text: string) => number, text: string) => {
    try {
      parse(text);
      return true;
    } catch (error) {
      assert(error instanceof ValueError);
      // The range is not a pattern's business.
      return /too (long|large)/.test(error.message);
    }
  };
  fc.assert(
    fc.property(letters, (text) => {
      assert.equal(
        new RegExp(TIME_PATTERN).test(text),
        accepts(parseTime, text),
      );
      assert.equal(
        new RegExp(SIZE_PATTERN).test(text),
        accepts(parseSize, text),
      );
    }),
    { numRuns: 2000 },
  );
});
