/**
 * What the code relies on of @std. These tests import it by its names, so they
 * run on the real one where JSR is reached, and on `tools/std/` elsewhere:
 * both must pass.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { accepts } from "@std/http/negotiation";
import { STATUS_TEXT } from "@std/http/status";
import { parse } from "@std/yaml/parse";
import assert from "node:assert/strict";

/** Options of each kind, as `lib/cli` declares them. */
function read(...args: string[]) {
  const asked: [arg: string, key: string | undefined][] = [];
  const parsed = parseArgs(args, {
    alias: { config: "c", help: "h", header: "H" },
    boolean: ["help", "json"],
    string: ["_", "config", "listen", "header", "to"],
    collect: ["header", "to"],
    unknown(arg: string, key?: string) {
      asked.push([arg, key]);
      return key === undefined;
    },
  });
  // Without the prototype, and without the type, which @std computes.
  const values: Record<string, unknown> = { ...parsed };
  return { values, asked };
}

const NONE = {
  _: [],
  help: false,
  h: false,
  json: false,
  header: [],
  H: [],
  to: [],
};

const COMMAND_LINES: [args: string[], values: Record<string, unknown>][] = [
  [[], {}],
  [["--config", "a.yaml"], { config: "a.yaml", c: "a.yaml" }],
  [["--config=a.yaml"], { config: "a.yaml", c: "a.yaml" }],
  [["-c", "a.yaml"], { config: "a.yaml", c: "a.yaml" }],
  [["-c=a.yaml"], { config: "a.yaml", c: "a.yaml" }],
  [["-c", "-"], { config: "-", c: "-" }],
  [["--config=-"], { config: "-", c: "-" }],
  [["--config", "-"], { config: "", c: "", _: ["-"] }],
  [["--config"], { config: "", c: "" }],
  [["--config", "--json"], { config: "", c: "", json: true }],
  [["--config="], { config: "", c: "" }],
  [["--listen", "9000"], { listen: "9000" }],
  [["--listen", "1", "--listen", "2"], { listen: "2" }],
  [["--json"], { json: true }],
  [["--json", "check"], { json: true, _: ["check"] }],
  [["--json=false"], { json: false }],
  [["--json", "false", "check"], { json: false, _: ["check"] }],
  [["--json", "true"], { json: true }],
  [["-h", "false"], { help: false, h: false }],
  [["-h"], { help: true, h: true }],
  [["--to", "/=a:1", "--to=/b=b:2"], { to: ["/=a:1", "/b=b:2"] }],
  [["-H", "A: 1", "--header", "B: 2"], {
    header: ["A: 1", "B: 2"],
    H: ["A: 1", "B: 2"],
  }],
  [["explain", "GET", "/api?a=b"], { _: ["explain", "GET", "/api?a=b"] }],
  [["explain", "GET", "12"], { _: ["explain", "GET", "12"] }],
  [["check", "--", "--json"], { _: ["check", "--json"] }],
];

Deno.test("parseArgs reads each kind of option alike on both sides", () => {
  for (const [args, values] of COMMAND_LINES) {
    assert.deepEqual(
      read(...args).values,
      { ...NONE, ...values },
      args.join(" "),
    );
  }
});

Deno.test("parseArgs asks about what it does not know, by name", () => {
  const { values, asked } = read(
    "run",
    "--jsn",
    "--no-json",
    "--lsten=1",
    "-x",
    "--json",
  );
  assert.deepEqual(asked, [
    ["run", undefined],
    ["--jsn", "jsn"],
    ["--no-json", "no-json"],
    ["--lsten=1", "lsten"],
    ["-x", "x"],
  ]);
  assert.deepEqual(values, { ...NONE, _: ["run"], json: true });
});

Deno.test("STATUS_TEXT has the names that error pages show", () => {
  assert.deepEqual(
    ([400, 405, 413, 414, 421, 431, 500, 501, 502, 503, 504] as const)
      .map((status) => STATUS_TEXT[status]),
    [
      "Bad Request",
      "Method Not Allowed",
      "Content Too Large",
      "URI Too Long",
      "Misdirected Request",
      "Request Header Fields Too Large",
      "Internal Server Error",
      "Not Implemented",
      "Bad Gateway",
      "Service Unavailable",
      "Gateway Timeout",
    ],
  );
});

const BROWSER =
  "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";

