/**
 * Does every upstream answer, and in the protocol that `proxy_pass` names?
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
import { isGatewayError, isTls, reasonOf } from "./answer.ts";
import { inTurn } from "./in_turn.ts";
import { type Check, distinct, type Finding } from "./check.ts";
import type { Stack } from "./stack.ts";

export const upstreamChecks: readonly Check[] = [
  {
    id: "upstream-answers",
    title: "every server of every upstream answers",
    run: (stack) => diagnoseAll(stack, "silent"),
  },
  {
    id: "upstream-protocol",
    title: "upstreams speak the protocol that proxy_pass names",
    run: (stack) => diagnoseAll(stack, "protocol"),
  },
  {
    id: "upstream-error",
    title: "no location answers with a server's error",
    run: serverErrors,
  },
];

type TcpAddress = UpstreamAddress & { transport: "tcp" };

/** A server of an upstream, and how to ask it. */
interface Place {
  readonly upstream: UpstreamPlan;
  readonly address: TcpAddress;
  readonly location: LocationPlan;
  /** A path that the location takes. */
  readonly path: string;
}

interface Diagnosis extends Finding {
  readonly kind: "silent" | "protocol";
  /** Whether it may be so for the doctor only, which may run elsewhere. */
  readonly isLocal: boolean;
}

async function diagnoseAll(
  stack: Stack,
  kind: Diagnosis["kind"],
): Promise<Finding[]> {
  const visits = await stack.visits();
  const found = await inTurn(placesOf(stack), async (place) => {
    const { upstream, location } = place;
    const diagnosis = await diagnose(stack, place);
    const own = visits.filter((visit) => visit.location === location);
    if (diagnosis?.isLocal && upstream.servers.length === 1) {
      const reached = own.some(({ answer }) => !isGatewayError(answer));
      if (reached) return null;
    }
    if (diagnosis !== null) return diagnosis;
    const failed = own.find(({ answer }) => isGatewayError(answer));
    return failed === undefined || upstream.servers.length > 1
      ? null
      : unlikeTheProxy(place, failed.answer.status);
  });
  return distinct(
    found.filter((it) => it !== null && it.kind === kind)
      .map((it) => it as Diagnosis)
      .map(({ sentence, evidence, fix }) => ({ sentence, evidence, fix })),
  );
}

function placesOf(stack: Stack): Place[] {
  const places = new Map<string, Place>();
  for (const location of stack.locations) {
    const { content } = location;
    const path = stack.pathOf(location) ?? "/";
    if (content.kind !== "proxy") continue;
    const { upstream } = content;
    for (const { address, down } of upstream.servers) {
      // A unix socket needs a permission that the program does not have.
      if (down || address.transport === "unix") continue;
      const key = `${upstream.scheme} ${address.name}`;
      if (!places.has(key)) {
        places.set(key, { upstream, address, location, path });
      }
    }
  }
  return [...places.values()];
}

/** What is wrong with a server; null if it answers. */
async function diagnose(
  stack: Stack,
  place: Place,
): Promise<Diagnosis | null> {
  const { upstream, address, path } = place;
  const secure = upstream.scheme === "https";
  const answer = await stack.askServer({ address, path, secure });
  if (!(answer instanceof ProbeError)) {
    return wantsTls(answer) ? tlsOnPlain(place, excerpt(answer)) : null;
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

function unlikeTheProxy(
  { address, path, upstream }: Place,
  status: number,
): Diagnosis {
  return {
    kind: "silent",
    isLocal: false,
    sentence: `The proxy does not reach ${address.name}, which answers here.`,
    evidence: `GET ${path} through the proxy: ${status}`,
    fix: `See the proxy's standard error. If it runs in a container, ` +
      `${upstream.name} has another address there; else reload its config.`,
  };
}

async function serverErrors(stack: Stack): Promise<Finding[]> {
  const visits = await stack.visits();
  return visits.filter(({ answer: { status } }) => status === 500).map((
    { path, location, answer },
  ) => ({
    sentence: `GET ${path} fails in the upstream.`,
    evidence: `${answer.status}: ${excerpt(answer)}`,
    fix: location?.content.kind === "proxy"
      ? `See the log of ${location.content.upstream.name}.`
      : "See the proxy's standard error.",
  }));
}

/** The first words of a body, without its tags. */
function excerpt({ body }: ProbeAnswer): string {
  const text = body.replace(
    /<(style|script|title)[\s\S]*?<\/\1>|<[^>]*>/gi,
    " ",
  )
    .replace(/\s+/g, " ").trim();
  return text.slice(0, 100) || "(no text)";
}

function shown(received: string): string {
  return quote(received.slice(0, 40));
}
