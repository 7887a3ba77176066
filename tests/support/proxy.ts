/**
 * The proxy under test, in this process, on a free port.
 *
 * @module
 */
import { planFromObject } from "../../lib/config/load.ts";
import {
  type AccessLog,
  createAccessLog,
} from "../../lib/observe/access_log.ts";
import { type RunningServer, startServer } from "../../lib/server/server.ts";

export interface TestProxy extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly server: RunningServer;
  /** Access-log lines written so far; `flush` the log first. */
  readonly lines: string[];
  readonly log: AccessLog;
  /** What the proxy told its owner. */
  readonly errors: string[];
}

/** Starts a proxy from a config as one would write it, but for `listen`. */
export function startProxy(config: Record<string, unknown>): TestProxy {
  const plan = planFromObject({ listen: "127.0.0.1:0", ...config }, {
    source: "test",
    env: () => undefined,
  });
  const lines: string[] = [];
  const errors: string[] = [];
  const decoder = new TextDecoder();
  const log = createAccessLog(plan.logFormat, (bytes) => {
    lines.push(...decoder.decode(bytes).trimEnd().split("\n"));
    return Promise.resolve();
  });
  const server = startServer(plan, {
    accessLog: log,
    errorLog: (line) => errors.push(line),
  });
  const url = server.addresses[0]?.url ?? "";
  return {
    port: Number(new URL(url).port),
    url: url.replace("localhost", "127.0.0.1"),
    server,
    lines,
    log,
    errors,
    async [Symbol.asyncDispose]() {
      server.abort();
      await server.finished;
      await log.flush();
    },
  };
}
