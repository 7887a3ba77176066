/**
 * How fast requests may come: `limit_req`. Each worker counts its own.
 *
 * @module
 */
import type { LimitReqLimit, LimitReqPlan } from "../config/plan.ts";
import type { Exchange } from "../exchange/exchange.ts";
import { clientHasLeft, LocalResponse } from "../exchange/local_response.ts";
import { readable } from "../route/bytes.ts";
import { quote } from "../config/words.ts";
import { Delays } from "./delays.ts";
import { type Bucket, LeakyBuckets } from "./leaky_buckets.ts";
import type { Notices } from "./notices.ts";

/** The longest key in bytes, as in nginx; a request with a longer one is not limited. */
const LONGEST_KEY = 65_535;

/** What has been counted. Goes on from plan to plan. */
export class ReqCounters {
  readonly delays = new Delays();
  #zones = new Map<string, LeakyBuckets>();

  /** The buckets of a limit's zone. */
  of({ identity, zone }: LimitReqLimit): LeakyBuckets {
    let buckets = this.#zones.get(identity);
    if (buckets === undefined) {
      buckets = new LeakyBuckets(zone.size);
      this.#zones.set(identity, buckets);
    }
    buckets.limit = zone.size;
    return buckets;
  }

  /** Forgets the zones that a plan does not have. */
  retain(identities: ReadonlySet<string>): void {
    this.#zones = new Map(
      [...this.#zones].filter(([identity]) => identities.has(identity)),
    );
  }
}

/** What a limit says of a request. */
interface Counted {
  readonly limit: LimitReqLimit;
  readonly bucket: Bucket;
  readonly excess: number;
}

/** What the limits of a place say of a request. */
type Outcome =
  | { readonly kind: "pass" }
  | {
    readonly kind: "delay";
    readonly milliseconds: number;
    readonly by: Counted;
  }
  | {
    readonly kind: "refuse";
    readonly limit: LimitReqLimit;
    /** In thousandths; null where there was no place for the key. */
    readonly excess: number | null;
    readonly key: string;
  };

const PASS = { kind: "pass" } as const;

/**
 * Counts a request, unless one of the limits refuses it.
 *
 * @param now In whole milliseconds.
 */
export function countRequest(
  limits: readonly LimitReqLimit[],
  exchange: Exchange,
  counters: ReqCounters,
  now: number,
): Outcome {
  const counted: Counted[] = [];
  for (const limit of limits) {
    const { zone: { key: { template }, rate }, burst } = limit;
    const key = template(exchange);
    if (key === "" || key.length > LONGEST_KEY) continue;
    const bucket = counters.of(limit).get(key, rate, now);
    const excess = bucket?.excessWith(rate, now) ?? null;
    if (bucket === null || excess === null || excess > burst) {
      return { kind: "refuse", limit, excess, key };
    }
    counted.push({ limit, bucket, excess });
  }
  let longest: Outcome = PASS;
  let most = 0;
  for (const each of counted) {
    const { limit: { zone: { rate }, delay }, bucket, excess } = each;
    bucket.count(excess, now);
    if (excess <= delay) continue;
    const milliseconds = Math.floor((excess - delay) * 1000 / rate);
    if (milliseconds <= most) continue;
    most = milliseconds;
    longest = { kind: "delay", milliseconds, by: each };
  }
  return longest;
}

/** Refuses a request that comes too early, or lets it wait for its time. */
export function limitReq(
  plan: LimitReqPlan,
  request: Request,
  exchange: Exchange,
  counters: ReqCounters,
  notices: Notices,
): LocalResponse | null | Promise<LocalResponse | null> {
  // As in nginx, once for a request: an internal redirect does not count.
  if (exchange.isCounted) return null;
  exchange.isCounted = true;
  const now = Math.floor(performance.now());
  const outcome = countRequest(plan.limits, exchange, counters, now);
  if (outcome.kind === "pass") return null;
  const { dryRun } = plan;
  const dry = dryRun ? ", dry run" : "";
  if (outcome.kind === "refuse") {
    const { limit, excess, key } = outcome;
    notices.tell(
      `limiting ${dryRun} ${limit.identity}`,
      () =>
        `${plan.status} limiting requests${dry} by ${limit.name}, ` +
        `excess ${inRequests(excess)}, key ${quote(readable(key))}`,
    );
    return dryRun ? null : refusal(plan.status, limit, excess);
  }
  const { by: { limit, excess }, milliseconds } = outcome;
  if (dryRun) {
    notices.tell(
      `delaying ${limit.identity}`,
      () =>
        `delaying a request${dry} by ${limit.name}, ` +
        `excess ${inRequests(excess)}`,
    );
    return null;
  }
  return wait(milliseconds, request.signal, counters.delays);
}

/** Waits, but no longer than the client does. */
function wait(
  milliseconds: number,
  signal: AbortSignal,
  delays: Delays,
): Promise<LocalResponse | null> {
  const { promise, resolve } = Promise.withResolvers<LocalResponse | null>();
  const left = () => {
    delays.stop(delay);
    resolve(clientHasLeft());
  };
  const delay = delays.start(milliseconds, () => {
    signal.removeEventListener("abort", left);
    resolve(null);
  });
  signal.addEventListener("abort", left, { once: true });
  if (signal.aborted) left();
  return promise;
}

function refusal(
  status: number,
  { zone: { rate, rateWritten }, burst, name }: LimitReqLimit,
  excess: number | null,
): LocalResponse {
  const seconds = excess === null ? 1 : Math.ceil((excess - burst) / rate);
  return new LocalResponse(
    status,
    "There are too many requests in too short a time.",
    `limit_req of config.yaml says so (${name}: ${rateWritten})`,
    // RFC 6585 section 4.
    [["retry-after", String(Math.max(1, seconds))]],
  );
}

/** `1.250`, as nginx writes it. */
function inRequests(excess: number | null): string {
  return excess === null ? "unknown" : (excess / 1000).toFixed(3);
}
