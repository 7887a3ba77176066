/**
 * Small stacks for the doctor: services on real sockets behind a real proxy.
 *
 * @module
 */
import assert from "node:assert/strict";
import { examine, type Report } from "../../../lib/cli/doctor/doctor.ts";
import { Stack } from "../../../lib/cli/doctor/stack.ts";
import { planFromObject } from "../../../lib/config/load.ts";
import { startProxy } from "../../support/proxy.ts";

/** Milliseconds that an answer may take; a silent upstream costs a test so much. */
const TIMEOUT = 1_500;

/** A service behind the proxy. */
export interface Service extends AsyncDisposable {
  readonly port: number;
  /** `127.0.0.1:PORT` */
  readonly address: string;
  /** `http://127.0.0.1:PORT`, as `proxy_pass` writes it. */
  readonly pass: string;
}

type Handler = (
  request: Request,
  path: string,
) => Response | Promise<Response>;

/** Starts a service on a free port of 127.0.0.1. */
export function service(handler: Handler): Service {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => handler(request, new URL(request.url).pathname),
  );
  const { port } = server.addr;
  return {
    port,
    address: `127.0.0.1:${port}`,
    pass: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      await server.shutdown();
    },
  };
}

/** A page of HTML. */
export function page(
  body = "<h1>Hello</h1>",
  headers: HeadersInit = {},
): Response {
  const all = new Headers(headers);
  all.set("content-type", "text/html; charset=utf-8");
  return new Response(`<!doctype html><body>${body}</body>`, { headers: all });
}

/** A script. */
export function script(text: string): Response {
  return new Response(text, {
    headers: { "content-type": "text/javascript" },
  });
}

/** A frontend in which nothing is wrong. */
export function frontend(): Service {
  return service(() => page());
}

/** An API in which nothing is wrong, but for what a test adds. */
export function backend(headers: HeadersInit): Service {
  return service(() => Response.json({}, { headers }));
}

/** How a stack is examined. */
export interface Examination {
  /** Path and query of the URL. */
  readonly path?: string;
  /** The host in the URL; `localhost` unless given. */
  readonly host?: string;
}

/** Starts the proxy with a config, and lets the doctor look at it. */
export async function examined(
  config: Record<string, unknown>,
  { path = "/", host = "localhost" }: Examination = {},
): Promise<Report> {
  await using proxy = startProxy(config);
  const listen = `127.0.0.1:${proxy.port}`;
  const plan = planFromObject({ ...config, listen }, {
    source: "test.yaml",
    env: () => undefined,
  });
  const url = new URL(path, `http://${host}:${proxy.port}`);
  return await examine(new Stack({ plan, url, timeout: TIMEOUT }));
}

/** The usual two locations. */
export function stackOf(
  { frontend, backend }: { frontend: Service; backend?: Service },
): { locations: Record<string, string> } {
  const locations: Record<string, string> = { "/": frontend.pass };
  if (backend !== undefined) locations["/api"] = backend.pass;
  return { locations };
}

/** What a test expects of the one finding. */
export interface Expected {
  readonly sentence: RegExp;
  readonly evidence?: RegExp;
  readonly fix: RegExp;
}

/** Asserts that a check has found this, and that no other has found anything. */
export function assertFinds(
  report: Report,
  check: string,
  { sentence, evidence, fix }: Expected,
): void {
  const words = JSON.stringify(report.findings, null, 2);
  assert.deepEqual(report.findings.map((it) => it.check), [check], words);
  assert.equal(report.ok, false);
  const [finding] = report.findings;
  assert.match(finding?.sentence ?? "", sentence);
  if (evidence !== undefined) assert.match(finding?.evidence ?? "", evidence);
  assert.match(finding?.fix ?? "", fix);
}

/** Asserts that nothing is wrong. */
export function assertHealthy(report: Report): void {
  assert.deepEqual(report.findings, []);
  assert.equal(report.ok, true);
}
