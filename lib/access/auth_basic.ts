/**
 * `auth_basic`: a user name and a password (RFC 7617).
 *
 * @module
 */
import type { AuthBasicPlan } from "../config/plan.ts";
import { quote } from "../config/words.ts";
import {
  basicCredentials,
  type Credentials,
} from "../exchange/basic_credentials.ts";
import type { Exchange } from "../exchange/exchange.ts";
import { LocalResponse } from "../exchange/local_response.ts";
import { readable } from "../route/bytes.ts";
import type { Notices } from "./notices.ts";
import { TooManyWaiting } from "./passwords/password_thread.ts";
import { Passwords } from "./passwords/passwords.ts";
import { UserFiles, type Users } from "./user_files.ts";
import { ALLOWED, type Verdict } from "./verdict.ts";

/** Who may come in by name. */
export class BasicAuth {
  readonly #notices: Notices;
  readonly #files: UserFiles;
  readonly #passwords = new Passwords();

  constructor(notices: Notices) {
    this.#notices = notices;
    this.#files = new UserFiles(notices);
  }

  /** Lets in who has the password of a user of the file. */
  async check(
    { realm, file }: AuthBasicPlan,
    exchange: Exchange,
  ): Promise<Verdict> {
    const { authorization } = exchange.fields;
    const credentials = authorization === null
      ? null
      : basicCredentials(authorization);
    const challenge = () => challengeOf(realm(exchange));
    if (credentials === null) return challenge();
    let users: Users;
    try {
      users = await this.#files.users(file);
    } catch (error) {
      return this.#unreadable(file, error);
    }
    try {
      return await this.#isRight(credentials, users) ? ALLOWED : challenge();
    } catch (error) {
      return this.#unchecked(error);
    }
  }

  /** Ends what it has started. */
  close(): void {
    this.#passwords.close();
  }

  async #isRight(
    { user, password }: Credentials,
    users: Users,
  ): Promise<boolean> {
    const stored = users.get(user);
    if (stored !== undefined) {
      return await this.#passwords.matches(password, stored);
    }
    // As slow as for a user that there is: else the time would tell who there is.
    const [any] = users.values();
    if (any !== undefined) await this.#passwords.matches(password, any);
    return false;
  }

  /** As in nginx. */
  #unreadable(file: string, error: unknown): LocalResponse {
    const status = error instanceof Deno.errors.NotFound ? 403 : 500;
    const advice = `auth_basic_user_file ${file} can't be read: ${
      error instanceof Error ? error.message : error
    }`;
    this.#notices.tell(`unreadable ${file}`, () => `${status} ${advice}`);
    return new LocalResponse(
      status,
      "Who may come in can't be found out right now.",
      advice,
    );
  }

  #unchecked(error: unknown): LocalResponse {
    if (error instanceof TooManyWaiting) {
      const advice = "too many passwords wait to be checked: limit the tries " +
        "with limit_req";
      this.#notices.tell("too many passwords", () => `503 ${advice}`);
      return new LocalResponse(
        503,
        "Too many passwords wait to be checked.",
        advice,
        [["retry-after", "1"]],
      );
    }
    const why = error instanceof Error ? error.message : String(error);
    this.#notices.tell("unchecked password", () => `500 auth_basic: ${why}`);
    return new LocalResponse(500, "The password could not be checked.");
  }
}

/** @param realm A byte string. */
function challengeOf(realm: string): LocalResponse {
  // RFC 9110 section 5.6.4.
  const quoted = realm.replace(/["\\]/g, "\\$&");
  return new LocalResponse(
    401,
    "A user name and its password are needed.",
    null,
    [["www-authenticate", `Basic realm="${quoted}", charset="UTF-8"`]],
  );
}

/** For `explain`: what is said of a request without looking into the file. */
export function basicAuthWords(
  { file, realm }: AuthBasicPlan,
  exchange: Exchange,
): { words: string; refusal: LocalResponse | null } {
  const { authorization } = exchange.fields;
  const user = authorization === null
    ? null
    : basicCredentials(authorization)?.user ?? null;
  return user === null
    ? {
      words: "refused: no user is named",
      refusal: challengeOf(realm(exchange)),
    }
    : {
      words: `passes with the password of ${quote(readable(user))} in ${file}`,
      refusal: null,
    };
}
