/**
 * What the proxies are given to do.
 *
 * @module
 */

import { CHANGED, type FileName } from "./files.ts";

/** What makes the load. */
export type Load =
  | {
    kind: "wrk";
    /** The last part of the target, by which the upstream knows the page. */
    page: string;
    connections: number;
    headers?: readonly string[];
    /** Bytes of a request body. */
    body?: number;
  }
  | {
    /** A file of the proxy's own. */
    kind: "file";
    name: FileName;
    connections: number;
    headers?: readonly string[];
  }
  | {
    /** Many connections, of which up to 64 have a request under way. */
    kind: "rotate";
    page: string;
    connections: number;
  }
  | { kind: "echo"; connections: number; size: number }
  | { kind: "fan"; connections: number; size: number; rate: number };

export interface Workload {
  /** For `--only=NAME`. */
  readonly name: string;
  readonly title: string;
  /** One of what is counted. */
  readonly unit: "request" | "echo" | "message";
  readonly load: Load;
  readonly locations: number;
  readonly workers: "one" | "all";
  /** sameorigin's CPU, at most so many times that of another. */
  readonly targets?: readonly { of: string; ratio: number }[];
}

/** What a browser sends to a page of this stack: 20 fields with Host. */
const BROWSER = [
  "Connection: keep-alive",
  "Cache-Control: max-age=0",
  'sec-ch-ua: "Chromium";v="142", "Not_A Brand";v="99"',
  "sec-ch-ua-mobile: ?0",
  'sec-ch-ua-platform: "Linux"',
  "Upgrade-Insecure-Requests: 1",
  "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 " +
  "(KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
  "Accept: text/html,application/xhtml+xml,application/xml;q=0.9," +
  "image/avif,image/webp,image/apng,*/*;q=0.8",
  "Sec-Fetch-Site: same-origin",
  "Sec-Fetch-Mode: navigate",
  "Sec-Fetch-User: ?1",
  "Sec-Fetch-Dest: document",
  "Referer: http://localhost:9000/rooms/",
  "Accept-Encoding: gzip, deflate, br, zstd",
  "Accept-Language: en-GB,en;q=0.9,de;q=0.8",
  "Cookie: csrftoken=PmF1hvVvVmTC1zSe4vQW0zG6rDkKzZpL; " +
  "sessionid=q1o2w3i4e5u6r7y8t9a0s1d2f3g4h5j6; theme=dark",
  'If-None-Match: "5f2b-18c7a9d3e40"',
  "X-Requested-With: XMLHttpRequest",
  "X-CSRFToken: PmF1hvVvVmTC1zSe4vQW0zG6rDkKzZpL",
];

const ONE = { locations: 5, workers: "one" } as const;
const REQUEST = { ...ONE, unit: "request" } as const;

/** The proxies of this weight that sameorigin is to cost less than, in every row. */
const PEERS = ["caddy", "http-proxy-3", "@fastify/http-proxy", "traefik"]
  .map((of) => ({ of, ratio: 1 }));

const get = (page: string, connections = 64): Load => ({
  kind: "wrk",
  page,
  connections,
});

const file = (name: FileName, connections = 64) => ({
  kind: "file" as const,
  name,
  connections,
});

export const WORKLOADS: readonly Workload[] = [
  {
    ...REQUEST,
    name: "small",
    title: "small GET",
    load: get("small"),
    targets: [
      { of: "floor", ratio: 0.75 },
      { of: "nginx", ratio: 3 },
      ...PEERS,
    ],
  },
  {
    ...REQUEST,
    name: "headers",
    title: "GET with 20 headers and cookies",
    load: {
      kind: "wrk",
      page: "headers",
      connections: 64,
      headers: BROWSER,
    },
    targets: [{ of: "floor", ratio: 0.6 }, ...PEERS],
  },
  {
    ...REQUEST,
    name: "100k",
    title: "100 kB body",
    load: get("100k"),
    targets: PEERS,
  },
  {
    ...REQUEST,
    name: "10m",
    title: "10 MB body",
    load: get("10m", 4),
    targets: [
      { of: "floor", ratio: 2 },
      { of: "nginx", ratio: 1 },
      ...PEERS,
    ],
  },
  {
    ...REQUEST,
    name: "gzip",
    title: "gzip body (300 kB of JSON)",
    load: {
      kind: "wrk",
      page: "gzip",
      connections: 64,
      headers: ["Accept-Encoding: gzip"],
    },
    targets: PEERS,
  },
  {
    ...REQUEST,
    name: "post",
    title: "POST of 10 kB",
    load: { kind: "wrk", page: "post", connections: 64, body: 10_000 },
    targets: [{ of: "floor", ratio: 1 }, ...PEERS],
  },
  {
    ...REQUEST,
    name: "connect",
    title: "new connection for each GET",
    load: {
      kind: "wrk",
      page: "small",
      connections: 64,
      headers: ["Connection: close"],
    },
    targets: PEERS,
  },
  {
    ...REQUEST,
    name: "locations",
    title: "small GET, 100 locations",
    load: get("small"),
    locations: 100,
    targets: PEERS,
  },
  {
    ...REQUEST,
    name: "file",
    title: "file of 5 kB",
    load: file("small.html"),
    targets: [{ of: "caddy", ratio: 1 }],
  },
  {
    ...REQUEST,
    name: "file304",
    title: "file that the client has already",
    load: {
      ...file("small.html"),
      headers: [`If-Modified-Since: ${CHANGED}`],
    },
    targets: [{ of: "caddy", ratio: 1 }],
  },
  {
    ...REQUEST,
    name: "file100k",
    title: "file of 100 kB",
    load: file("app.js"),
    targets: [{ of: "caddy", ratio: 2 }],
  },
  {
    ...REQUEST,
    name: "file10m",
    title: "file of 10 MB",
    load: file("video.mp4", 4),
  },
  {
    ...ONE,
    name: "echo",
    title: "WebSocket echo of 100 B",
    unit: "echo",
    load: { kind: "echo", connections: 64, size: 100 },
    targets: [{ of: "nginx", ratio: 1.2 }],
  },
  {
    ...ONE,
    name: "echo16k",
    title: "WebSocket echo of 16 kB",
    unit: "echo",
    load: { kind: "echo", connections: 64, size: 16_000 },
    targets: [{ of: "nginx", ratio: 1.35 }],
  },
  {
    ...ONE,
    name: "fan",
    title: "fan-out to 1,000 WebSockets",
    unit: "message",
    load: { kind: "fan", connections: 1_000, size: 100, rate: 20 },
  },
  {
    ...REQUEST,
    name: "cores",
    title: "small GET, a worker for each core",
    load: get("small"),
    workers: "all",
  },
];
