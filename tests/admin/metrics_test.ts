import { FULL } from "../support/full.ts";
import assert from "node:assert/strict";
import type { Format } from "../../lib/observe/metrics/openmetrics.ts";
import {
  type ParsedFamily,
  prometheusParser,
} from "../observe/metrics/prometheus_parser.ts";
import { backend, freePort } from "../support/backends.ts";
import { echoUpstream } from "../support/echo.ts";
import { testUnless } from "../support/skip.ts";
import { soon } from "../support/soon.ts";
import { startAdmin, type TestAdmin } from "./fixture.ts";

const parser = prometheusParser();

/** The metrics of a proxy, as Prometheus reads them. */
class Scrape {
  constructor(readonly families: readonly ParsedFamily[]) {}

  /** The only sample with this name and these labels. */
  value(name: string, labels: Record<string, string> = {}): number {
    const found = this.samples(name, labels);
    assert.equal(found.length, 1, `${name} ${JSON.stringify(labels)}`);
    return found[0]!.value;
  }

  /** The sum of all samples with this name and these labels. */
  sum(name: string, labels: Record<string, string> = {}): number {
    return this.samples(name, labels)
      .reduce((sum, { value }) => sum + value, 0);
  }

  samples(name: string, labels: Record<string, string> = {}) {
    return this.families.flatMap(({ samples }) => samples).filter((it) =>
      it.name === name &&
      Object.entries(labels).every(([key, value]) => it.labels[key] === value)
    );
  }
}

async function scrape(
  { admin }: TestAdmin,
  format: Format = "openmetrics",
): Promise<Scrape> {
  const accept = format === "openmetrics"
    ? "application/openmetrics-text; version=1.0.0"
    : "text/plain";
  const response = await fetch(`${admin}/metrics`, { headers: { accept } });
  assert.equal(response.status, 200);
  return new Scrape(await parser.parse(await response.text(), format));
}

/** Scrapes until it is so: an end is told to the client first. */
function until(
  it: TestAdmin,
  isSo: (found: Scrape) => boolean,
): Promise<Scrape> {
  const asked = async () => {
    while (true) {
      const found = await scrape(it);
      if (isSo(found)) return found;
    }
  };
  return soon("the metrics say so", asked());
}

/** Asks, and reads the answer. */
async function ask(url: string, init?: RequestInit): Promise<number> {
  const response = await fetch(url, init);
  await response.bytes();
  return response.status;
}

/** A WebSocket that is open. */
async function open(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url.replace("http:", "ws:"));
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  return socket;
}

function closed(socket: WebSocket): Promise<CloseEvent> {
  return new Promise((resolve) => socket.onclose = resolve);
}

testUnless(
  parser.missing,
  "requests are counted by server, location, method and class of the status, with their times and bytes",
  async () => {
    await using app = backend(
      "app",
      ({ target, body }) =>
        target === "/api/slow"
          ? new Response("late".repeat(100))
          : new Response(`${body.length}`, {
            status: target === "/api/missing" ? 404 : 200,
          }),
    );
    await using it = await startAdmin({
      server_name: "one.example",
      locations: {
        "/api": `http://${app.address}`,
        "= /own": { return: "201 made" },
      },
    });
    assert.equal(await ask(`${it.url}/api/slow`), 200);
    assert.equal(await ask(`${it.url}/api/missing`), 404);
    assert.equal(await ask(`${it.url}/own`, { method: "PURGE" }), 201);
    const body = "x".repeat(70_000);
    assert.equal(await ask(`${it.url}/api/`, { method: "POST", body }), 200);
    assert.equal(await ask(`${it.url}/none`), 404);
    for (const format of ["openmetrics", "prometheus"] as const) {
      const found = await scrape(it, format);
      const server = "one.example";
      const requests = (labels: Record<string, string>) =>
        found.value("sameorigin_http_requests_total", { server, ...labels });
      const api = { server, location: "/api" };
      assert.equal(requests({ ...api, method: "GET", status: "2xx" }), 1);
      assert.equal(requests({ ...api, method: "GET", status: "4xx" }), 1);
      assert.equal(requests({ ...api, method: "POST", status: "2xx" }), 1);
      assert.equal(requests({ location: "= /own", method: "other" }), 1);
      assert.equal(requests({ location: "", status: "4xx" }), 1);
      assert.equal(
        found.value("sameorigin_http_request_body_bytes_total", api),
        70_000,
      );
      assert.equal(
        found.value("sameorigin_http_response_body_bytes_total", api),
        400 + "0".length + "70000".length,
      );
      for (const what of ["response_start", "request_duration"]) {
        const name = `sameorigin_http_${what}_seconds`;
        assert.equal(found.value(`${name}_count`, api), 3);
        assert.ok(found.value(`${name}_sum`, api) > 0);
      }
      assert.equal(found.value("sameorigin_http_requests_in_flight"), 0);
      assert.equal(found.value("sameorigin_workers"), 1);
      assert.equal(found.value("process_cpu_seconds_total"), 4);
      assert.ok(found.value("sameorigin_heap_bytes") > 1e6);
      assert.equal(
        found.value("sameorigin_build_info", { version: "1.2.3" }),
        1,
      );
    }
  },
);

