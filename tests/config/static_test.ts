/**
 * What a config may say of files, and why it is refused.
 *
 * @module
 */
import assert from "node:assert/strict";
import { resolve } from "node:path";
import { loadPlan } from "../../lib/config/load.ts";
import { locate, plan, problems, requestContext } from "./config.ts";

/** The settings and content of the location `/`. */
function read(location: Record<string, unknown>, top = {}) {
  return locate(
    plan(JSON.stringify({ ...top, locations: { "/": location } })),
    "/",
  );
}

/** What a value of a location's directive is refused with. */
function refusal(directive: string, value: unknown): string {
  const [line = "", ...more] = problems({
    locations: { "/": { root: "a", [directive]: value } },
  });
  assert.deepEqual(more, []);
  const start = `config.yaml: locations["/"].${directive}: `;
  assert(line.startsWith(start), line);
  return line.slice(start.length);
}

Deno.test("expires has nginx's forms", () => {
  const access = (seconds: number) => ({ kind: "access", seconds });
  for (
    const [written, expires] of [
      ["off", null],
      [false, null],
      ["epoch", { kind: "epoch" }],
      ["max", { kind: "max" }],
      ["30d", access(2_592_000)],
      ["1y1M1w1d1h1m1s", access(34_822_861)],
      ["1m30", access(90)],
      ["+1h", access(3600)],
      ["-1", access(-1)],
      [-1, access(-1)],
      [0, access(0)],
      ["modified 2h", { kind: "modified", seconds: 7200 }],
      ["modified  -1d", { kind: "modified", seconds: -86_400 }],
      ["@15h30m", { kind: "daily", seconds: 55_800 }],
    ] as const
  ) {
    const { settings } = read({ root: "a", expires: written });
    assert.deepEqual(settings.expires, expires, String(written));
  }
  const words = 'expected a time such as 30d or -1, "epoch", "max" or "off"';
  for (const wrong of ["", "soon", "1s1m", "1d1d", "modified", "--1", "1.5h"]) {
    assert.equal(refusal("expires", wrong), `${words}, got "${wrong}"`);
  }
  assert.match(refusal("expires", "@25h"), /a time of the day/);
  assert.match(refusal("expires", "modified @1h"), /a time of the day/);
  assert.match(refusal("expires", "9".repeat(30)), /^expected a time/);
  assert.match(refusal("expires", true), /^expected a time/);
});

