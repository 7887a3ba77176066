/**
 * Development servers: Vite's hot reloading, and hosts that a server refuses.
 *
 * @module
 */
import { isGatewayError, valueOf } from "./answer.ts";
import { ProbeError } from "../../transport/probe.ts";
import { type Check, distinct, type Finding } from "./check.ts";
import { within } from "./frontend.ts";
import { references } from "./html.ts";
import type { Stack, Visit } from "./stack.ts";

export const devServerChecks: readonly Check[] = [
  {
    id: "vite-hmr",
    title: "Vite's WebSocket for hot reloading is reached",
    run: hotReloading,
  },
  {
    id: "host-refused",
    title: "no upstream refuses the page's host",
    run: refusedHosts,
  },
];

/** What Vite writes into its client. */
interface ViteClient {
  /** The page's path of its WebSocket. */
  readonly path: string;
  /** `server.hmr.clientPort` or `.port`; null for the page's own. */
  readonly port: number | null;
  /** `server.hmr.host`; null for the page's own. */
  readonly hostname: string | null;
}

async function hotReloading(stack: Stack): Promise<Finding[]> {
  const page = (await stack.page()).at(-1);
  const script = page === undefined ? undefined : references(page.answer.body)
    .find(({ url }) => /\/@vite\/client(?:\?|$)/.test(url));
  if (page === undefined || script === undefined) return [];
  const source = within(stack, script.url, page.path);
  const answer = source === null ? null : await stack.ask(source);
  if (answer === null || answer instanceof ProbeError) return [];
  const client = viteClient(answer.body);
  if (client === null) return [];
  const elsewhere = asksElsewhere(stack, client);
  if (elsewhere !== null) return [elsewhere];
  const tried = await stack.handshake(client.path, [
    ["origin", stack.origin],
    ["sec-websocket-protocol", "vite-hmr"],
  ]);
  if (tried instanceof ProbeError || tried.status === 101) return [];
  if (isGatewayError(tried)) return [];
  const path = client.path.replace(/\?.*/, "");
  const location = stack.locationOf(path);
  return [{
    sentence: "Vite's WebSocket for hot reloading is not reached.",
    evidence: `a handshake on ${path} with vite-hmr: ${tried.status} ` +
      `(location ${location?.key ?? "none"})`,
    fix: `Let ${path} go to Vite, without a path in proxy_pass. See: ` +
      `sameorigin explain GET ws://${stack.url.host}${path}`,
  }];
}

function asksElsewhere(
  stack: Stack,
  { port, hostname }: ViteClient,
): Finding | null {
  const samePort = port === null || port === stack.port;
  const sameHost = hostname === null || hostname === stack.url.hostname;
  return samePort && sameHost ? null : {
    sentence: `Vite's client asks for its WebSocket at ${
      hostname ?? stack.url.hostname
    }:${port ?? stack.port}, not at ${stack.url.host}.`,
    evidence: "/@vite/client: " + [
      port === null ? "" : `hmrPort = ${port}`,
      hostname === null ? "" : `host ${hostname}`,
    ].filter((text) => text !== "").join(", "),
    fix: "Remove server.hmr (host, port, clientPort) from vite.config: the " +
      "client asks the page's own origin then.",
  };
}

/** Reads the constants that Vite (5 to 8) puts into its client; null for none of it. */
function viteClient(text: string): ViteClient | null {
  const host =
    /socketHost = `\$\{(null|"[^"]*") \|\| [^}]*\}:[^}]*\}\$\{"([^"]*)"\}`/
      .exec(text);
  if (host === null) return null;
  const [, hostname = "null", path = "/"] = host;
  const port = /hmrPort = "?(\d+|null)"?/.exec(text)?.[1] ?? "null";
  const token = /wsToken = "([\w-]*)"/.exec(text)?.[1];
  return {
    path: path + (token === undefined ? "" : `?token=${token}`),
    port: port === "null" ? null : Number(port),
    hostname: hostname === "null" ? null : hostname.slice(1, -1),
  };
}

/** How servers say that they don't know the host, and what is to be done. */
const REFUSALS: readonly {
  readonly status: number;
  readonly words: RegExp;
  fix(host: string): string;
}[] = [
  {
    status: 403,
    words: /Blocked request\.\s+This host \([^)]*\) is not allowed/,
    fix: (host) =>
      `Add it in vite.config: server: { allowedHosts: ["${host}"] } ` +
      `(preview: { … } for vite preview).`,
  },
  {
    status: 400,
    words: /Invalid HTTP_HOST header: .{0,60}|DisallowedHost/,
    fix: (host) => `Add it in Django's settings: ALLOWED_HOSTS = ["${host}"].`,
  },
  {
    status: 400,
    words: /<h1>Bad Request \(400\)<\/h1>/,
    fix: (host) =>
      `If it is Django: ALLOWED_HOSTS = ["${host}"]. Its log says ` +
      `"Invalid HTTP_HOST header".`,
  },
  {
    status: 403,
    words: /Invalid Host(?:\/Origin)? header/,
    fix: (host) =>
      `Add it in webpack.config: devServer: { allowedHosts: ["${host}"] }.`,
  },
  {
    status: 403,
    words: /Blocked hosts?: .{0,60}/,
    fix: (host) =>
      `Add it in Rails: config.hosts << "${host}" (development.rb).`,
  },
];

async function refusedHosts(stack: Stack): Promise<Finding[]> {
  const findings = (await stack.visits()).map((visit) => {
    const { status, body } = visit.answer;
    const refusal = REFUSALS.find((it) =>
      it.status === status && it.words.test(body)
    );
    if (refusal === undefined) return null;
    const host = sentHost(stack, visit).replace(/:\d+$/, "");
    const words = refusal.words.exec(body)?.[0].replace(/<[^>]*>/g, "") ?? "";
    return {
      sentence: `${upstreamName(visit)} refuses the host ${host}.`,
      evidence: `GET ${visit.path}: ${status}, ${words}`,
      fix: refusal.fix(host),
    };
  });
  return distinct(findings.filter((finding) => finding !== null));
}

function sentHost(stack: Stack, { path }: Visit): string {
  const { sent } = stack.explain("GET", path);
  return valueOf(sent?.headers ?? [], "host") ?? stack.url.host;
}

function upstreamName({ location }: Visit): string {
  return location?.content.kind === "proxy"
    ? location.content.upstream.name
    : "The upstream";
}
