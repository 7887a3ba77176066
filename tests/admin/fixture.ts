/**
 * A proxy with an admin listener, in this process.
 *
 * @module
 */
import { AdminListener } from "../../lib/admin/listener.ts";
import type { AdminParts, ReloadAnswer } from "../../lib/admin/parts.ts";
import { planFromObject } from "../../lib/config/load.ts";
import { startProxy } from "../../lib/server/start.ts";
import type { RunningProxy } from "../../lib/server/running.ts";

export interface TestAdmin extends AsyncDisposable {
  readonly proxy: RunningProxy;
  /** Of the proxy: `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** Of the admin listener. */
  readonly admin: string;
  readonly listener: AdminListener;
  /** What was told to whoever runs the proxy. */
  readonly errors: string[];
  /** What reloads have been answered with is set here. */
  outcome: ReloadAnswer;
  /** Whether the proxy says that it ends. */
  stopping: boolean;
  /** Puts another config in effect. */
  reload(config: Record<string, unknown>): Promise<void>;
}

/** The config with what each has. */
function loaded(config: Record<string, unknown>) {
  const listen = "servers" in config ? {} : { listen: "127.0.0.1:0" };
  const document = { ...listen, admin: 0, ...config };
  const name = "test";
  return {
    config: { content: { document }, name, overrides: {}, files: new Map() },
    plan: planFromObject(document, { source: name, env: () => undefined }),
  };
}

/** Starts both. */
export async function startAdmin(
  config: Record<string, unknown>,
): Promise<TestAdmin> {
  const errors: string[] = [];
  const errorLog = (line: string) => void errors.push(line);
  let now = loaded(config);
  const proxy = await startProxy(now, {
    writeLog: () => Promise.resolve(),
    errorLog,
    control: () => Promise.resolve(null),
  });
  const reloads = { done: 0, failed: 0 };
  const parts: AdminParts = {
    proxy,
    config: () =>
      Promise.resolve({
        loaded: now,
        facts: { hash: "0123456789ab", source: "test", since: 1, reloads },
      }),
    reload: () => Promise.resolve(it.outcome),
    isStopping: () => it.stopping,
    version: "1.2.3",
    cpu: () => 4,
    errorLog,
  };
  if (now.plan.admin === null) throw new Error("the config has no admin");
  const listener = new AdminListener(now.plan.admin, parts);
  const it: TestAdmin = {
    proxy,
    url: proxy.addresses[0]!.url.replace("localhost", "127.0.0.1"),
    admin: listener.url.replace("localhost", "127.0.0.1"),
    listener,
    errors,
    outcome: { kind: "done" },
    stopping: false,
    async reload(config) {
      const next = loaded(config);
      await proxy.reload(next);
      now = next;
    },
    async [Symbol.asyncDispose]() {
      await listener[Symbol.asyncDispose]();
      await proxy.abort();
      await proxy.finished;
    },
  };
  return it;
}

/** Asks, with fields that `fetch` would not let through. */
export async function askRaw(
  url: string,
  head: string,
  body = "",
): Promise<{ status: number; text: string }> {
  const { hostname, port } = new URL(url);
  using conn = await Deno.connect({ hostname, port: Number(port) });
  const lines = `${head}\nContent-Length: ${body.length}\nConnection: close`;
  const request = `${lines.replaceAll("\n", "\r\n")}\r\n\r\n${body}`;
  await conn.write(new TextEncoder().encode(request));
  const text = await new Response(conn.readable).text();
  return { status: Number(text.slice(9, 12)), text };
}