Deno.test("try_files is a text or a list: files, and what answers without them", () => {
  const tried = (try_files: unknown) => {
    const { content } = read({ root: "a", try_files });
    assert(content.kind === "static" && content.tryFiles !== null);
    const context = requestContext({ path: "/x", args: "q=1" });
    const { candidates, last } = content.tryFiles;
    return [
      ...candidates.map(({ path, folder }) =>
        path(context) + (folder ? "/" : "")
      ),
      "status" in last ? last.status : [last.path(context), last.args(context)],
    ];
  };
  assert.deepEqual(tried("$uri /index.html"), ["/x", ["/index.html", ""]]);
  assert.deepEqual(tried(["$uri", "$uri/", "=404"]), ["/x", "/x/", 404]);
  assert.deepEqual(tried(["/with space$uri", "=503"]), ["/with space/x", 503]);
  assert.deepEqual(tried("$uri.html /a$uri?$args"), [
    "/x.html",
    ["/a/x", "q=1"],
  ]);
  assert.deepEqual(tried("$uri /a$is_args$args"), ["/x", ["/a", "q=1"]]);
  for (
    const [wrong, words] of [
      ["$uri", /got "\$uri" alone \(add "=404"\)/],
      ["", /got nothing/],
      ["=404 $uri", /"=404" must be the last/],
      ["$uri =200", /the status must be 400 to 599/],
      ["$uri =4040", /the status must be 400 to 599/],
      ["$uri $uri/", /leads back here \(add "=404" behind it\)/],
      ["$uri @backend", /named locations are not supported/],
      ["$uri index.html", /must start with "\/" \(did you mean "\/index.html"/],
      ["$uri http://a/", /only a path of this server/],
      ["$uri /index.html;", /no semicolon/],
      ["$uri /$nope", /unknown variable "\$nope"/],
    ] as const
  ) {
    assert.match(refusal("try_files", wrong), words, wrong);
  }
});

Deno.test("a folder is looked for from the config's own, unless it is absolute", () => {
  const folder = (root: string, source: string) => {
    const { content } = locate(
      loadPlan(JSON.stringify({ root, locations: { "/": {} } }), {
        source,
        env: () => undefined,
      }),
      "/",
    );
    assert(content.kind === "static");
    return content.folder;
  };
  assert.equal(
    folder("dist", "/etc/site/config.yaml"),
    resolve("/etc/site/dist"),
  );
  assert.equal(
    folder("../dist/", "/etc/site/config.yaml"),
    resolve("/etc/dist"),
  );
  assert.equal(
    folder("/srv/www/", "/etc/site/config.yaml"),
    resolve("/srv/www"),
  );
  assert.equal(folder("dist", "conf/config.yaml"), resolve("conf/dist"));
  assert.equal(folder("dist", "standard input"), resolve("dist"));
  assert.match(refusal("root", "~/www"), /write \$\{HOME\}\/www/);
  for (const wrong of ["", " ", "a\0b"]) {
    assert.match(refusal("root", wrong), /^expected a folder/);
  }
});

Deno.test("a location has the nearest folder, and one kind of content", () => {
  const read = plan(`
root: top
servers:
  - {server_name: a, locations: {/: {}, /own: {root: own}, /al/: {alias: al}}}
  - {server_name: b, root: server, locations: {/: {}, /x: http://a:80}}
`);
  const written = (path: string, host: string) => {
    const { content } = locate(read, path, host);
    return content.kind === "static"
      ? [content.written, content.declaredAt, content.aliased]
      : content.kind;
  };
  assert.deepEqual(written("/", "a"), ["root top", "root", ""]);
  assert.deepEqual(written("/own", "a"), [
    "root own",
    'servers[0].locations["/own"].root',
    "",
  ]);
  assert.deepEqual(written("/al/", "a"), [
    "alias al",
    'servers[0].locations["/al/"].alias',
    "/al/",
  ]);
  assert.deepEqual(written("/", "b"), ["root server", "servers[1].root", ""]);
  assert.equal(written("/x", "b"), "proxy");

  const at = 'config.yaml: locations["/"]';
  for (
    const [location, line] of [
      [{}, `${at}: a location needs proxy_pass, return or root`],
      [
        { root: "a", alias: "b" },
        `${at}.alias: a location has either root or alias, not both`,
      ],
      [
        { proxy_pass: "http://a:80", root: "b" },
        `${at}.root: a location has either proxy_pass or root, not both`,
      ],
      [
        { return: 404, try_files: "$uri =404" },
        `${at}.try_files: a location with return has no files (give it to one with root)`,
      ],
      [
        { proxy_pass: "http://a:80", expires: "1d" },
        `${at}.expires: a location with proxy_pass has no files (give it to one with root)`,
      ],
    ] as const
  ) {
    assert.deepEqual(problems({ locations: { "/": location } }), [line]);
  }
  assert.deepEqual(problems({ locations: { "~ x": { alias: "a" } } }), [
    'config.yaml: locations["~ x"].alias: a location with a regular ' +
    "expression has no prefix that this could replace (write root)",
  ]);
});

Deno.test("index, types, charset and disable_symlinks are read as nginx's are", () => {
  const { settings } = read({
    root: "a",
    index: "index.html home.html /else",
    types: { "application/wasm": "wasm .WAT", "text/x-a": ["a", "b"] },
    charset: "off",
    disable_symlinks: true,
  });
  assert.deepEqual(settings.index, {
    names: ["index.html", "home.html"],
    path: "/else",
  });
  assert.deepEqual([...settings.types], [
    ["wasm", "application/wasm"],
    ["wat", "application/wasm"],
    ["a", "text/x-a"],
    ["b", "text/x-a"],
  ]);
  assert.equal(settings.charset, null);
  assert.equal(settings.disable_symlinks, "on");
  for (
    const [directive, value, words] of [
      ["index", "/a b", /only the last one may be a path/],
      ["index", "../a", /is no name of a file/],
      ["index", "", /^expected files/],
      ["types", { wasm: "application/wasm" }, /media type/],
      ["default_type", "text", /^expected a media type/],
      ["charset", "a b", /^expected a charset/],
      ["charset", true, /^expected a charset/],
      ["disable_symlinks", "if_not_owner", /if_not_owner is not supported/],
      ["autoindex", "on", /lists of a folder's files are not supported/],
    ] as const
  ) {
    const lines = problems({
      locations: { "/": { root: "a", [directive]: value } },
    });
    assert(
      lines.some((line) => words.test(line.replace(/^.*?: .*?: /, ""))),
      lines.join(),
    );
  }
  assert.match(
    problems({
      types: { "text/a": "x", "text/b": "x" },
      locations: { "/": { root: "a" } },
    }).join(),
    /the extension "x" has the type text\/a already/,
  );
});
