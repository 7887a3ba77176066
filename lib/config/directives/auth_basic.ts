/**
 * `auth_basic`: a user name and a password (nginx's ngx_http_auth_basic_module).
 *
 * @module
 */
import * as v from "valibot";
import { hasControls } from "../plain_text.ts";
import { parsedBy, text } from "../schema_parts.ts";
import { compileTemplate, type Template } from "../template.ts";
import { expected, ValueError } from "../words.ts";
import { inherited, unset } from "./directive.ts";

/** Asks for a user of a file. */
export interface AuthBasicPlan {
  readonly kind: "auth_basic";
  /** What a browser shows; a byte string. */
  readonly realm: Template;
  /** The path of the file of users, for the system. */
  readonly file: string;
}

const REALM_WORDS = `a name for what is protected, or "off"`;

const Realm = v.pipe(
  text(REALM_WORDS),
  parsedBy((written, facts): Template | null => {
    if (written === "off") return null;
    if (written === "") throw new ValueError(expected(REALM_WORDS, written));
    return compileTemplate(written, facts);
  }),
);

const FILE_WORDS = "a path such as /etc/sameorigin/users.htpasswd";

const File = v.pipe(
  text(FILE_WORDS),
  parsedBy((written): string | null => {
    if (written === "" || hasControls(written)) {
      throw new ValueError(expected(FILE_WORDS, written));
    }
    return written;
  }),
);

export const authBasic = {
  auth_basic: inherited(
    Realm,
    "off",
    "Asks for a user name and a password, which auth_basic_user_file has; what " +
      "is protected is named here, for the browser's window. `off`: does not.",
  ),
  auth_basic_user_file: inherited(
    File,
    unset<string | null>(null),
    "A file of users and passwords, as htpasswd writes it (bcrypt is best: " +
      "htpasswd -B). A relative path begins at the config's directory. A change " +
      "of the file is noticed.",
  ),
};
