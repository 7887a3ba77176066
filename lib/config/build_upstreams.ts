/**
 * The plans of upstreams.
 *
 * @module
 */
import type { Settings } from "./directives/all.ts";
import {
  inlineAddress,
  proxyHost,
  type ProxyPass,
} from "./directives/proxy_pass.ts";
import { plainUpstream, type UpstreamConfig } from "./directives/upstream.ts";
import type { NamedFiles } from "./named_files.ts";
import type { UpstreamPlan, UpstreamTls } from "./plan.ts";
import type { Config } from "./schema.ts";
import { upstreamTls } from "./upstream_tls.ts";

/** The upstreams that locations use, each once. */
export class Upstreams {
  readonly #plans = new Map<string, UpstreamPlan>();
  readonly #named: ReadonlyMap<string, UpstreamConfig>;

  constructor({ upstreams }: Config, readonly files: NamedFiles) {
    this.#named = new Map(upstreams.map(({ key, value }) => [key, value]));
  }

  /**
   * The upstream of a `proxy_pass`: one of `upstreams`, or the address in it.
   * Locations that speak TLS otherwise have one of their own.
   */
  get(pass: ProxyPass, settings: Settings): UpstreamPlan {
    const tls = pass.scheme === "https"
      ? upstreamTls(settings, this.files)
      : null;
    const name = proxyHost(pass);
    const mayBeNamed = "hostname" in pass.to && pass.to.port === null;
    const named = mayBeNamed ? this.#named.get(name) : undefined;
    if (named !== undefined) {
      return this.#once(
        `upstream ${name}`,
        name,
        pass.scheme,
        tls,
        () => named,
      );
    }
    const address = inlineAddress(pass, []);
    return this.#once(
      address.name,
      name,
      pass.scheme,
      tls,
      () => plainUpstream(address),
    );
  }

  /** One plan for each upstream and scheme. */
  #once(
    identity: string,
    name: string,
    scheme: UpstreamPlan["scheme"],
    tls: UpstreamTls | null,
    make: () => UpstreamConfig,
  ): UpstreamPlan {
    const key = JSON.stringify([scheme, identity, tls]);
    let plan = this.#plans.get(key);
    if (plan === undefined) {
      plan = { name, scheme, tls, ...make() };
      this.#plans.set(key, plan);
    }
    return plan;
  }

  all(): UpstreamPlan[] {
    return [...this.#plans.values()];
  }
}
