/**
 * Keeps the certificates of the config valid: orders each when it is missing, and
 * again at two thirds of its life.
 *
 * @module
 */
import type { Certificate } from "../config/certificate.ts";
import type { AcmePlan } from "../config/plan.ts";
import { generateKeys, privateKeyPem } from "../x509/certificate.ts";
import { Connection } from "./connection.ts";
import { AcmeError } from "./errors.ts";
import { logIn, order } from "./order.ts";
import { pause } from "./pause.ts";
import { certificateIn, coverage, PLACEHOLDER } from "./placeholder.ts";
import { State, writeWhole } from "./state.ts";

/** All in milliseconds. */
export interface RenewalTimes {
  /** Between two looks at what another process may have renewed. */
  readonly look: number;
  /** Until the next try after one that failed; doubled with each further one. */
  readonly shortestBackOff: number;
  readonly longestBackOff: number;
  /** Until the next look where another process is at it. */
  readonly locked: number;
}

/**
 * With the shortest one there are five tries in the first hour: as many failed ones
 * as Let's Encrypt allows for each name.
 */
const TIMES: RenewalTimes = {
  look: 60 * 60 * 1000,
  shortestBackOff: 2 * 60 * 1000,
  longestBackOff: 12 * 60 * 60 * 1000,
  locked: 30 * 1000,
};

/** The share of a certificate's life after which it is renewed, and what is added by chance, so that not all are renewed at once. */
const RENEW_AFTER = 2 / 3;
const JITTER = 1 / 50;

export interface RenewalOptions {
  /** Puts the certificates that are in the files now in effect. */
  readonly changed: () => Promise<void>;
  /** Takes one line for whoever runs the proxy. */
  readonly report: (line: string) => void;
  /** For tests. */
  readonly client?: Deno.HttpClient;
  readonly times?: Partial<RenewalTimes>;
}

export class Renewals implements AsyncDisposable {
  readonly #options: RenewalOptions;
  /** By their files. */
  readonly #running = new Map<
    string,
    { kill: AbortController; plan: string }
  >();
  readonly #ends = new Set<Promise<void>>();

  constructor(options: RenewalOptions) {
    this.#options = options;
  }

