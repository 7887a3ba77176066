/**
 * The modules of the program keep the rules of the house.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  circles,
  importsUpwards,
  longFiles,
  moduleVariables,
  MOST_LINES,
  networkInPureRooms,
  onlyCliHasTheTerminal,
  onlyServerAccepts,
  onlyTransportConnects,
  type Rule,
  RULES,
  wholeDeno,
} from "./support/house_rules.ts";
import { parseModule, readModules } from "./support/modules.ts";

/**
 * Known violations, and why they are there. An entry that is no longer needed
 * fails a test: delete it.
 */
const EXCEPTIONS: readonly { why: string; broken: readonly string[] }[] = [
  {
    why: "the commands ask the proxy that runs beside them, not an upstream",
    broken: [
      "lib/cli/local_client.ts uses Deno.connect",
      "lib/cli/local_tls.ts uses node:tls",
    ],
  },
  {
    why: "an authority is asked for certificates, not an upstream",
    broken: ["lib/acme/connection.ts uses fetch"],
  },
  {
    why: "only node:process tells the memory limit of a container",
    broken: ["lib/websocket/memory_watch.ts uses node:process"],
  },
];

/** The sentences of {@linkcode EXCEPTIONS}. */
const EXCEPTED = EXCEPTIONS.flatMap(({ broken }) => broken);

Deno.test("the modules keep the rules of the house", async () => {
  const modules = await readModules("lib");
  assert.ok(modules.length > 50);
  const broken = RULES.flatMap((rule) => rule(modules));
  assert.deepEqual(broken.filter((it) => !EXCEPTED.includes(it)), []);
});

Deno.test("the live page's files have no more lines than modules", async () => {
  const folder = new URL("../lib/admin/page/", import.meta.url);
  const lines: [name: string, count: number][] = [];
  for await (const { name } of Deno.readDir(folder)) {
    if (!/\.(js|css|html)$/.test(name)) continue;
    const text = await Deno.readTextFile(new URL(name, folder));
    lines.push([name, text.split("\n").length - 1]);
  }
  assert.ok(lines.length > 5);
  assert.deepEqual(lines.filter(([, count]) => count > MOST_LINES), []);
});

Deno.test("no exception is kept that is no longer needed", async () => {
  const modules = await readModules("lib");
  const broken = new Set(RULES.flatMap((rule) => rule(modules)));
  assert.deepEqual(EXCEPTED.filter((it) => !broken.has(it)), []);
});

Deno.test("imports are found however they are written", () => {
  const { imports } = parseModule(
    "lib/upstream/balance/a.ts",
    `import b from "./b.ts";
import type { C } from "../c.ts";
import { d, type D } from "../../config/d.ts";
import "./e.ts";
export * from "./f.ts";
export { g } from "./g.ts";
export type { H } from "./h.ts";
const i = await import("./i.ts");
let j: import("./j.ts").J;
import { resolve } from "node:path";
// import k from "./k.ts";
const l = 'import l from "./l.ts"';
`,
  );
  assert.deepEqual(imports.toSorted(), [
    "lib/config/d.ts",
    "lib/upstream/balance/b.ts",
    "lib/upstream/balance/e.ts",
    "lib/upstream/balance/f.ts",
    "lib/upstream/balance/g.ts",
    "lib/upstream/balance/h.ts",
    "lib/upstream/balance/i.ts",
    "lib/upstream/balance/j.ts",
    "lib/upstream/c.ts",
    "node:path",
  ]);
});

Deno.test("uses of globals are found however they are written, and nothing else", () => {
  const uses = (text: string) => parseModule("lib/a.ts", text).uses;
  for (
    const [text, use] of [
      ["await fetch(url);", "fetch"],
      ["const send = { fetch };", "fetch"],
      ["const send = globalThis.fetch;", "fetch"],
      ["const f = (send = fetch) => send;", "fetch"],
      ["Deno.serve(handler);", "Deno.serve"],
      ['Deno["serve"](handler);', "Deno.serve"],
      ["globalThis.Deno.serve(handler);", "Deno.serve"],
      ["const { serve: start } = Deno;", "Deno.serve"],
      ["const { ...all } = Deno;", "Deno"],
      ["start(Deno);", "Deno"],
      ["Deno[name]();", "Deno"],
      ["console.log(1);", "console"],
      ["new WebSocket(url);", "new WebSocket"],
    ] as const
  ) {
    assert.deepEqual(uses(text), [use], text);
  }
  for (
    const text of [
      "// fetch(url), Deno.serve",
      'const text = "fetch(url), Deno.serve";',
      "class Client { fetch() { return this.#client.fetch(); } }",
      "interface Client { fetch: typeof fetch; connection: Deno.Conn }",
      "const listen: typeof Deno.listen | null = null;",
      "const open = socket.readyState === WebSocket.OPEN;",
      "const options = { console: 1 };",
    ]
  ) {
    assert.deepEqual(uses(text), [], text);
  }
});

