/**
 * Tests that need a program which not every machine has (nginx, Chromium).
 * Where it is missing the test is reported as ignored, with a line that says
 * what is missing; with `SAMEORIGIN_REQUIRE_ALL=1`, which CI sets, it fails.
 *
 * @module
 */
import { delimiter, join } from "node:path";

/**
 * Declares a test that is ignored where a program it needs is missing.
 *
 * @param programs All of them are needed; `chromium|google-chrome` is either.
 */
export function testNeeding(
  programs: readonly string[],
  name: string,
  fn: (context: Deno.TestContext) => void | Promise<void>,
) {
  const missing = programs.filter((names) => findProgram(names) === undefined)
    .map((names) => names.replaceAll("|", " or "));
  testUnless(
    missing.length === 0 ? null : `${missing.join(" and ")} not installed`,
    name,
    fn,
  );
}

/**
 * Declares a test that is ignored for a reason, which is printed; null for
 * none.
 */
export function testUnless(
  reason: string | null,
  name: string,
  fn: (context: Deno.TestContext) => void | Promise<void>,
) {
  if (reason === null) {
    Deno.test(name, fn);
  } else if (Deno.env.get("SAMEORIGIN_REQUIRE_ALL") === "1") {
    Deno.test(name, () => {
      throw noSkip(reason);
    });
  } else {
    console.log(`skipped: ${name} (${reason})`);
    Deno.test.ignore(name, fn);
  }
}

/**
 * Whether a part of a test is skipped. The reason is printed.
 *
 * @param reason Null if there is none to skip it.
 * @throws {Error} where `SAMEORIGIN_REQUIRE_ALL` allows no skip.
 */
export function isSkipped(reason: string | null, name: string): boolean {
  if (reason === null) return false;
  if (Deno.env.get("SAMEORIGIN_REQUIRE_ALL") === "1") throw noSkip(reason);
  console.log(`skipped: ${name} (${reason})`);
  return true;
}

function noSkip(reason: string): Error {
  return new Error(`${reason}, and SAMEORIGIN_REQUIRE_ALL=1 allows no skip`);
}

/**
 * The path of a program, of several (`chromium|google-chrome`) of the first
 * that is installed; undefined if none is. Looks into `PATH`, and where
 * system services are kept, which is not in everybody's.
 */
export function findProgram(names: string): string | undefined {
  const windows = Deno.build.os === "windows";
  const folders = (Deno.env.get("PATH") ?? "").split(delimiter);
  if (!windows) folders.push("/usr/sbin", "/usr/local/sbin");
  for (const name of names.split("|")) {
    for (const folder of folders) {
      const path = join(folder, windows ? `${name}.exe` : name);
      try {
        if (folder !== "" && Deno.statSync(path).isFile) return path;
      } catch {
        // Not in this folder.
      }
    }
  }
  return undefined;
}
