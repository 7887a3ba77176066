/**
 * OpenTelemetry: Deno's own exporter, which `OTEL_DENO` turns on, and the trace
 * context of requests (https://www.w3.org/TR/trace-context/).
 *
 * @module
 */
import { match, ok, strictEqual as equal } from "node:assert/strict";
import { ask, backend, toGroup } from "../support/backends.ts";
import { startSameorigin, urlOf } from "../support/process.ts";
import { startProxy } from "../support/proxy.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const TRACEPARENT = `00-${TRACE}-00f067aa0ba902b7-01`;

/** A span of OTLP, as far as it is looked at. */
interface Span {
  readonly traceId: string;
  readonly parentSpanId: string;
  readonly name: string;
}

interface Traces {
  readonly resourceSpans?: readonly {
    readonly resource: {
      readonly attributes: readonly {
        readonly key: string;
        readonly value: { readonly stringValue?: string };
      }[];
    };
    readonly scopeSpans: readonly { readonly spans: readonly Span[] }[];
  }[];
}

Deno.test("traceparent and tracestate are passed on as they are", async () => {
  await using service = backend("one");
  await using proxy = startProxy(toGroup([service]));
  const headers = { traceparent: TRACEPARENT, tracestate: "a=1,b=2" };
  await ask(proxy.url, { headers });
  equal(service.seen[0]?.headers.get("traceparent"), TRACEPARENT);
  equal(service.seen[0]?.headers.get("tracestate"), "a=1,b=2");
});

Deno.test("with OTEL_DENO requests are spans of their client's trace, and metrics are sent", async () => {
  await using service = backend("one");
  const spans: Span[] = [];
  const names = new Set<string | undefined>();
  const paths = new Set<string>();
  await using receiver = backend("receiver", ({ target, body, headers }) => {
    paths.add(target);
    match(headers.get("content-type") ?? "", /^application\/json/);
    const { resourceSpans = [] }: Traces = JSON.parse(body);
    for (const { resource, scopeSpans } of resourceSpans) {
      names.add(
        resource.attributes.find(({ key }) => key === "service.name")?.value
          .stringValue,
      );
      spans.push(...scopeSpans.flatMap((scope) => scope.spans));
    }
    return Response.json({});
  });
  await using proxy = await startSameorigin([
    "run",
    "--listen",
    "127.0.0.1:0",
    "--to",
    `/=${service.address}`,
  ], {
    env: {
      OTEL_DENO: "true",
      OTEL_SERVICE_NAME: "edge",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://${receiver.address}`,
    },
  });
  const url = await urlOf(proxy);
  const headers = { traceparent: TRACEPARENT };
  equal(await ask(`${url}/api/`, { headers }), "200 one");
  // The upstream gets the client's trace, whatever the parent's span.
  match(
    service.seen[0]?.headers.get("traceparent") ?? "",
    new RegExp(`^00-${TRACE}-`),
  );
  proxy.kill("SIGTERM");
  equal((await proxy.ended).code, 0);
  const span = spans.find(({ traceId }) => traceId === TRACE);
  ok(span !== undefined, JSON.stringify(spans));
  equal(span.parentSpanId, "00f067aa0ba902b7");
  equal(names.has("edge"), true);
  ok(paths.has("/v1/metrics"), [...paths].join());
});
