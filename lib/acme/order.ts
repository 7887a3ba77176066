/**
 * Getting a certificate from an ACME authority (RFC 8555 section 7), by HTTP-01.
 *
 * @module
 */
import { makeRequest } from "../x509/certificate.ts";
import type { Answer, Connection } from "./connection.ts";
import { AcmeError, acmeProblem, isObject } from "./errors.ts";
import { base64url, keyAuthorization } from "./jws.ts";
import { pause } from "./pause.ts";

/** Milliseconds between two looks at what the authority is working on. */
const SHORTEST_PAUSE = 1_000;
const LONGEST_PAUSE = 15_000;

/** Milliseconds until it has to be done. */
const PATIENCE = 180_000;

/** Where a challenge's answer is put for the authority to find. */
export interface ChallengeStore {
  put(token: string, answer: string): Promise<void>;
  remove(token: string): Promise<void>;
}

/** Who orders. */
export interface Account {
  readonly email: string | null;
  readonly keys: CryptoKeyPair;
}

/**
 * Makes the account, or finds the one of these keys (section 7.3.1). To ask for a
 * certificate is to agree to the authority's terms.
 *
 * @throws {AcmeError}
 */
export async function logIn(
  connection: Connection,
  { email }: Account,
): Promise<void> {
  const { meta } = connection.directory;
  if (isObject(meta) && meta["externalAccountRequired"] === true) {
    throw new AcmeError(
      "the authority wants an account made elsewhere (external account " +
        "binding), which is not supported",
      "externalAccountRequired",
      0,
    );
  }
  const { location } = await connection.post(
    connection.resource("newAccount"),
    {
      termsOfServiceAgreed: true,
      ...email === null ? {} : { contact: [`mailto:${email}`] },
    },
    "the account",
  );
  connection.account = location;
}

export interface OrderOptions {
  readonly account: Account;
  readonly names: readonly string[];
  /** Of the certificate, on P-256. */
  readonly keys: CryptoKeyPair;
  readonly challenges: ChallengeStore;
  readonly signal: AbortSignal;
}

/**
 * Orders a certificate.
 *
 * @returns PEM: the certificate, then the others of its chain.
 * @throws {AcmeError}
 */
export async function order(
  connection: Connection,
  options: OrderOptions,
): Promise<string> {
  const { names, keys, signal } = options;
  const identifiers = names.map((value) => ({ type: "dns", value }));
  const made = await connection.post(
    connection.resource("newOrder"),
    { identifiers },
    "the order",
  );
  const url = made.location ?? "";
  const urls = made.body["authorizations"];
  for (const authorization of Array.isArray(urls) ? urls : []) {
    await authorize(connection, String(authorization), options);
  }
  const ready = await settled(
    connection,
    url,
    ["pending"],
    "the order",
    signal,
  );
  const request = await makeRequest(names, keys);
  await connection.post(
    String(ready.body["finalize"]),
    { csr: base64url(request) },
    "the request",
  );
  const issued = await settled(
    connection,
    url,
    ["ready", "processing"],
    "the order",
    signal,
  );
  if (issued.body["status"] !== "valid") {
    throw acmeProblem(issued.body["error"], "the order");
  }
  const { text } = await connection.post(
    String(issued.body["certificate"]),
    null,
    "the certificate",
  );
  return text;
}

/** Answers the challenge for one name, unless that is known to be ours. */
async function authorize(
  connection: Connection,
  url: string,
  { account, challenges, signal }: OrderOptions,
): Promise<void> {
  const { body } = await connection.post(url, null, "an authorization");
  if (body["status"] === "valid") return;
  const { identifier } = body;
  const name = isObject(identifier) ? String(identifier["value"]) : "a name";
  const { url: challenge, token } = challengeOf(body) ?? {};
  if (challenge === undefined || token === undefined) {
    throw new AcmeError(`${name}: no HTTP-01 is offered`, "", 0);
  }
  await challenges.put(token, await keyAuthorization(token, account.keys));
  try {
    await connection.post(challenge, {}, name);
    const after = await settled(connection, url, ["pending"], name, signal);
    if (after.body["status"] === "valid") return;
    const { error } = challengeOf(after.body) ?? {};
    throw acmeProblem(error, name);
  } finally {
    await challenges.remove(token);
  }
}

/** The HTTP-01 challenge of an authorization. */
function challengeOf(
  { challenges }: Record<string, unknown>,
): { url: string; token: string; error: unknown } | null {
  for (const one of Array.isArray(challenges) ? challenges : []) {
    if (!isObject(one) || one["type"] !== "http-01") continue;
    const { url, token, error } = one;
    // It becomes the name of a file.
    if (typeof token !== "string" || !/^[\w-]+$/.test(token)) continue;
    return { url: String(url), token, error };
  }
  return null;
}

/** Waits until a resource is no longer in one of these states. */
async function settled(
  connection: Connection,
  url: string,
  states: readonly string[],
  what: string,
  signal: AbortSignal,
): Promise<Answer> {
  const since = performance.now();
  for (let wait = SHORTEST_PAUSE;; wait = Math.min(2 * wait, LONGEST_PAUSE)) {
    const answer = await connection.post(url, null, what);
    if (!states.includes(String(answer.body["status"]))) return answer;
    if (performance.now() - since > PATIENCE) {
      throw new AcmeError(
        `${what}: the authority is not done after ${PATIENCE / 1000} s`,
        "",
        0,
      );
    }
    await pause(
      Math.min(Math.max(wait, answer.retryAfter), LONGEST_PAUSE),
      signal,
    );
  }
}
