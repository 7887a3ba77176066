/**
 * The directives of a location that a server or the top may give for all of
 * theirs.
 *
 * @module
 */
import * as v from "valibot";
import {
  Redirect,
  SetHeader,
  Size,
  TimeLimit,
  TimeOrOff,
  Toggle,
} from "./directive_values.ts";
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
    "5m; then the client gets 504.",
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

/** What a location may say, and a server or the top for all its locations. */
export const inheritable = {
  proxy_set_header: v.optional(SetHeader),
  proxy_redirect: v.optional(ProxyRedirect),
  client_max_body_size: v.optional(ClientMaxBodySize),
  proxy_read_timeout: v.optional(ProxyReadTimeout),
  websocket_ping: v.optional(WebsocketPing),
  websocket_buffer_size: v.optional(WebsocketBufferSize),
  access_log: v.optional(AccessLog),
};

/** The same, with what holds where nothing is said. */
export const defaults = {
  proxy_set_header: v.optional(SetHeader, {
    "Host": "$http_host",
    "X-Real-IP": "$remote_addr",
    "X-Forwarded-For": "$proxy_add_x_forwarded_for",
    "X-Forwarded-Host": "$http_host",
    "X-Forwarded-Proto": "$scheme",
  }),
  proxy_redirect: v.optional(ProxyRedirect, "default"),
  client_max_body_size: v.optional(ClientMaxBodySize, "1m"),
  proxy_read_timeout: v.optional(ProxyReadTimeout, "60s"),
  websocket_ping: v.optional(WebsocketPing, "30s"),
  websocket_buffer_size: v.optional(WebsocketBufferSize, "16m"),
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
  access_log: AccessLog,
};
