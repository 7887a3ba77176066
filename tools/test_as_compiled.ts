/**
 * Runs tests with the unstable features that a compiled executable has, which
 * are not all of `deno.json`'s:
 *
 *     deno task test:compiled                    the tests that depend on them
 *     deno task test:compiled tests/websocket    others
 *
 * Without `no-legacy-abort` a request's signal aborts at the end of a successful
 * response too, and when it is upgraded.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import config from "../deno.json" with { type: "json" };
import { NOT_IN_EXECUTABLES } from "./proxy_flags.ts";
import { denoArguments, runDeno } from "./with_std.ts";

/** The tests of what listens to a request's signal. */
const TESTS = [
  "tests/access",
  "tests/content",
  "tests/request",
  "tests/server/drain_test.ts",
  "tests/server/serve_test.ts",
  "tests/server/uploads_test.ts",
  "tests/websocket/close_test.ts",
  "tests/websocket/upgrade_fields_test.ts",
  "tests/websocket/websocket_test.ts",
];

const ROOT = new URL("../", import.meta.url);

/** What of `deno.json` applies to a test, but for the features. */
function writeConfig(): string {
  const { imports, compilerOptions } = config;
  const unstable = config.unstable
    .filter((name) => !NOT_IN_EXECUTABLES.includes(name));
  const file = new URL(".cache/as_compiled/deno.json", ROOT);
  Deno.mkdirSync(new URL(".", file), { recursive: true });
  Deno.writeTextFileSync(
    file,
    JSON.stringify({ imports, compilerOptions, unstable }),
  );
  return fileURLToPath(file);
}

/** `-A --parallel …`, as `deno task test` has them. */
function testFlags(): string[] {
  const words = config.tasks.test.command.split(" ");
  return words.slice(words.indexOf("test") + 1);
}

if (import.meta.main) {
  const args = await denoArguments("test", [
    ...testFlags(),
    `--config=${writeConfig()}`,
    `--lock=${fileURLToPath(new URL("deno.lock", ROOT))}`,
    ...Deno.args.length > 0 ? Deno.args : TESTS,
  ]);
  Deno.exit(await runDeno(args));
}