const ACCEPTED: [accept: string | null, type: string | undefined][] = [
  [null, "text/html"],
  ["", "text/html"],
  ["*/*", "text/html"],
  [BROWSER, "text/html"],
  ["application/json", "application/json"],
  ["application/json, text/plain, */*", "application/json"],
  ["text/plain, application/json", "application/json"],
  ["text/plain;q=0.9, application/json;q=0.8", "text/plain"],
  ["text/*", "text/html"],
  ["text/*;q=0.5, application/problem+json", "application/problem+json"],
  ["text/html;q=0, */*", "application/json"],
  ["TEXT/PLAIN", "text/plain"],
  ["image/png", undefined],
  ["garbage", undefined],
  ["text/html;level=1", undefined],
];

Deno.test("accepts takes the type that is liked best, among equals our first", () => {
  for (const [accept, type] of ACCEPTED) {
    const headers = new Headers(accept === null ? [] : [["accept", accept]]);
    assert.equal(
      accepts(
        { headers },
        "text/html",
        "application/json",
        "application/problem+json",
        "text/plain",
      ),
      type,
      `Accept: ${accept}`,
    );
  }
});

const SCALARS: [yaml: string, value: unknown][] = [
  ["9000", 9000],
  ["1_000", 1000],
  ["010", 8],
  ["0x1f", 31],
  ["0b11", 3],
  ["1.5", 1.5],
  ["-1", -1],
  ["0o17", "0o17"],
  ["08", "08"],
  ["22:30", "22:30"],
  ["127.0.0.1:9000", "127.0.0.1:9000"],
  ['"[::]:9000"', "[::]:9000"],
  ["64k", "64k"],
  ["30s", "30s"],
  ["true", true],
  ["False", false],
  ["yes", "yes"],
  ["on", "on"],
  ["~", null],
  ["", null],
  ["null", null],
  ["${BACKEND:-backend:8000}", "${BACKEND:-backend:8000}"],
  ["$host", "$host"],
  ["'a''b'", "a'b"],
  ['"a\\tb"', "a\tb"],
  ["[localhost, 127.0.0.1]", ["localhost", "127.0.0.1"]],
  ["{Host: $host}", { Host: "$host" }],
  ["http://backend # comment", "http://backend"],
];

Deno.test("parse reads the values a config has alike on both sides", () => {
  for (const [yaml, value] of SCALARS) {
    assert.deepEqual(parse(`key: ${yaml}\n`), { key: value }, yaml);
  }
  assert.deepEqual(
    parse("= /exact: a\n~ \\.php$: b\n~* ^/x: c\n/: d\n"),
    { "= /exact": "a", "~ \\.php$": "b", "~* ^/x": "c", "/": "d" },
  );
  assert.deepEqual(
    parse("base: &base {a: 1}\nother:\n  <<: *base\n  b: 2\n"),
    { base: { a: 1 }, other: { a: 1, b: 2 } },
  );
  for (const empty of ["", "\n", "# only a comment\n", "---\n"]) {
    assert.equal(parse(empty), null);
  }
});

const MISTAKES: [yaml: string, line: number, column: number][] = [
  ["a: 1\na: 2\nb: 3\n", 2, 1],
  ["locations:\n  /api: x\n   /y: z\n", 3, 6],
  ["a: [1, 2\nb: 3\n", 2, 1],
  ["a: b: c\n", 1, 5],
  ["a: @x\n", 1, 4],
  ['a: "\\q"\n', 1, 6],
  ["- a\nb: c\n", 2, 1],
];

Deno.test("parse says where a mistake is", () => {
  for (const [yaml, line, column] of MISTAKES) {
    assert.throws(() => parse(yaml), (error) => {
      assert.ok(error instanceof SyntaxError, yaml);
      const lines = yaml.split("\n").slice(0, line - 1);
      const offset = lines.join("\n").length + Math.min(lines.length, 1) +
        column - 1;
      const found: Record<string, unknown> = { ...error, name: error.name };
      delete found["snippet"];
      assert.deepEqual(
        found,
        { name: "YamlSyntaxError", line, column, offset },
        yaml,
      );
      return true;
    });
  }
});

Deno.test("parse refuses a second document", () => {
  assert.throws(() => parse("a: 1\n---\nb: 2\n"), { name: "YamlSyntaxError" });
});