testUnless(
  parser.missing,
  "the head of a response and its end are timed each by itself, and what is in flight is seen",
  async () => {
    const end = Promise.withResolvers<void>();
    await using app = backend("app", () =>
      new Response(
        new ReadableStream({
          async start(controller) {
            controller.enqueue(new Uint8Array(3));
            await end.promise;
            controller.close();
          },
        }),
      ));
    await using it = await startAdmin({
      locations: { "/": `http://${app.address}` },
    });
    const response = await fetch(it.url);
    const during = await scrape(it);
    assert.equal(during.value("sameorigin_http_requests_in_flight"), 1);
    assert.equal(during.value("sameorigin_upstream_active"), 1);
    const waited = 60;
    await new Promise((resolve) => setTimeout(resolve, waited));
    end.resolve();
    await response.bytes();
    const after = await scrape(it);
    assert.equal(after.value("sameorigin_http_requests_in_flight"), 0);
    const time = (what: string) =>
      after.value(`sameorigin_http_${what}_seconds_sum`, { location: "/" });
    assert.ok(
      time("request_duration") - time("response_start") >= waited / 1000 * 0.9,
    );
  },
);

testUnless(
  parser.missing,
  "of each server of an upstream: attempts, failures by reason, retries, connections, and whether it is up",
  async () => {
    await using app = backend("app");
    const dead = `127.0.0.1:${freePort()}`;
    await using it = await startAdmin({
      upstreams: { group: [dead, app.address, app.address] },
      locations: { "/": "http://group" },
    });
    for (let i = 0; i < 6; i++) assert.equal(await ask(it.url), 200);
    const found = await scrape(it);
    const of = (address: string) => ({ upstream: "group", address });
    const value = (what: string, address: string) =>
      found.value(`sameorigin_upstream_${what}`, of(address));
    assert.equal(value("attempts_total", dead), 1);
    assert.equal(value("retries_total", dead), 1);
    assert.equal(
      found.value("sameorigin_upstream_failures_total", {
        ...of(dead),
        reason: "refused",
      }),
      1,
    );
    assert.equal(value("up", dead), 0);
    assert.equal(value("up", app.address), 1);
    // It is listed twice, and counted once.
    assert.equal(value("attempts_total", app.address), 6);
    assert.equal(
      found.value("sameorigin_upstream_responses_total", {
        ...of(app.address),
        status: "2xx",
      }),
      6,
    );
    assert.equal(value("connect_seconds_count", app.address), 2);
    assert.equal(value("response_start_seconds_count", app.address), 6);
    assert.equal(value("active", app.address), 0);
    assert.equal(value("idle_connections", app.address), 2);
  },
);

testUnless(
  parser.missing,
  "of WebSockets: how many are open, how they closed, messages and bytes each way",
  async () => {
    await using echo = echoUpstream();
    await using it = await startAdmin({
      locations: { "/ws": `http://127.0.0.1:${echo.port}` },
    });
    const [one, two] = await Promise.all([
      open(`${it.url}/ws`),
      open(`${it.url}/ws`),
    ]);
    for (const message of ["é", new Uint8Array(1000)]) {
      const answer = new Promise((resolve) => one.onmessage = resolve);
      one.send(message);
      await answer;
    }
    const ended = closed(two);
    two.close(3500);
    await ended;
    const place = { server: "", location: "/ws" };
    const found = await until(
      it,
      (found) => found.value("sameorigin_websockets", place) === 1,
    );
    const value = (what: string, labels: Record<string, string> = {}) =>
      found.value(`sameorigin_websocket${what}`, { ...place, ...labels });
    assert.equal(value("s_opened_total"), 2);
    assert.equal(value("s_closed_total", { code: "3xxx" }), 1);
    for (const direction of ["from_client", "to_client"]) {
      assert.equal(value("_messages_total", { direction }), 2);
      assert.equal(value("_message_bytes_total", { direction }), 1002);
    }
    assert.equal(value("_waits_total"), 0);
    assert.equal(found.value("sameorigin_websocket_buffered_bytes"), 0);
    // The handshakes are requests that have ended.
    assert.equal(
      found.value("sameorigin_http_requests_total", {
        ...place,
        status: "1xx",
      }),
      2,
    );
    assert.equal(found.value("sameorigin_http_requests_in_flight"), 0);
    const last = closed(one);
    one.close();
    await last;
  },
);