Deno.test("every rule can be broken", () => {
  const broken = (rule: Rule, files: Record<string, string>) =>
    rule(Object.entries(files).map(([path, text]) => parseModule(path, text)));
  assert.deepEqual(
    broken(circles, {
      "lib/route/a.ts": 'import "./b.ts";',
      "lib/route/b.ts": 'import type { C } from "./c.ts";',
      "lib/route/c.ts": 'import "./b.ts"; export * from "./a.ts";',
      "lib/route/d.ts": 'import "./a.ts"; import "./e.ts";',
      "lib/route/e.ts": "",
    }),
    ["a circle of imports: lib/route/a.ts, lib/route/b.ts, lib/route/c.ts"],
  );
  assert.deepEqual(
    broken(importsUpwards, {
      "lib/content/proxy/a.ts": `import type { B } from "../../request/b.ts";
        import "../../transport/c.ts"; import "../d.ts";`,
      "lib/cli/d.ts": 'import "../../main.ts";',
      "lib/cellar/e.ts": "",
    }),
    [
      "lib/content/proxy/a.ts imports lib/request/b.ts, a room above its own",
      "lib/cli/d.ts imports main.ts, a room above its own",
      "lib/cellar/e.ts is in no room that ROOMS has",
    ],
  );
  assert.deepEqual(
    broken(onlyServerAccepts, {
      "lib/server/a.ts": "Deno.serve(handler); Deno.listen({ port: 1 });",
      "lib/cli/b.ts": "Deno.serve(handler);",
    }),
    ["lib/cli/b.ts uses Deno.serve"],
  );
  assert.deepEqual(
    broken(onlyTransportConnects, {
      "lib/transport/a.ts": "fetch(url); Deno.connect(address);",
      "lib/upstream/b.ts": 'fetch(url); import "node:net";',
    }),
    ["lib/upstream/b.ts uses fetch", "lib/upstream/b.ts uses node:net"],
  );
  assert.deepEqual(
    broken(onlyCliHasTheTerminal, {
      "main.ts": "Deno.exit(1);",
      "lib/cli/a.ts": 'console.log("hello");',
      "lib/observe/b.ts": "Deno.stderr.writeSync(bytes); console.log(1);",
    }),
    ["lib/observe/b.ts uses Deno.stderr", "lib/observe/b.ts uses console"],
  );
  assert.deepEqual(
    broken(networkInPureRooms, {
      "lib/config/a.ts": 'import { lookup } from "node:dns/promises";',
      "lib/route/b.ts": "Deno.listen({ port: 1 });",
      "lib/upstream/c.ts": "Deno.resolveDns(name, type);",
    }),
    [
      "lib/config/a.ts uses node:dns/promises, in a room without network",
      "lib/route/b.ts uses Deno.listen, in a room without network",
    ],
  );
  assert.deepEqual(
    broken(wholeDeno, { "lib/server/a.ts": "start(Deno);" }),
    ["lib/server/a.ts passes on all of Deno"],
  );
  assert.deepEqual(
    broken(moduleVariables, {
      "lib/route/a.ts": "let a = 1; export let b = 2; { let c = 3; }",
      "lib/route/d.ts": "const d = 1; for (let i = 0; i < d; i++) use(i);",
    }),
    [
      "lib/route/a.ts has a module-level variable, a",
      "lib/route/a.ts has a module-level variable, b",
    ],
  );
  assert.deepEqual(
    broken(longFiles, {
      "lib/route/a.ts": "use(1);\n".repeat(300),
      "lib/route/b.ts": "use(1);\n".repeat(301),
    }),
    ["lib/route/b.ts has more than 300 lines"],
  );
});
