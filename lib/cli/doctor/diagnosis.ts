/**
 * What is wrong with one server of an upstream, asked without the proxy between.
 *
 * @module
 */
import type {
  LocationPlan,
  UpstreamAddress,
  UpstreamPlan,
} from "../../config/plan.ts";
import { quote } from "../../config/words.ts";
import { type ProbeAnswer, ProbeError } from "../../transport/probe.ts";
import { excerpt, isGatewayError, isTls, reasonOf } from "./answer.ts";
import type { Finding } from "./check.ts";
import type { Stack } from "./stack.ts";

type TcpAddress = UpstreamAddress & { transport: "tcp" };

/** A server of an upstream, and how to ask it. */
export interface Place {
  readonly upstream: UpstreamPlan;
  readonly address: TcpAddress;
  readonly location: LocationPlan;
  /** A path that the location takes. */
  readonly path: string;
}

export interface Diagnosis extends Finding {
  readonly kind: "silent" | "protocol";
  /** Whether it may be so for the doctor only, which may run elsewhere. */
  readonly isLocal: boolean;
}

/** What is wrong with a server; null if it answers. */
export async function diagnose(
  stack: Stack,
  place: Place,
): Promise<Diagnosis | null> {
  const { upstream, address, path } = place;
  const secure = upstream.scheme === "https";
  const answer = await stack.askServer({ address, path, secure });
  if (!(answer instanceof ProbeError)) {
    if (wantsTls(answer)) return tlsOnPlain(place, excerpt(answer));
    return isGatewayError(answer) ? gatewayError(place, answer) : null;
  }
  if (secure) return await diagnoseTls(stack, place, answer);
  switch (answer.failure) {
    case "refused":
    case "unresolved":
    case "unreachable":
    case "unconnected":
      return unreachable(stack, place, answer);
  }
  if (isTls(answer.received) || await speaksTls(stack, place)) {
    return tlsOnPlain(place, `it answers ${shown(answer.received)}`);
  }
  if (answer.received !== "") return notHttp(place, answer.received);
  return noAnswer(stack, place, answer);
}

/** What servers with TLS say to a request without. */
function wantsTls({ status, body }: ProbeAnswer): boolean {
  return status === 400 &&
    /HTTP request (?:was sent )?to (?:an )?HTTPS|speaking plain HTTP to an SSL/i
      .test(body);
}

async function speaksTls(
  stack: Stack,
  { address, path }: Place,
): Promise<boolean> {
  const answer = await stack.askServer({ address, path, secure: true });
  if (!(answer instanceof ProbeError)) return true;
  return answer.failure === "tls" && /certificate/i.test(reasonOf(answer));
}

async function diagnoseTls(
  stack: Stack,
  place: Place,
  error: ProbeError,
): Promise<Diagnosis | null> {
  const { upstream, address, path } = place;
  if (error.failure === "tls") {
    const reason = reasonOf(error);
    if (/certificate/i.test(reason)) {
      return {
        kind: "protocol",
        isLocal: false,
        sentence: `The certificate of ${address.name} is not accepted.`,
        evidence: reason,
        fix:
          `Name the host that its certificate is for in proxy_pass, or give ` +
          `it one of an authority that this machine trusts (DENO_CERT names more).`,
      };
    }
    const plain = await stack.askServer({ address, path, secure: false });
    if (!(plain instanceof ProbeError)) {
      return {
        kind: "protocol",
        isLocal: false,
        sentence:
          `${address.name} speaks plain HTTP, but proxy_pass says https.`,
        evidence: `TLS: ${reason}; HTTP: ${plain.status}`,
        fix:
          `Write proxy_pass: http://${upstream.name} in ${place.location.key}.`,
      };
    }
    return noAnswer(stack, place, error);
  }
  return ["timeout", "closed", "invalid"].includes(error.failure)
    ? noAnswer(stack, place, error)
    : unreachable(stack, place, error);
}

function tlsOnPlain(
  { address, upstream, location }: Place,
  evidence: string,
): Diagnosis {
  return {
    kind: "protocol",
    isLocal: false,
    sentence: `${address.name} speaks TLS, but proxy_pass says http.`,
    evidence,
    fix: `Write proxy_pass: https://${upstream.name} in ${location.key}.`,
  };
}

function notHttp({ address, upstream }: Place, received: string): Diagnosis {
  // RFC 9113 section 3.4: a server begins with a SETTINGS frame.
  const isHttp2 = received.charCodeAt(3) === 4 &&
    received.charCodeAt(0) === 0;
  return {
    kind: "protocol",
    isLocal: false,
    sentence: isHttp2
      ? `${address.name} speaks HTTP/2 only, not HTTP/1.1.`
      : `${address.name} does not speak HTTP.`,
    evidence: `it answers ${shown(received)}`,
    fix: `Correct the port of ${upstream.name}: another program listens on ` +
      `${address.port}.`,
  };
}

function gatewayError(
  { address, path }: Place,
  answer: ProbeAnswer,
): Diagnosis {
  return {
    kind: "silent",
    isLocal: false,
    sentence:
      `${address.name} answers ${answer.status}: what it asks in turn ` +
      `does not answer.`,
    evidence: `GET ${path}: ${excerpt(answer)}`,
    fix: `See the log of ${address.name}.`,
  };
}

function noAnswer(
  { timeout }: Stack,
  { address, path }: Place,
  { failure }: ProbeError,
): Diagnosis {
  return {
    kind: "silent",
    isLocal: false,
    sentence: failure === "timeout"
      ? `${address.name} takes the connection, but gives no answer.`
      : `${address.name} closes the connection without an answer.`,
    evidence: failure === "timeout"
      ? `GET ${path}: nothing in ${timeout / 1000} s`
      : `GET ${path}: ${failure}`,
    fix:
      `See the log of ${address.name}: it hangs or crashes, or the port is ` +
      `of another program.`,
  };
}

function unreachable(
  { plan }: Stack,
  { upstream, address }: Place,
  error: ProbeError,
): Diagnosis {
  const where = `upstreams: {${upstream.name}: …} in ${plan.source}`;
  const address_ = `correct its address: ${where}.`;
  const isName = error.failure === "unresolved";
  return {
    kind: "silent",
    isLocal: true,
    sentence: isName
      ? `The name ${quote(address.hostname)} of an upstream can't be resolved.`
      : `Nothing answers at the upstream ${address.name}.`,
    evidence: `${address.name}: ${reasonOf(error)}`,
    fix: isName
      ? `Start it in the same network, or ${address_}`
      : `Start ${upstream.name} (on port ${address.port}), or ${address_}`,
  };
}

function shown(received: string): string {
  return quote(received.slice(0, 40));
}
