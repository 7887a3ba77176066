/**
 * The directives of a location that a server or the top may give for all of
 * theirs.
 *
 * @module
 */
import * as v from "valibot";
import {
  Count,
  SetHeader,
  Size,
  TimeLimit,
  TimeOrOff,
  Toggle,
} from "./directive_values.ts";
import { Next, Rate } from "./limit_values.ts";
import { Redirect } from "./redirect_values.ts";
import { documented } from "./schema_parts.ts";

const ProxyRedirect = documented(
  Redirect,
  "proxy_redirect",
  "How Location and Refresh headers of responses are rewritten. `default`: the " +
    "upstream's own address becomes the location's path. `off`: not at all. Or " +
    "a map from the beginning of a Location to what replaces it, which may have " +
    "variables in it.",
);

const ClientMaxBodySize = documented(
  Size,
  "client_max_body_size",
  "Largest body of a request, such as 64k, 10m, 1g; a larger one is answered " +
    "with 413. 0 is no limit.",
);

const ProxyReadTimeout = documented(
  TimeLimit,
  "proxy_read_timeout",
  "Longest wait for the head of an upstream's response, such as 500ms, 30s, " +
    "5m; then the client gets 504. Where it is set (else it is 60s), also the " +
    "longest wait between two pieces of the body.",
);

const WebsocketPing = documented(
  TimeOrOff,
  "websocket_ping",
  "A WebSocket client that is silent for so long is pinged and, if it stays " +
    "silent, closed. 0 or `off` never does.",
);

const WebsocketBufferSize = documented(
  Size,
  "websocket_buffer_size",
  "How much from a WebSocket's client may wait for a slow upstream before the " +
    "connection is closed.",
);

const AccessLog = documented(
  Toggle,
  "access_log",
  "Whether requests are written to the access log.",
);

const ProxyConnectTimeout = documented(
  TimeLimit,
  "proxy_connect_timeout",
  "Longest wait for a connection to a server of the upstream.",
);

const ProxySendTimeout = documented(
  TimeLimit,
  "proxy_send_timeout",
  "Longest wait for an upstream to take more of a request's body.",
);

const ClientBodyTimeout = documented(
  TimeLimit,
  "client_body_timeout",
  "Longest wait for a client to send more of its request's body; then it " +
    "gets 408.",
);

const RequestTimeout = documented(
  TimeOrOff,
  "request_timeout",
  "Longest time of a whole exchange, its bodies included. `off` is no limit.",
);

const ProxyNextUpstream = documented(
  Next,
  "proxy_next_upstream",
  "When a request goes to another server of the upstream: error, timeout, " +
    "invalid_header, http_500 and the like, non_idempotent (also requests that " +
    "may do something twice), or off.",
);

const ProxyNextUpstreamTries = documented(
  Count,
  "proxy_next_upstream_tries",
  "Most servers tried for a request; 0 is all of them.",
);

const ProxyNextUpstreamTimeout = documented(
  TimeOrOff,
  "proxy_next_upstream_timeout",
  "After this time no other server is tried. 0 or `off` is no limit.",
);

const WaitForUpstream = documented(
  TimeOrOff,
  "wait_for_upstream",
  "How long a request is held, while no server accepts connections, before " +
    "it is answered with 502: for a stack that is starting.",
);

const WebsocketMaxMessageSize = documented(
  Size,
  "websocket_max_message_size",
  "Longest message of a WebSocket; a longer one closes it with 1009.",
);

const WebsocketMessageRate = documented(
  Rate,
  "websocket_message_rate",
  "How fast a WebSocket's client may send messages, such as 100/s; one that " +
    "is faster is closed with 1008.",
);

/** What a location may say, and a server or the top for all its locations. */
export const inheritable = {
  proxy_set_header: v.optional(SetHeader),
  proxy_redirect: v.optional(ProxyRedirect),
  client_max_body_size: v.optional(ClientMaxBodySize),
  proxy_read_timeout: v.optional(ProxyReadTimeout),
  websocket_ping: v.optional(WebsocketPing),
  websocket_buffer_size: v.optional(WebsocketBufferSize),
  proxy_connect_timeout: v.optional(ProxyConnectTimeout),
  proxy_send_timeout: v.optional(ProxySendTimeout),
  client_body_timeout: v.optional(ClientBodyTimeout),
  request_timeout: v.optional(RequestTimeout),
  proxy_next_upstream: v.optional(ProxyNextUpstream),
  proxy_next_upstream_tries: v.optional(ProxyNextUpstreamTries),
  proxy_next_upstream_timeout: v.optional(ProxyNextUpstreamTimeout),
  wait_for_upstream: v.optional(WaitForUpstream),
  websocket_max_message_size: v.optional(WebsocketMaxMessageSize),
  websocket_message_rate: v.optional(WebsocketMessageRate),
  access_log: v.optional(AccessLog),
};

/** The same, with what holds where nothing is said. */
export const defaults = {
  proxy_set_header: v.optional(SetHeader, {
    "Host": "$http_host",
    "X-Real-IP": "$remote_addr",
    "X-Forwarded-For": "$proxy_add_x_forwarded_for",
    "X-Forwarded-Host": "$forwarded_host",
    "X-Forwarded-Proto": "$scheme",
  }),
  proxy_redirect: v.optional(ProxyRedirect, "default"),
  client_max_body_size: v.optional(ClientMaxBodySize, "1m"),
  // Where it is set it is also the longest wait within a body, as in nginx.
  // Where it is not, a quiet stream of events may stay open.
  proxy_read_timeout: v.optional(ProxyReadTimeout),
  websocket_ping: v.optional(WebsocketPing, "30s"),
  websocket_buffer_size: v.optional(WebsocketBufferSize, "16m"),
  proxy_connect_timeout: v.optional(ProxyConnectTimeout, "5s"),
  proxy_send_timeout: v.optional(ProxySendTimeout, "60s"),
  client_body_timeout: v.optional(ClientBodyTimeout, "60s"),
  request_timeout: v.optional(RequestTimeout, "off"),
  proxy_next_upstream: v.optional(ProxyNextUpstream, "error timeout"),
  proxy_next_upstream_tries: v.optional(ProxyNextUpstreamTries, 0),
  proxy_next_upstream_timeout: v.optional(ProxyNextUpstreamTimeout, "off"),
  wait_for_upstream: v.optional(WaitForUpstream, "off"),
  websocket_max_message_size: v.optional(WebsocketMaxMessageSize, "64m"),
  websocket_message_rate: v.optional(WebsocketMessageRate, "off"),
  access_log: v.optional(AccessLog, true),
};

/** The schemas that stand in several places; for editors each is written once. */
export const inheritableSchemas = {
  proxy_set_header: SetHeader,
  proxy_redirect: ProxyRedirect,
  client_max_body_size: ClientMaxBodySize,
  proxy_read_timeout: ProxyReadTimeout,
  websocket_ping: WebsocketPing,
  websocket_buffer_size: WebsocketBufferSize,
  proxy_connect_timeout: ProxyConnectTimeout,
  proxy_send_timeout: ProxySendTimeout,
  client_body_timeout: ClientBodyTimeout,
  request_timeout: RequestTimeout,
  proxy_next_upstream: ProxyNextUpstream,
  proxy_next_upstream_tries: ProxyNextUpstreamTries,
  proxy_next_upstream_timeout: ProxyNextUpstreamTimeout,
  wait_for_upstream: WaitForUpstream,
  websocket_max_message_size: WebsocketMaxMessageSize,
  websocket_message_rate: WebsocketMessageRate,
  access_log: AccessLog,
};
