/**
 * The messages of a start, and of a start that fails.
 *
 * @module
 */
import { stripVTControlCharacters } from "node:util";
import assert from "node:assert/strict";
import { listenFailure, startupBlock } from "../../lib/cli/startup_messages.ts";
import { columns, style } from "../../lib/cli/terminal.ts";
import { VERSION } from "../../lib/cli/version.ts";
import { planFromObject } from "../../lib/config/load.ts";
import { ListenError } from "../../lib/server/server.ts";

function planOf(document: unknown) {
  return planFromObject(document, { source: "test", env: () => undefined });
}

const LOCATIONS = { "/": "http://a:81" };

Deno.test("the message at the start has a block for each of several servers", () => {
  const plan = planOf({
    upstreams: { api: ["b:82", "c:83"] },
    servers: [
      { listen: 9000, server_name: ["one", "two"], locations: LOCATIONS },
      {
        listen: [9000, "[::1]:9001"],
        locations: {
          "/long/path": "http://api",
          "= /": "https://d:84/x",
          "/files/": { root: "dist" },
        },
      },
    ],
  });
  const addresses = [
    { written: "9000", url: "http://localhost:9000" },
    { written: "[::1]:9001", url: "http://localhost:9001" },
  ];
  assert.equal(
    startupBlock(plan, "config.yaml", addresses, style(false)),
    `sameorigin ${VERSION}, config.yaml

  http://localhost:9000
  http://localhost:9001

  one
  /  http://a:81

  (no server_name)
  /long/path  http://api      b:82, c:83
  = /         https://d:84/x
  /files/     root dist

`,
  );
});

Deno.test("colours add nothing but escapes", () => {
  const plan = planOf({
    upstreams: { api: "b:82" },
    locations: { "/": "http://api", "/longer": "http://api" },
  });
  const addresses = [{ written: "9000", url: "http://localhost:9000" }];
  const plain = startupBlock(plan, "x", addresses, style(false));
  const coloured = startupBlock(plan, "x", addresses, style(true));
  assert(coloured.includes("\x1b[36mhttp://localhost:9000\x1b[39m"));
  assert.equal(stripVTControlCharacters(coloured), plain);
});

Deno.test("columns are aligned, and no line ends in spaces", () => {
  assert.equal(
    columns([["a", "bcd", "e"], ["fghi", "j"], ["k", "", "l"]]),
    "  a     bcd  e\n  fghi  j\n  k          l\n",
  );
});

/** The listen, why it fails, the system's message, and ours. */
const FAILURES: [
  listen: string | number,
  kind: ListenError["kind"],
  cause: string,
  words: string,
][] = [
  [
    9000,
    "in use",
    "Address already in use (os error 98)",
    "port 9000 is in use on 0.0.0.0: choose another with --listen 9001, or " +
    "with listen: in the config",
  ],
  [
    "[::1]:65535",
    "in use",
    "Address already in use (os error 98)",
    `port 65535 is in use on ::1: choose another with --listen "[::1]:9000", ` +
    "or with listen: in the config",
  ],
  [
    80,
    "permission",
    "Permission denied (os error 13)",
    "not allowed to listen on port 80 of 0.0.0.0: ports below 1024 need " +
    "root; choose another with --listen 9000, or with listen: in the config",
  ],
  [
    "192.0.2.1:9000",
    "unavailable",
    "Cannot assign requested address (os error 99)",
    "cannot listen on 192.0.2.1:9000: Cannot assign requested address (os " +
    "error 99); is 192.0.2.1 an address of this machine? Choose another with " +
    "--listen, or with listen: in the config",
  ],
  [
    "unix:/run/x.sock",
    "permission",
    "Requires write access",
    "cannot listen on unix:/run/x.sock: Requires write access",
  ],
];

for (const [listen, kind, message, words] of FAILURES) {
  Deno.test(`the message about ${listen}, ${kind}, says what to do`, () => {
    const plan = planOf({ listen, locations: LOCATIONS });
    const written = plan.listeners[0]?.written ?? "";
    const error = new ListenError(written, kind, { cause: new Error(message) });
    assert.equal(listenFailure(error, plan, true), words);
  });
}

Deno.test("without a config file the message names none", () => {
  const plan = planOf({ listen: 9000, locations: LOCATIONS });
  const error = new ListenError("9000", "in use", { cause: new Error("x") });
  assert.equal(
    listenFailure(error, plan, false),
    "port 9000 is in use on 0.0.0.0: choose another with --listen 9001",
  );
});
