import assert from "node:assert/strict";
import * as v from "valibot";
import { mapOf } from "../../lib/config/schema_map.ts";
import {
  block,
  byType,
  list,
  oneOrMore,
  parsedBy,
  shortFor,
  text,
} from "../../lib/config/schema_parts.ts";
import { ValueError } from "../../lib/config/words.ts";

/** A number in hexadecimal; keeps what it was asked for. */
function hexadecimal(asked: string[] = []) {
  return v.pipe(
    text("a number"),
    parsedBy((written) => {
      asked.push(written);
      const value = parseInt(written, 16);
      if (Number.isNaN(value)) throw new ValueError(`no number: ${written}`);
      return value;
    }),
  );
}

/** What comes out, and the problems with their places. */
function read(schema: v.GenericSchema, input: unknown) {
  const { output, issues = [] } = v.safeParse(schema, input);
  return {
    output,
    problems: issues.map(({ path, message }) =>
      `${(path ?? []).map(({ key }) => key).join(".")}: ${message}`
    ),
  };
}

Deno.test("what is refused is undefined, and what is beside it parsed", () => {
  const schema = block("a map", {
    one: hexadecimal(),
    many: list("a list", hexadecimal()),
    either: v.optional(oneOrMore("one or more", hexadecimal())),
    names: mapOf("a map", { parse: (name) => name.length }, hexadecimal()),
  });
  assert.deepEqual(
    read(schema, {
      one: "x",
      many: ["a", 1, "b"],
      either: "c",
      names: { ab: "d", abc: "y" },
    }),
    {
      output: {
        one: undefined,
        many: [10, undefined, 11],
        either: [12],
        names: [
          { written: "ab", key: 2, value: 13 },
          { written: "abc", key: 3, value: undefined },
        ],
      },
      problems: [
        "one: no number: x",
        "many.1: expected a number, got the number 1 (put it in quotes)",
        "names.abc: no number: y",
      ],
    },
  );
});

Deno.test("the type of the input decides who reads it, before anybody does", () => {
  const asked: string[] = [];
  const schema = byType("a flag, a number, or a map", [
    v.boolean(),
    hexadecimal(asked),
    block("a map", { value: hexadecimal(asked) }),
  ]);
  const expected = ": expected a flag, a number, or a map, got";
  assert.deepEqual(read(schema, true).output, true);
  assert.deepEqual(read(schema, "ff").output, 255);
  assert.deepEqual(read(schema, { value: "10" }).output, { value: 16 });
  assert.deepEqual(asked, ["ff", "10"]);
  const refused: [unknown, string][] = [
    [7, `${expected} the number 7`],
    [NaN, `${expected} the number NaN`],
    [null, `${expected} nothing`],
    [undefined, `${expected} nothing`],
    [[], `${expected} a list`],
    // Not the union's: that of the one that was meant.
    ["zz", ": no number: zz"],
    [
      { value: 1 },
      "value: expected a number, got the number 1 (put it in quotes)",
    ],
    [{}, "value: is missing"],
  ];
  for (const [input, problem] of refused) {
    assert.deepEqual(read(schema, input).problems, [problem]);
  }
});

Deno.test("a short form is read as the block that it stands for", () => {
  const whole = block("a map", {
    values: list("a list", hexadecimal()),
    more: v.optional(hexadecimal(), "1"),
  });
  const schema = byType("short or long", [
    shortFor(["values", 0], hexadecimal(), whole),
    shortFor(["values"], list("a list", hexadecimal()), whole),
    whole,
  ]);
  assert.deepEqual(read(schema, "a").output, { values: [10], more: 1 });
  assert.deepEqual(read(schema, ["a"]).output, { values: [10], more: 1 });
  // What is wrong stands where it is written.
  assert.deepEqual(read(schema, "x").problems, [": no number: x"]);
  assert.deepEqual(read(schema, ["a", "x"]).problems, ["1: no number: x"]);
  assert.deepEqual(read(schema, { values: ["x"] }).problems, [
    "values.0: no number: x",
  ]);
});

Deno.test("keys that mean the same are one problem", () => {
  const schema = mapOf(
    "a map",
    {
      parse: (name) => name.toLowerCase(),
      repeated: {
        identity: (name) => name,
        message: (above) => `the same as ${above}`,
      },
    },
    hexadecimal(),
    (key, value) => {
      if (key === value) throw new ValueError("a key of itself");
    },
  );
  assert.deepEqual(read(schema, { A: "1", a: "a", b: "2" }), {
    output: [
      { written: "A", key: "a", value: 1 },
      { written: "a", key: "a", value: 10 },
      { written: "b", key: "b", value: 2 },
    ],
    problems: ["a: the same as A", "a: a key of itself"],
  });
  assert.deepEqual(read(schema, ["a"]).problems, [
    ": expected a map, got a list",
  ]);
});
