/**
 * `auth_request`: another location decides who may come in (nginx's
 * ngx_http_auth_request_module), and `internal`.
 *
 * @module
 */
import * as v from "valibot";
import { parseTarget, type Target } from "../../route/path.ts";
import { utf8Bytes } from "../../route/bytes.ts";
import { DEFINED_NAME } from "../defined_variables.ts";
import { mapOf } from "../schema_map.ts";
import { parsedBy, text } from "../schema_parts.ts";
import { compileTemplate, type Template } from "../template.ts";
import { findVariable } from "../variables.ts";
import { expected, quote, ValueError } from "../words.ts";
import { allowedIn, inherited, unset } from "./directive.ts";
import { Toggle } from "./values.ts";

/** A variable that a subrequest sets. */
export interface VariableSetting {
  /** In lower case, without its dollar. */
  readonly name: string;
  /** Rendered for the subrequest. */
  readonly value: Template;
}

/** Asks a location of the same server. */
export interface AuthRequestPlan {
  readonly kind: "auth_request";
  /** As it is written. */
  readonly uri: string;
  readonly target: Target;
  readonly set: readonly VariableSetting[];
}

/** Where it is asked. */
export type AuthRequestUri = Pick<AuthRequestPlan, "uri" | "target">;

const URI_WORDS = `a path of this server such as /auth, or "off"`;

const Uri = v.pipe(
  text(URI_WORDS),
  v.metadata({ pattern: "^(off|/.*)$" }),
  parsedBy((written): AuthRequestUri | null => {
    if (written === "off") return null;
    const target = written.startsWith("/") && !written.includes("#")
      ? parseTarget(utf8Bytes(written))
      : null;
    if (target === null) {
      const hint = /^https?:\/\//i.test(written)
        ? ` (make a location for it, such as "= /auth": {proxy_pass: ${
          quote(written)
        }, internal: true})`
        : "";
      throw new ValueError(expected(URI_WORDS, written) + hint);
    }
    return { uri: written, target };
  }),
);

function parseName(written: string): string {
  const name = DEFINED_NAME.exec(written)?.[1]?.toLowerCase();
  if (name === undefined) {
    const hint = /^[a-z_]\w*$/i.test(written) ? ` (write "$${written}")` : "";
    throw new ValueError(`${quote(written)} is not a variable's name${hint}`);
  }
  if (findVariable(name) !== undefined) {
    throw new ValueError(
      `${written} is a variable already: choose another name`,
    );
  }
  return name;
}

const Settings = v.pipe(
  mapOf(
    'a map such as "$user: $upstream_http_x_user"',
    {
      parse: parseName,
      pattern: DEFINED_NAME.source.replace("[a-z_]", "[A-Za-z_]"),
      repeated: {
        identity: (name) => name,
        message: (above) => `the same variable as ${quote(above)}`,
      },
    },
    v.pipe(
      text("text with variables, such as $upstream_http_x_user"),
      parsedBy(compileTemplate),
    ),
  ),
  v.transform((entries): readonly VariableSetting[] =>
    entries.map(({ key, value }) => ({ name: key, value }))
  ),
);

export const authRequest = {
  auth_request: inherited(
    Uri,
    "off",
    "Asks a location of this server, named by a path, whether a request may " +
      "pass: 2xx lets it pass; 401 and 403 are what the client gets. It is asked " +
      "with a GET that has the request's headers and no body. `off`: nobody is " +
      "asked.",
  ),
  auth_request_set: inherited(
    Settings,
    unset<readonly VariableSetting[]>([]),
    "Variables set from the answer to auth_request, to be used in " +
      'proxy_set_header and others: a map such as "$user: ' +
      '$upstream_http_x_user". A level that sets any inherits none.',
  ),
  internal: allowedIn(
    ["location"],
    Toggle,
    false,
    "Whether only the proxy itself may lead to this location (by auth_request, " +
      "error_page, rewrite or X-Accel-Redirect): clients get 404.",
  ),
};
