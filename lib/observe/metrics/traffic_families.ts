/**
 * The metrics of requests, WebSockets and upstreams.
 *
 * @module
 */
import type { Facts, Family, Labels, Sample } from "./family.ts";
import {
  CLOSE_CODES,
  type LocationSnapshot,
  METHODS,
  STATUS_CLASSES,
} from "./location_metrics.ts";
import type { ServerSnapshot } from "./server_metrics.ts";

const PLACE = ["server", "location"];
const SERVER = ["upstream", "address"];

export const TRAFFIC_FAMILIES: readonly Family[] = [
  {
    name: "sameorigin_http_requests",
    type: "counter",
    help: "Requests that have ended, WebSocket handshakes among them.",
    labels: [...PLACE, "method", "status"],
    samples: perLocation(({ requests }) =>
      METHODS.flatMap((method, row) =>
        // Most of these never occur.
        counted(
          STATUS_CLASSES,
          requests.slice(row * STATUS_CLASSES.length),
          (status) => ({ method, status }),
        )
      )
    ),
  },
  {
    name: "sameorigin_http_response_start_seconds",
    type: "histogram",
    help: "Time from a request to the head of its response.",
    labels: PLACE,
    samples: perLocation(({ start }) => [[{}, start]]),
  },
  {
    name: "sameorigin_http_request_duration_seconds",
    type: "histogram",
    help: "Time from a request to the end of its response.",
    labels: PLACE,
    samples: perLocation(({ duration }) => [[{}, duration]]),
  },
  {
    name: "sameorigin_http_request_body_bytes",
    type: "counter",
    help: "Bytes of requests' bodies.",
    labels: PLACE,
    samples: perLocation(({ requestBytes }) => [[{}, requestBytes]]),
  },
  {
    name: "sameorigin_http_response_body_bytes",
    type: "counter",
    help: "Bytes of responses' bodies.",
    labels: PLACE,
    samples: perLocation(({ responseBytes }) => [[{}, responseBytes]]),
  },
  {
    name: "sameorigin_websockets",
    type: "gauge",
    help: "Open WebSockets.",
    labels: PLACE,
    samples: perWebSockets((one) => [[{}, openWebSockets(one)]]),
  },
  {
    name: "sameorigin_websockets_opened",
    type: "counter",
    help: "WebSockets that were opened.",
    labels: PLACE,
    samples: perWebSockets(({ webSockets }) => [[{}, webSockets.opened]]),
  },
  {
    name: "sameorigin_websockets_closed",
    type: "counter",
    help:
      "WebSockets that have ended, by the close code that the client saw or sent.",
    labels: [...PLACE, "code"],
    samples: perWebSockets(({ webSockets: { closed } }) =>
      counted(CLOSE_CODES, closed, (code) => ({ code }))
    ),
  },
  {
    name: "sameorigin_websocket_messages",
    type: "counter",
    help: "Messages of WebSockets.",
    labels: [...PLACE, "direction"],
    samples: perWebSockets(({ webSockets: { fromClient, toClient } }) => [
      [{ direction: "from_client" }, fromClient.messages],
      [{ direction: "to_client" }, toClient.messages],
    ]),
  },
  {
    name: "sameorigin_websocket_message_bytes",
    type: "counter",
    help: "Bytes of their payloads.",
    labels: [...PLACE, "direction"],
    samples: perWebSockets(({ webSockets: { fromClient, toClient } }) => [
      [{ direction: "from_client" }, fromClient.bytes],
      [{ direction: "to_client" }, toClient.bytes],
    ]),
  },
  {
    name: "sameorigin_websocket_waits",
    type: "counter",
    help: "Times an upstream had to wait for a slow client.",
    labels: PLACE,
    samples: perWebSockets(({ webSockets }) => [[{}, webSockets.waits]]),
  },
  {
    name: "sameorigin_websocket_buffered_bytes",
    type: "gauge",
    help: "Bytes that wait for slow upstreams of WebSockets.",
    labels: [],
    samples: ({ sum }) => [[{}, sum.buffered]],
  },
  {
    name: "sameorigin_upstream_up",
    type: "gauge",
    help: "Whether a server is up: the share of the workers to which it is.",
    labels: SERVER,
    samples: perServer(({ seenBy, upFor }) => [[{}, upFor / seenBy]]),
  },
  {
    name: "sameorigin_upstream_active",
    type: "gauge",
    help: "Exchanges that a server has now, WebSockets among them.",
    labels: SERVER,
    samples: perServer(({ active }) => [[{}, active]]),
  },
  {
    name: "sameorigin_upstream_idle_connections",
    type: "gauge",
    help: "Connections that are kept for the next request.",
    labels: SERVER,
    samples: perServer(({ idle }) => idle === null ? [] : [[{}, idle]]),
  },
  {
    name: "sameorigin_upstream_attempts",
    type: "counter",
    help: "Times a request was given to a server.",
    labels: SERVER,
    samples: perServer(({ attempts }) => [[{}, attempts]]),
  },
  {
    name: "sameorigin_upstream_retries",
    type: "counter",
    help: "Those after which the request was tried again, there or elsewhere.",
    labels: SERVER,
    samples: perServer(({ retries }) => [[{}, retries]]),
  },
  {
    name: "sameorigin_upstream_responses",
    type: "counter",
    help: "Responses of a server.",
    labels: [...SERVER, "status"],
    samples: perServer(({ responses }) =>
      counted(STATUS_CLASSES, responses, (status) => ({ status }))
    ),
  },
  {
    name: "sameorigin_upstream_failures",
    type: "counter",
    help: "Requests to which a server gave no response.",
    labels: [...SERVER, "reason"],
    samples: perServer(({ failures }) =>
      failures.map(([reason, count]) => [{ reason }, count])
    ),
  },
  {
    name: "sameorigin_upstream_connect_seconds",
    type: "histogram",
    help: "Time to a new connection.",
    labels: SERVER,
    samples: perServer(({ connect }) => [[{}, connect]]),
  },
  {
    name: "sameorigin_upstream_response_start_seconds",
    type: "histogram",
    help: "Time from the request to the head of the response.",
    labels: SERVER,
    samples: perServer(({ start }) => [[{}, start]]),
  },
];

/** How many WebSockets of a location are open. */
export function openWebSockets(
  { webSockets: { opened, closed } }: LocationSnapshot,
): number {
  return opened - closed.reduce((sum, count) => sum + count, 0);
}

/** Those of some counters that have counted anything. */
function counted(
  names: readonly string[],
  counts: readonly number[],
  labels: (name: string) => Labels,
): Sample[] {
  return names.flatMap((name, at): Sample[] => {
    const count = counts[at] ?? 0;
    return count === 0 ? [] : [[labels(name), count]];
  });
}

function perLocation(samples: (one: LocationSnapshot) => readonly Sample[]) {
  return ({ sum }: Facts): Sample[] =>
    sum.locations.flatMap((one) => {
      const { server, location } = one;
      return samples(one)
        .map(([labels, value]): Sample => [
          { server, location, ...labels },
          value,
        ]);
    });
}

/** Only those that have had any. */
function perWebSockets(samples: (one: LocationSnapshot) => readonly Sample[]) {
  return perLocation((one) => one.webSockets.opened === 0 ? [] : samples(one));
}

function perServer(samples: (one: ServerSnapshot) => readonly Sample[]) {
  return ({ sum }: Facts): Sample[] =>
    sum.servers.flatMap((one) => {
      const { upstream, address } = one;
      return samples(one)
        .map(([labels, value]): Sample => [
          { upstream, address, ...labels },
          value,
        ]);
    });
}
