/**
 * Where the stack's parts are, and where what is made for them is kept.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The example whose parts are run. */
export const EXAMPLE = join(ROOT, "examples", "chat");

/** Its Django project. */
export const BACKEND = join(EXAMPLE, "backend");

/** Its Vite project. */
export const FRONTEND = join(EXAMPLE, "frontend");

/** What stands in for Centrifugo where that can't be had: a Go module. */
export const STAND_IN = join(ROOT, "tests", "e2e", "centrifuge_server");

/** What outlives a run, so that the next one starts in seconds; git ignores it. */
export const CACHE = join(ROOT, ".cache", "stack");
