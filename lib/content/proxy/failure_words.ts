/**
 * What an upstream's failure means, and what to do about it, in words.
 *
 * @module
 */
import type { UpstreamError, UpstreamFailure } from "../../transport/errors.ts";

const ADVICE: Record<UpstreamFailure, string> = {
  refused: "nothing listens there: is the service running, on this port?",
  unresolved: "no such host: check the name in config.yaml, or whether the " +
    "container is up",
  unreachable: "no connection could be made: check the address and the network",
  unconnected: "no connection within proxy_connect_timeout: is the machine " +
    "up, and does a firewall drop the packets?",
  timeout: "it gave no answer in time: it may hang, or proxy_read_timeout is " +
    "too short for it",
  closed: "it closed the connection before it answered: look at its log",
  invalid: "what it answered is not HTTP/1.1: is this the right port?",
  tls: "the TLS handshake failed: check the certificate, or use http://",
  none:
    "no server of it can be used: all are down, or fail their health checks",
  busy: "every server of it has max_conns requests already",
};

/** A failure in words, which follow the server's address. */
export function failureWords({ failure, detail }: UpstreamError): string {
  return detail === null
    ? ADVICE[failure]
    : `what it answered can't be passed on: ${detail}`;
}
