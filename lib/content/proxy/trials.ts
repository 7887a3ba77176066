/**
 * What a request has tried before it failed: kept only in `dev`, where the error
 * page tells it.
 *
 * @module
 */
import {
  type DiagnosedServer,
  type Diagnosis,
  MOST_SERVERS,
} from "../../exchange/diagnosis.ts";
import type { UpstreamError } from "../../transport/errors.ts";
import type { UpstreamGroup } from "../../upstream/group.ts";
import type { UpstreamServer } from "../../upstream/server.ts";
import { failureWords } from "./failure_words.ts";

/** The servers that a request was sent to, and what came of it. */
export class Trials {
  /** By server: at most all of a group, however long a request is held. */
  readonly #failed = new Map<UpstreamServer, { times: number; why: string }>();

  /** It gave no answer. */
  failed(server: UpstreamServer, error: UpstreamError): void {
    this.#add(server, failureWords(error));
  }

  /** It gave one that led to another server. */
  answered(server: UpstreamServer, status: number): void {
    this.#add(server, `it answered ${status}`);
  }

  /** How all servers of the group are now, by `performance.now()`. */
  diagnosis(group: UpstreamGroup, now: number): Diagnosis {
    const tried = [...this.#failed.keys()];
    const others = group.servers.filter((server) => !this.#failed.has(server));
    const all = [...tried, ...others];
    return {
      upstream: group.plan.name,
      servers: all.slice(0, MOST_SERVERS).map((server) =>
        this.#diagnose(server, now)
      ),
      others: Math.max(0, all.length - MOST_SERVERS),
    };
  }

  #add(server: UpstreamServer, why: string): void {
    const times = (this.#failed.get(server)?.times ?? 0) + 1;
    this.#failed.set(server, { times, why });
  }

  #diagnose(server: UpstreamServer, now: number): DiagnosedServer {
    const trial = this.#failed.get(server);
    return {
      address: server.name,
      tried: trial?.times ?? 0,
      outcome: trial?.why ?? whyNotTried(server, now),
      downSince: server.fault?.since ?? null,
    };
  }
}

function whyNotTried(server: UpstreamServer, now: number): string {
  const { plan, healthy, full, fault } = server;
  if (plan.down) return 'not tried: the config says "down"';
  if (!healthy) return `not tried: its health check fails: ${fault?.why}`;
  if (server.failing(now)) return `not tried: it has failed (${fault?.why})`;
  return full
    ? "not tried: it has max_conns requests already"
    : "not tried: this request may not go to another server";
}
