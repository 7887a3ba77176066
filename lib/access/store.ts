/**
 * What the access phase remembers between requests.
 *
 * @module
 */
import type { Plan } from "../config/plan.ts";
import { BasicAuth } from "./auth_basic.ts";
import { ConnCounters } from "./limit_conn.ts";
import { ReqCounters } from "./limit_req.ts";
import { Notices } from "./notices.ts";

/** Made once at start-up and passed down; goes on from plan to plan. */
export class AccessStore {
  readonly connCounters = new ConnCounters();
  readonly reqCounters = new ReqCounters();
  readonly notices: Notices;
  readonly basicAuth: BasicAuth;

  /** @param errorLog Takes one line for whoever runs the proxy. */
  constructor(errorLog: (line: string) => void) {
    this.notices = new Notices(errorLog);
    this.basicAuth = new BasicAuth(this.notices);
  }

  /** Another plan is in effect: what only others need is forgotten. */
  retain({ listeners }: Plan): void {
    const identities = new Set<string>();
    for (const { servers } of listeners) {
      for (const { locations } of servers.servers) {
        for (const { value } of locations.entries) {
          for (const check of value.access) {
            if (check.kind !== "limit_req") continue;
            for (const { identity } of check.limits) identities.add(identity);
          }
        }
      }
    }
    this.reqCounters.retain(identities);
  }

  /** Ends timers and threads. */
  close(): void {
    this.reqCounters.delays.close();
    this.basicAuth.close();
  }
}
