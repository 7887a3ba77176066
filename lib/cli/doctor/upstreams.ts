/**
 * Does every upstream answer, and in the protocol that `proxy_pass` names?
 *
 * @module
 */
import type { UpstreamPlan } from "../../config/plan.ts";
import { excerpt, isGatewayError } from "./answer.ts";
import { type Check, distinct, type Finding } from "./check.ts";
import { diagnose, type Diagnosis, type Place } from "./diagnosis.ts";
import { inTurn } from "./in_turn.ts";
import type { Stack, Visit } from "./stack.ts";

export const upstreamChecks: readonly Check[] = [
  {
    id: "upstream-answers",
    title: "every server of every upstream answers",
    run: (stack) => diagnosed(stack, "silent"),
  },
  {
    id: "upstream-protocol",
    title: "upstreams speak the protocol that proxy_pass names",
    run: (stack) => diagnosed(stack, "protocol"),
  },
  {
    id: "upstream-error",
    title: "no location answers with a server's error",
    run: serverErrors,
  },
];

async function diagnosed(
  stack: Stack,
  kind: Diagnosis["kind"],
): Promise<Finding[]> {
  const all = await stack.once(diagnoseAll);
  return distinct(
    all.filter((diagnosis) => diagnosis.kind === kind)
      .map(({ sentence, evidence, fix }) => ({ sentence, evidence, fix })),
  );
}

async function diagnoseAll(stack: Stack): Promise<Diagnosis[]> {
  const visits = await stack.visits();
  const places = placesOf(stack);
  const found = await inTurn(places, (place) => diagnose(stack, place));
  return places.flatMap((place, i) => {
    const diagnosis = found[i] ?? null;
    const { upstream } = place;
    const own = visits.filter((visit) => upstreamOf(visit) === upstream);
    if (diagnosis === null) {
      const failed = own.find(({ answer }) => isGatewayError(answer));
      return failed === undefined || upstream.servers.length > 1
        ? []
        : [unlikeTheProxy(place, failed.answer.status)];
    }
    // The doctor may run where no upstream can be reached, the proxy elsewhere.
    const isAlone = places.every((other, at) =>
      other.upstream !== upstream || found[at]?.isLocal === true
    );
    const isElsewhere = diagnosis.isLocal && isAlone &&
      own.some((visit) => isOfUpstream(stack, visit));
    return isElsewhere ? [] : [diagnosis];
  });
}

/** Whether an answer is certainly one of the upstream, and not of the proxy. */
function isOfUpstream(stack: Stack, { path, answer }: Visit): boolean {
  return !isGatewayError(answer) &&
    ![401, 403, 429, 503].includes(answer.status) &&
    stack.explain("GET", path).answer === null;
}

function upstreamOf({ location }: Visit): UpstreamPlan | null {
  return location?.content.kind === "proxy" ? location.content.upstream : null;
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
