/**
 * Are WebSockets reached, and is the page's origin let in?
 *
 * @module
 */
import { type ProbeAnswer, ProbeError } from "../../transport/probe.ts";
import { isGatewayError } from "./answer.ts";
import { inTurn } from "./in_turn.ts";
import type { Check, Finding } from "./check.ts";
import { pageScripts } from "./frontend.ts";
import { HANDSHAKE, type Stack } from "./stack.ts";

export const webSocketChecks: readonly Check[] = [
  {
    id: "websocket",
    title: "WebSocket locations speak WebSocket",
    run: async (stack) =>
      await forPaths(stack, (await candidates(stack)).others, speaksWebSocket),
  },
  {
    id: "websocket-origins",
    title: "the proxy lets the page's own WebSockets in",
    run: async (stack) => {
      const { centrifugo, others } = await candidates(stack);
      return forPaths(stack, [...centrifugo, ...others], refusedByProxy);
    },
  },
  {
    id: "centrifugo-path",
    title: "Centrifugo's WebSocket path is reached",
    run: async (stack) =>
      await forPaths(
        stack,
        (await candidates(stack)).centrifugo,
        reachesCentrifugo,
      ),
  },
  {
    id: "centrifugo-origin",
    title: "Centrifugo accepts the page's origin",
    run: async (stack) =>
      await forPaths(
        stack,
        (await candidates(stack)).centrifugo,
        acceptsOrigin,
      ),
  },
];

const CENTRIFUGO_PATH = "/connection/websocket";

/** Names of paths by which WebSockets are asked for. */
const NAMED_SO = /(?:^|[/_-])(?:websockets?|wss?|cable)(?:\/|$)/i;

/** A handshake through the proxy, and its answer. */
interface Tried {
  readonly stack: Stack;
  readonly path: string;
  readonly answer: ProbeAnswer;
}

/** The paths that are probably meant for WebSockets. */
async function candidates(
  stack: Stack,
): Promise<{ centrifugo: string[]; others: string[] }> {
  const paths = stack.locations.map((it) => stack.pathOf(it))
    .filter((path) => path !== null);
  const named = paths.filter((path) => NAMED_SO.test(path));
  const isCentrifugo = (path: string) => path.endsWith(CENTRIFUGO_PATH);
  const centrifugo = new Set(named.filter(isCentrifugo));
  const upstreams = stack.plan.upstreams.map(({ name }) => name);
  const scripts = await pageScripts(stack);
  const isAsked = scripts.some(({ code }) => code.includes(CENTRIFUGO_PATH));
  if (
    centrifugo.size === 0 &&
    (isAsked || upstreams.some((name) => /centrifugo/i.test(name)))
  ) centrifugo.add(CENTRIFUGO_PATH);
  return {
    centrifugo: [...centrifugo],
    others: named.filter((path) => !isCentrifugo(path)),
  };
}

async function forPaths(
  stack: Stack,
  paths: readonly string[],
  judge: (tried: Tried) => Promise<Finding | null> | Finding | null,
): Promise<Finding[]> {
  if (!await stack.isUp()) return [];
  const findings = await inTurn(paths, async (path) => {
    const answer = await stack.handshake(path, [["origin", stack.origin]]);
    // What does not answer is another check's.
    if (answer instanceof ProbeError || isGatewayError(answer)) return null;
    return await judge({ stack, path, answer });
  });
  return findings.filter((finding) => finding !== null);
}

/** What answers a handshake without agreeing, as those do who know no WebSocket. */
function speaksWebSocket({ stack, path, answer }: Tried): Finding | null {
  const { status } = answer;
  const isHttp = status >= 200 && status < 400 || status === 404 ||
    status === 405;
  return !isHttp ? null : {
    sentence: `${path} answers a WebSocket with plain HTTP.`,
    evidence: `a handshake on ${path}: ${status}` + toWhom(stack, path),
    fix: `Let the location go to the WebSocket server, with the path that it ` +
      `listens on. See what is sent with: sameorigin explain GET ` +
      `ws://${stack.url.host}${path}`,
  };
}

/** Whether the proxy refuses by itself what its own page asks for. */
function refusedByProxy({ stack, path, answer }: Tried): Finding | null {
  if (answer.status !== 403) return null;
  const explained = stack.explain("GET", path, [
    ...HANDSHAKE,
    ["connection", "Upgrade"],
    ["origin", stack.origin],
  ]);
  const check = explained.access.find(({ check, verdict }) =>
    check === "websocket_origins" && !verdict.startsWith("passes")
  );
  return check === undefined ? null : {
    sentence: `The proxy refuses WebSockets of its own page at ${path}.`,
    evidence: `a handshake with Origin: ${stack.origin}: 403, ${check.verdict}`,
    fix: `Write websocket_origins: [self, ${stack.origin}] in the location.`,
  };
}

async function reachesCentrifugo(
  { stack, path, answer }: Tried,
): Promise<Finding | null> {
  // 401 and 403 are its own, too.
  if ([101, 401, 403].includes(answer.status)) return null;
  const where = await findCentrifugo(stack);
  const sent = stack.explain("GET", path).sent?.target;
  const isStripped = sent !== undefined && sent !== path;
  return {
    sentence: `Centrifugo's WebSocket is not reached at ${path}.`,
    evidence: `a handshake on ${path}: ${answer.status}` + toWhom(stack, path),
    fix: isStripped
      ? `The upstream is asked for ${sent}: write proxy_pass without a path, ` +
        `${path}: http://${where ?? "centrifugo"}.`
      : `Add the location ${path}: http://${where ?? "centrifugo"}.`,
  };
}

/** The upstream that takes Centrifugo's handshake; null if none does. */
async function findCentrifugo(stack: Stack): Promise<string | null> {
  const found = await inTurn(stack.plan.upstreams, async (upstream) => {
    const [server] = upstream.servers;
    if (server === undefined || server.address.transport === "unix") {
      return null;
    }
    const answer = await stack.askServer({
      address: server.address,
      secure: upstream.scheme === "https",
      path: CENTRIFUGO_PATH,
      target: CENTRIFUGO_PATH,
      fields: HANDSHAKE,
    });
    return answer instanceof ProbeError || ![101, 403].includes(answer.status)
      ? null
      : upstream.name;
  });
  return found.find((name) => name !== null) ??
    stack.plan.upstreams.map(({ name }) => name)
      .find((name) => /centrifugo/i.test(name)) ??
    null;
}

/** Programs that are no browser send no Origin: Centrifugo lets those in. */
async function acceptsOrigin(
  tried: Tried,
): Promise<Finding | null> {
  const { stack, path, answer } = tried;
  if (answer.status !== 403 || refusedByProxy(tried) !== null) return null;
  const without = await stack.handshake(path, []);
  if (without instanceof ProbeError || without.status === 403) return null;
  return {
    sentence: `Centrifugo refuses the page's origin, ${stack.origin}.`,
    evidence: `a handshake on ${path} with Origin: ${stack.origin}: 403; ` +
      `without: ${without.status}`,
    fix: `Add it to Centrifugo's config: "client": {"allowed_origins": ` +
      `["${stack.origin}"]}, or CENTRIFUGO_CLIENT_ALLOWED_ORIGINS.`,
  };
}

/** Who has answered, as far as the config and its answer tell. */
function toWhom(stack: Stack, path: string): string {
  const content = stack.locationOf(path)?.content;
  const { key } = stack.locationOf(path) ?? { key: "no location" };
  return content?.kind === "proxy"
    ? `, of ${content.upstream.name} (location ${key})`
    : ` (${key})`;
}
