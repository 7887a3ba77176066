/**
 * Starts the demo's parts in the place of those upstreams that are not given.
 *
 * @module
 */
import { startBackend } from "./backend.ts";
import { randomValue } from "./backend/cookies.ts";
import { startCentrifugo } from "./centrifugo.ts";
import { startFrontend } from "./frontend.ts";
import type { Running } from "./listener.ts";

/** The upstreams of `config.yaml`, in its order. */
export const UPSTREAMS = ["backend", "frontend", "centrifugo"] as const;

/** The name of an upstream. */
export type Upstream = typeof UPSTREAMS[number];

/** Who is behind an upstream's name. */
export interface Part {
  readonly upstream: Upstream;
  /** `host:port` */
  readonly address: string;
  /** The demo's part, or null where the user gave an address. */
  readonly demo: Running | null;
}

/** The demo, running. */
export interface Demo {
  readonly parts: readonly Part[];
  stop(): Promise<void>;
}

/**
 * Starts what is missing, on free ports of 127.0.0.1.
 *
 * @param given `host:port` of the user's own services; an empty one is missing.
 */
export function startDemo(
  given: { readonly [Name in Upstream]?: string | undefined },
): Demo {
  const tokenSecret = randomValue();
  const apiKey = randomValue();
  const centrifugo = part(
    "centrifugo",
    given.centrifugo,
    () => startCentrifugo({ tokenSecret, apiKey }),
  );
  // The user's own Centrifugo has its own secrets.
  const live = centrifugo.demo === null
    ? null
    : { address: centrifugo.address, apiKey, tokenSecret };
  const parts = [
    part("backend", given.backend, () => startBackend({ live })),
    part("frontend", given.frontend, () => startFrontend()),
    centrifugo,
  ];
  return {
    parts,
    async stop() {
      await Promise.all(parts.map(({ demo }) => demo?.stop()));
    },
  };
}

function part(
  upstream: Upstream,
  given: string | undefined,
  start: () => Running,
): Part {
  if (given) return { upstream, address: given, demo: null };
  const demo = start();
  return { upstream, address: demo.address, demo };
}
