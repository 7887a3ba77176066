/**
 * The backend's Python, with its packages.
 *
 * @module
 */
import { join } from "node:path";
import { fingerprint, hasNote, leaveNote } from "./fingerprint.ts";
import { locked } from "./lock.ts";
import { BACKEND, CACHE } from "./places.ts";
import type { Report } from "./report.ts";
import { runToEnd } from "./run_to_end.ts";

/**
 * A virtual environment with what `requirements.txt` names; made once for each
 * content of that file.
 *
 * @param program The Python that makes it.
 * @returns The path of the environment's own Python.
 */
export async function backendPython(
  program: string,
  report: Report,
  signal: AbortSignal,
): Promise<string> {
  const requirements = join(BACKEND, "requirements.txt");
  const key = await fingerprint(program, await Deno.readTextFile(requirements));
  const folder = join(CACHE, "venv", key);
  const python = join(folder, "bin", "python");
  const note = join(folder, "complete");
  const run = (program: string, ...args: string[]) =>
    runToEnd({ program, args, cwd: BACKEND, env: {} }, signal);
  await locked("venv", async () => {
    if (await hasNote(note, key)) return;
    await report.step("the backend's packages (pip)", async () => {
      await run(program, "-m", "venv", "--clear", folder);
      const pip = ["-m", "pip", "--disable-pip-version-check", "--no-input"];
      await run(python, ...pip, "install", "-r", requirements);
      await leaveNote(note, key);
    });
  }, { report, signal });
  return python;
}
