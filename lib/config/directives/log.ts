/**
 * What is logged, and how.
 *
 * @module
 */
import { oneOf } from "../schema_parts.ts";
import { allowedIn, inherited } from "./directive.ts";
import { Toggle } from "./values.ts";

export const log = {
  access_log: inherited(
    Toggle,
    true,
    "Whether requests are written to the access log.",
  ),
  log_format: allowedIn(
    ["top"],
    oneOf(`"combined" or "json"`, ["combined", "json"]),
    "combined",
    "How a line of the access log is written: combined, as nginx's, or json.",
  ),
};
