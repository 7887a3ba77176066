/**
 * Where other people's cases are kept between runs.
 *
 * @module
 */
import { join } from "node:path";
import { ROOT } from "../../tools/stack/places.ts";

/** Git ignores it. */
export const PEERS = join(ROOT, ".cache", "peers");
