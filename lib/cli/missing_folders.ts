/**
 * The folders that a config names and that are not there.
 *
 * @module
 */
import type { Problem } from "../config/config_error.ts";
import type { Plan } from "../config/plan.ts";

/**
 * A problem for each `root` and `alias` that can't be served, in the order of
 * the config. A running proxy goes on without: what it looks for at a request is
 * there once it has been built.
 */
export function missingFolders(plan: Plan): Problem[] {
  const problems = new Map<string, Problem>();
  const servers = new Set(plan.listeners.flatMap((l) => l.servers.servers));
  for (const { locations } of servers) {
    for (const { value: { content } } of locations.entries) {
      if (content.kind !== "static" || problems.has(content.declaredAt)) {
        continue;
      }
      const { folder, declaredAt, written } = content;
      const message = whyNot(folder, written.startsWith("alias "));
      if (message === null) continue;
      problems.set(declaredAt, {
        file: plan.source,
        path: declaredAt,
        message,
      });
    }
  }
  return [...problems.values()];
}

function whyNot(folder: string, mayBeFile: boolean): string | null {
  try {
    const { isDirectory } = Deno.statSync(folder);
    if (isDirectory || mayBeFile) return null;
    return `${folder} is a file (name the folder that it is in)`;
  } catch (error) {
    return error instanceof Deno.errors.NotFound
      ? `there is no folder ${folder} (make it, or build what belongs there)`
      : `${folder} can't be read: ${(error as Error).message}`;
  }
}