  /** Takes care of these certificates, and of no others any more. */
  update(plans: readonly AcmePlan[]): void {
    const wanted = new Map(plans.map((plan) => [plan.file, plan]));
    for (const [file, { kill, plan }] of this.#running) {
      if (JSON.stringify(wanted.get(file)) === plan) continue;
      kill.abort();
      this.#running.delete(file);
    }
    for (const [file, plan] of wanted) {
      if (this.#running.has(file)) continue;
      const kill = new AbortController();
      this.#running.set(file, { kill, plan: JSON.stringify(plan) });
      const renewal = new Renewal(plan, this.#options, kill.signal);
      const end = renewal.run();
      this.#ends.add(end);
      end.then(() => this.#ends.delete(end));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.update([]);
    await Promise.all(this.#ends);
  }
}

/** One certificate. */
class Renewal {
  readonly #plan: AcmePlan;
  readonly #options: RenewalOptions;
  readonly #signal: AbortSignal;
  readonly #times: RenewalTimes;
  readonly #state: State;
  /** From 0 to 1, the same for as long as the process runs. */
  readonly #jitter = Math.random();
  /** What the proxy has of it. */
  #seen: string | null = null;
  #failures = 0;

  constructor(plan: AcmePlan, options: RenewalOptions, signal: AbortSignal) {
    this.#plan = plan;
    this.#options = options;
    this.#signal = signal;
    this.#times = { ...TIMES, ...options.times };
    this.#state = new State(plan.stateDir);
  }

  /** Resolves when the signal ends it. */
  async run(): Promise<void> {
    while (!this.#signal.aborted) {
      let wait: number;
      try {
        wait = await this.#step();
        this.#failures = 0;
      } catch (error) {
        if (this.#signal.aborted) return;
        wait = this.#failed(error);
      }
      try {
        await pause(wait, this.#signal);
      } catch {
        return;
      }
    }
  }

  /** @returns Milliseconds until the next one. */
  async #step(): Promise<number> {
    let left = await this.#look();
    if (left > 0) return Math.min(left, this.#times.look);
    await using lock = await this.#state.lock();
    if (lock === null) return this.#times.locked;
    // Whoever had it before may have done it.
    left = await this.#look();
    if (left > 0) return 0;
    await this.#order();
    await this.#look();
    return 0;
  }

  /** Puts in effect what is new in the file. Returns the milliseconds until it is to be renewed. */
  async #look(): Promise<number> {
    const { file, names } = this.#plan;
    const text = await readIfThere(file);
    if (text === null) return 0;
    const certificate = certificateIn(text, file);
    if (this.#seen !== null && text !== this.#seen) {
      await this.#options.changed();
    }
    this.#seen = text;
    // What is there from before a name was added is to be replaced.
    if (coverage(certificate, names) < names.length) return 0;
    return renewalTime(certificate, this.#jitter) - Date.now();
  }

  async #order(): Promise<void> {
    const { names, email, directory, file } = this.#plan;
    const { client } = this.#options;
    const signal = this.#signal;
    const state = this.#state;
    const account = { email, keys: await state.accountKeys(directory) };
    const connection = await Connection.open(directory, {
      keys: account.keys,
      signal,
      client,
    });
    await logIn(connection, account);
    const keys = await generateKeys();
    const options = { account, names, keys, challenges: state, signal };
    const chain = await order(connection, options);
    const key = await privateKeyPem(keys.privateKey);
    // What can't be used must not replace what can.
    const certificate = certificateIn(key + chain, "the answer");
    if (coverage(certificate, names) < names.length) {
      const got = certificate.names.join(", ");
      throw new AcmeError(`the certificate is for ${got} only`, "", 0);
    }
    await writeWhole(file, key + chain);
  }

  /** Says why, and returns the milliseconds until the next try. */
  #failed(error: unknown): number {
    const wait = backOff(
      ++this.#failures,
      this.#times,
      error instanceof AcmeError ? error.retryAfter : 0,
    );
    const { names, directory } = this.#plan;
    const why = error instanceof Error ? error.message : String(error);
    const hint = hintFor(error);
    this.#options.report(
      `no certificate for ${names.join(", ")} from ${
        new URL(directory).host
      } yet: ${why}${hint === "" ? "" : ` (${hint})`}; next try in ${
        duration(wait)
      }`,
    );
    return wait;
  }
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** When a certificate is to be renewed, in milliseconds of the epoch: at once for what is none of an authority. */
export function renewalTime(
  { notBefore, notAfter, issuer }: Certificate,
  jitter: number,
): number {
  if (issuer === PLACEHOLDER) return 0;
  return notBefore + (notAfter - notBefore) * (RENEW_AFTER + JITTER * jitter);
}

/**
 * Milliseconds until the next try.
 *
 * @param failures In a row, from 1.
 * @param retryAfter What the authority wants at least.
 */
export function backOff(
  failures: number,
  { shortestBackOff, longestBackOff }: RenewalTimes,
  retryAfter: number,
  random: number = Math.random(),
): number {
  const doubled = shortestBackOff * 2 ** Math.min(failures - 1, 30);
  const wait = Math.min(doubled, longestBackOff) * (1 + random / 4);
  return Math.max(wait, retryAfter);
}

/** What to look at. */
function hintFor(error: unknown): string {
  if (!(error instanceof AcmeError)) return "";
  switch (error.type) {
    case "connection":
    case "dns":
    case "unauthorized":
      return "the name must lead here, and port 80 be open to the internet";
    case "rateLimited":
      return "directory: letsencrypt-staging has wider limits, to try it";
    case "caa":
      return "a CAA record of the name excludes this authority";
    default:
      return "";
  }
}

function duration(milliseconds: number): string {
  const minutes = milliseconds / 60_000;
  if (minutes < 1) return `${Math.ceil(milliseconds / 1000)} s`;
  return minutes < 90
    ? `${Math.round(minutes)} min`
    : `${Math.round(minutes / 60)} h`;
}
