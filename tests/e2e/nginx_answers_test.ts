/**
 * The same requests through nginx and through sameorigin, both with `return`,
 * `rewrite`, `error_page`, `add_header`, `gzip` and the like: the upstream must
 * be asked for the same, and the client get the same, but for a written list.
 *
 * @module
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { startNginx } from "../support/nginx.ts";
import { rawExchange } from "../support/raw_upstream.ts";
import { startProxy } from "../support/proxy.ts";
import { testNeeding } from "../support/skip.ts";
import { nginxHttp, ownConfig } from "./nginx_answers_config.ts";
import { DIFFERENCES, type Seen } from "./nginx_answers_differences.ts";
import { type Sample, samples } from "./nginx_answers_requests.ts";
import { answeringService } from "./nginx_answers_upstream.ts";

/** Sends one request to one proxy and notes what it did. */
async function observe(
  port: number,
  { text }: Sample,
  log: string[],
): Promise<Seen> {
  log.length = 0;
  const answer = await rawExchange(port, text);
  const end = answer.indexOf("\r\n\r\n");
  const [status, ...lines] = answer.slice(0, end).split("\r\n");
  const fields = lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  }).filter(([name]) => !["connection", "date"].includes(name));
  const has = (name: string, value: string) =>
    fields.some(([n, v]) => n === name && v === value);
  let body = answer.slice(end + 4);
  if (has("transfer-encoding", "chunked")) body = dechunked(body);
  if (has("content-encoding", "gzip") && body !== "") {
    const bytes = Uint8Array.from(body, (c) => c.charCodeAt(0));
    body = `gzip of ${gunzipSync(bytes)}`;
  }
  return {
    upstream: [...log],
    status: Number(status?.split(" ")[1]),
    fields: fields.toSorted(([a], [b]) => a < b ? -1 : a > b ? 1 : 0),
    body,
  };
}

function dechunked(text: string): string {
  let body = "";
  for (let at = 0;;) {
    const end = text.indexOf("\r\n", at);
    const size = parseInt(text.slice(at, end), 16);
    if (!(size > 0)) return body;
    body += text.slice(end + 2, end + 2 + size);
    at = end + 2 + size + 2;
  }
}

testNeeding(
  ["nginx"],
  "sameorigin answers, rewrites and compresses as nginx does, but for a " +
    "written list of differences",
  async (t) => {
    const log: string[] = [];
    await using backend = answeringService(log);
    await using nginx = await startNginx(nginxHttp(backend.port));
    await using own = startProxy(ownConfig(backend.port));
    const all = samples();
    ok(all.length >= 200, `${all.length} requests`);
    const needed = new Set<string>();
    for (const sample of all) {
      const theirs = await observe(nginx.port, sample, log);
      const ours = await observe(own.port, sample, log);
      for (const { reason, level } of DIFFERENCES) {
        const before = JSON.stringify([theirs, ours]);
        level(theirs, ours, sample.text);
        if (JSON.stringify([theirs, ours]) !== before) needed.add(reason);
      }
      if (JSON.stringify(theirs) !== JSON.stringify(ours)) {
        await t.step(sample.name, () => deepStrictEqual(ours, theirs));
      }
    }
    deepStrictEqual(
      DIFFERENCES.map(({ reason }) => reason).filter((r) => !needed.has(r)),
      [],
      "differences that were never seen",
    );
  },
);
