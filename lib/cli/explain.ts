/**
 * `sameorigin explain`: what would become of a request, without sending it.
 *
 * The decision is `prepareRequest`'s, the very function that the handler calls.
 *
 * @module
 */
import type { LocationPlan, Plan } from "../config/plan.ts";
import type { PreparedRequest } from "../content/proxy/prepared.ts";
import { readable } from "../route/bytes.ts";
import { parseHost } from "../route/host.ts";
import { explainLocation } from "../route/location.ts";
import { explainServer } from "../route/server.ts";
import { type Admission, prepareRequest } from "../request/prepare.ts";
import { OK } from "./exit_code.ts";
import { type AskedRequest, askedRequest } from "./request_line.ts";
import { columns, type Style, type Terminal } from "./terminal.ts";

/** The client that is asked for: `$remote_addr` and `$remote_port`. */
const CLIENT = { remoteAddr: "127.0.0.1", remotePort: "50000" };

/** What is printed; with `--json` just so. */
export interface Explanation {
  readonly request: { method: string; target: string; host: string };
  /** As the config writes it. */
  readonly listen: string;
  /** Null where the request is refused before that. */
  readonly server: { name: string; why: string } | null;
  readonly location: { key: string; why: string; proxy_pass: string } | null;
  readonly upstream: { name: string; scheme: string; address: string } | null;
  /** What the upstream gets; null where the proxy answers by itself. */
  readonly sent: {
    websocket: boolean;
    method: string;
    target: string;
    headers: [name: string, value: string][];
  } | null;
  /** What the proxy answers by itself; null where it asks the upstream. */
  readonly answer: { status: number; reason: string; location?: string } | null;
}

/** Prints the explanation of one request. */
export function explain(
  plan: Plan,
  method: string,
  url: string,
  headerLines: readonly string[],
  json: boolean,
  terminal: Terminal,
): number {
  const asked = askedRequest(plan, method, url, headerLines);
  const explanation = explanationOf(asked);
  terminal.print(
    json
      ? JSON.stringify(explanation, null, 2) + "\n"
      : inWords(explanation, terminal.outputStyle),
  );
  return OK;
}

/** Decides about a request and says why. */
export function explanationOf(asked: AskedRequest): Explanation {
  const { listener, method, target, headers } = asked;
  const { address } = listener;
  const serverPort = address.transport === "tcp" ? String(address.port) : "";
  const admission = prepareRequest(
    listener,
    asked,
    {
      urlScheme: "http://",
      fallbackHost: `localhost:${serverPort}`,
      serverPort,
      ...CLIENT,
    },
    // Each server of the group gets its turn; the first one is shown.
    ({ content: { upstream: { servers: [first] } } }) => {
      if (first === undefined) throw new Error("an upstream without a server");
      return first.address;
    },
  );
  return {
    request: { method, target, host: headers.get("host") ?? "" },
    listen: listener.written,
    ...placeOf(asked, admission),
    ...outcomeOf(method, admission),
  };
}

/** Which server and location, as far as the request came. */
function placeOf(
  { listener, headers }: AskedRequest,
  admission: Admission,
): Pick<Explanation, "server" | "location"> {
  const context = admission.kind === "proxy"
    ? admission.prepared.context
    : admission.context;
  // A path is only there once the request has been admitted.
  if (context.path === "") return { server: null, location: null };
  const host = parseHost(headers.get("host") ?? "")?.host ?? null;
  const { server, why } = explainServer(listener.servers, host);
  const found = explainLocation(server.locations, context.path);
  return {
    server: { name: server.name, why },
    location: found.match === null ? null : {
      key: found.match.location.key,
      why: found.why,
      proxy_pass: proxyPassOf(found.match.location),
    },
  };
}

/** Empty where the location does not proxy. */
function proxyPassOf({ content }: LocationPlan): string {
  return content.kind === "proxy" ? content.proxyPass : "";
}

function outcomeOf(
  method: string,
  admission: Admission,
): Pick<Explanation, "upstream" | "sent" | "answer"> {
  if (admission.kind === "answer") {
    const { status, reason, location } = admission;
    const answer = location === undefined
      ? { status, reason }
      : { status, reason, location: readable(location) };
    return { upstream: null, sent: null, answer };
  }
  const { prepared, hasBody } = admission;
  const { location, address, websocket, target } = prepared;
  const { name, scheme } = location.content.upstream;
  const headers = (websocket ? handshake(prepared) : framed(prepared, hasBody))
    .map(([name, value]): [string, string] => [name, readable(value)]);
  return {
    upstream: { name, scheme, address: address.name },
    sent: { websocket, method, target, headers },
    answer: null,
  };
}

/** With what `fetch` says of the body by itself (Fetch standard, "HTTP-network-or-cache fetch"). */
function framed(
  { headers, context: { method } }: PreparedRequest,
  hasBody: boolean,
): [string, string][] {
  if (headers.some(([name]) => name === "content-length")) return headers;
  if (hasBody) return [...headers, ["transfer-encoding", "chunked"]];
  const saysNone = method === "POST" || method === "PUT";
  return saysNone ? [["content-length", "0"], ...headers] : headers;
}

/** With what the handshake adds (RFC 6455 section 4.1); the key is a random one. */
function handshake(
  { headers, context }: PreparedRequest,
): [string, string][] {
  const protocols = context.headers.get("sec-websocket-protocol");
  return [
    ...headers,
    ["upgrade", "websocket"],
    ["connection", "Upgrade"],
    ["sec-websocket-version", "13"],
    ["sec-websocket-key", "(16 random bytes)"],
    ...(protocols === null
      ? []
      : [["sec-websocket-protocol", protocols] as [string, string]]),
  ];
}

function inWords(explanation: Explanation, style: Style): string {
  const { listen, server, location, upstream, sent, answer } = explanation;
  const rows: string[][] = [["listen", listen]];
  if (server !== null) {
    rows.push(["server", server.name || "(no server_name)", server.why]);
  }
  if (location !== null) rows.push(["location", location.key, location.why]);
  if (upstream !== null && location !== null) {
    rows.push([
      "upstream",
      upstream.address,
      `proxy_pass ${location.proxy_pass}`,
    ]);
  }
  const blocks = [columns(rows, [style.faint, style.strong], "")];
  if (sent !== null) {
    const title = sent.websocket ? "WebSocket, opened with:" : "Sent upstream:";
    const head = [
      `${sent.method} ${sent.target} HTTP/1.1`,
      ...sent.headers.map(([name, value]) => `${name}: ${value}`.trimEnd()),
    ];
    blocks.push(`${style.faint(title)}\n${head.join("\n")}\n`);
  }
  if (answer !== null) {
    const where = answer.location === undefined
      ? ""
      : `location: ${answer.location}\n`;
    const status = style.bad(String(answer.status));
    blocks.push(
      `${style.faint("Answered by the proxy itself:")}\n` +
        `${status} ${answer.reason}\n${where}`,
    );
  }
  return blocks.join("\n");
}