testUnless(
  parser.missing,
  "after a reload the counters go on, and one sees what still runs by the config before",
  async () => {
    await using echo = echoUpstream();
    const to = `http://127.0.0.1:${echo.port}`;
    await using it = await startAdmin({ locations: { "/ws": to } });
    const socket = await open(`${it.url}/ws`);
    await it.reload({ locations: { "/ws": to, "/other": to } });
    const during = await scrape(it);
    assert.equal(during.value("sameorigin_old_generation_websockets"), 1);
    assert.equal(during.value("sameorigin_websockets_opened_total"), 1);
    assert.equal(
      during.value("sameorigin_upstream_attempts_total"),
      1,
    );
    const state = await (await fetch(`${it.admin}/state`)).json();
    assert.deepEqual(
      state.generations.map((
        { number, webSockets }: Record<string, number>,
      ) => [number, webSockets]),
      [[1, 1], [2, 0]],
    );
    const ended = closed(socket);
    socket.close();
    await ended;
    await until(
      it,
      (found) => found.value("sameorigin_old_generation_websockets") === 0,
    );
    const after = await (await fetch(`${it.admin}/state`)).json();
    assert.equal(after.generations.length, 1);
    // Without admin nothing is counted, nor is there a timer.
    await it.reload({ locations: { "/ws": to }, admin: undefined });
    assert.equal(await ask(`${it.admin}/metrics`), 503);
  },
);

testUnless(
  parser.missing,
  "thousands of random hosts, paths and methods make no more samples than the config has places",
  async () => {
    await using it = await startAdmin({
      servers: [
        { server_name: "one.example", locations: { "/a": { return: 204 } } },
        { server_name: "*.two.example", locations: { "/": { return: 204 } } },
      ].map((server) => ({ listen: "127.0.0.1:0", ...server })),
    });
    const random = () => Math.random().toString(36).slice(2, 10) || "x";
    const methods = ["GET", "POST", "HEAD", "OPTIONS", "DELETE"];
    const ask = (i: number) => {
      const method = i % 2 === 0
        ? methods[i / 2 % methods.length]
        : `M${random().toUpperCase()}`;
      const host = [random(), `${random()}.two.example`, "one.example"][i % 3];
      const path = i % 5 === 0 ? `/a${random()}` : `/${random()}?${random()}`;
      return `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    };
    const before = (await scrape(it)).families
      .flatMap(({ samples }) => samples).length;
    const { hostname, port } = new URL(it.url);
    const total = FULL ? 100_000 : 20_000;
    const batch = 1_000;
    let asked = 0;
    using conn = await Deno.connect({ hostname, port: Number(port) });
    const reader = conn.readable.getReader();
    const decoder = new TextDecoder("latin1");
    while (asked < total) {
      const text = Array.from({ length: batch }, (_, i) => ask(asked + i));
      const bytes = new TextEncoder().encode(text.join(""));
      let written = 0;
      const writing = (async () => {
        while (written < bytes.length) {
          written += await conn.write(bytes.subarray(written));
        }
      })();
      let answers = 0;
      let rest = "";
      while (answers < batch) {
        const { value } = await reader.read();
        rest += decoder.decode(value);
        answers += rest.split("HTTP/1.1 ").length - 1;
        rest = rest.slice(-8).replace(/HTTP\/1\.1 .*/s, "");
      }
      await writing;
      asked += batch;
    }
    const found = await scrape(it);
    assert.equal(found.sum("sameorigin_http_requests_total"), total);
    const after = found.families.flatMap(({ samples }) => samples).length;
    // Of each place at most: methods (8) by classes of the status (5).
    const places = 5;
    assert.ok(after <= before + places * 8 * 5, `${before} ${after}`);
    const names = new Set(
      found.samples("sameorigin_http_requests_total")
        .map(({ labels }) => labels["method"]),
    );
    assert.deepEqual([...names].toSorted(), [...methods, "other"].toSorted());
  },
);
