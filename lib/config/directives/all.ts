/**
 * All directives except `locations`, `servers` and `upstreams`, which contain
 * others: see schema.ts.
 *
 * @module
 */
import { client } from "./client.ts";
import { limits } from "./limits.ts";
import { listen } from "./listen.ts";
import { log } from "./log.ts";
import { process } from "./process.ts";
import { proxy } from "./proxy.ts";
import { returning } from "./return.ts";
import { websocket } from "./websocket.ts";

/** By name, in the order of the JSON Schema. */
export const directives = {
  ...listen,
  ...proxy,
  ...returning,
  ...client,
  ...websocket,
  ...limits,
  ...log,
  ...process,
};
