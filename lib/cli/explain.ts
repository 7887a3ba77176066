/**
 * `sameorigin explain`: what would become of a request, without sending it.
 *
 * It runs the phases of a request up to its content, by the very functions that
 * the handler calls, and stops there.
 *
 * @module
 */
import type {
  ContentPlan,
  ListenerPlan,
  LocationPlan,
  Plan,
  StaticPlan,
} from "../config/plan.ts";
import { upstreamTarget } from "../content/proxy/proxy.ts";
import { upstreamFields } from "../content/proxy/upstream_fields.ts";
import { redirected } from "../content/return.ts";
import { Exchange } from "../exchange/exchange.ts";
import type { Field } from "../exchange/fields.ts";
import { LocalResponse } from "../exchange/local_response.ts";
import { admit } from "../request/admit.ts";
import { route } from "../request/route.ts";
import { readable } from "../route/bytes.ts";
import { explainLocation } from "../route/location.ts";
import { explainServer } from "../route/server.ts";
import { wireFields } from "../transport/create.ts";
import { OK } from "./exit_code.ts";
import { explainAccess, type ExplainedCheck } from "./explain_access.ts";
import type { Options } from "./arguments.ts";
import {
  type ExplainedFile,
  type ExplainedRedirect,
  explainFiles,
  fileRows,
  redirectRows,
} from "./explain_files.ts";
import { withHandshake } from "./explain_handshake.ts";
import { type AskedRequest, askedRequest } from "./request_line.ts";
import { columns, type Style, type Terminal } from "./terminal.ts";

/** The client's `$remote_port`. */
const REMOTE_PORT = "50000";

/** The phases of a request, in their order (see lib/request/handler.ts). */
export type Phase = "admit" | "route" | "access" | "content";

/** What is printed; with `--json` just so. */
export interface Explanation {
  readonly request: { method: string; target: string; host: string };
  /** As the config writes it. */
  readonly listen: string;
  /** Null where the request is refused before that. */
  readonly server: { name: string; why: string } | null;
  readonly location:
    | { key: string; why: string; proxy_pass: string | null }
    | null;
  /** The checks of the access phase, in their order. */
  readonly access: readonly ExplainedCheck[];
  /** The internal redirects that have led to this location, in their order. */
  readonly redirects: readonly ExplainedRedirect[];
  /** The file that is sent; null for none. */
  readonly file: ExplainedFile | null;
  readonly upstream: { name: string; scheme: string; address: string } | null;
  /** What the upstream gets; null where the proxy answers by itself. */
  readonly sent: {
    websocket: boolean;
    method: string;
    target: string;
    headers: Field[];
  } | null;
  /** What the proxy answers by itself, and in which phase; null where it asks the upstream. */
  readonly answer:
    | { phase: Phase; status: number; reason: string; location?: string }
    | null;
}

/** Prints the explanation of one request. */
export function explain(
  plan: Plan,
  method: string,
  url: string,
  { header, from, json }: Pick<Options, "header" | "from" | "json">,
  terminal: Terminal,
): number {
  const asked = askedRequest(plan, method, url, header, from);
  const explanation = explanationOf(asked);
  terminal.print(
    json
      ? JSON.stringify(explanation, null, 2) + "\n"
      : inWords(explanation, terminal.outputStyle),
  );
  return OK;
}

/** Runs the phases and says why each decides as it does. */
export function explanationOf(asked: AskedRequest): Explanation {
  const { listener, method, target, headers } = asked;
  const { address } = listener;
  const scheme = listener.certificate === null ? "http" : "https";
  const serverPort = address.transport === "tcp" ? String(address.port) : "";
  const exchange = new Exchange(
    asked,
    {
      urlScheme: `${scheme}://`,
      scheme,
      fallbackHost: `localhost:${serverPort}`,
      serverPort,
    },
    asked.remoteAddr,
    REMOTE_PORT,
    0,
  );
  const nothing = {
    request: { method, target, host: headers.get("host") ?? "" },
    listen: listener.written,
    server: null,
    location: null,
    access: [],
    redirects: [],
    file: null,
    upstream: null,
    sent: null,
    answer: null,
  };

  const refused = admit(exchange, listener);
  if (refused !== null) {
    return { ...nothing, answer: answerOf("admit", refused) };
  }

  return explainLocated(exchange, listener, nothing);
}

/** @param before What is known before a location is looked for. */
function explainLocated(
  exchange: Exchange,
  listener: ListenerPlan,
  before: Explanation,
): Explanation {
  const location = route(exchange, listener, before.redirects.length > 0);
  const { server, why } = explainServer(listener.servers, exchange.hostname);
  const found = explainLocation(server.locations, exchange.path);
  const routed = {
    ...before,
    server: { name: server.name, why },
    location: found.match === null ? null : {
      key: found.match.location.key,
      why: found.why,
      proxy_pass: proxyPassOf(found.match.location),
    },
  };
  if (location instanceof LocalResponse) {
    return { ...routed, answer: answerOf("route", location) };
  }

  const { checks, refusal } = explainAccess(exchange, location);
  const checked = { ...routed, access: checks };
  if (refusal !== null) {
    return { ...checked, answer: answerOf("access", refusal) };
  }
  const { content } = location;
  if (content.kind !== "static") {
    return { ...checked, ...contentOf(exchange, location, content) };
  }
  const explained = explainFiles(exchange, location, content, before.redirects);
  return "answer" in explained
    ? { ...checked, ...explained }
    : explainLocated(exchange, listener, { ...before, ...explained });
}

function contentOf(
  exchange: Exchange,
  location: LocationPlan,
  content: Exclude<ContentPlan, StaticPlan>,
): Pick<Explanation, "upstream" | "sent" | "answer"> {
  const local = (answer: Explanation["answer"]) => ({
    upstream: null,
    sent: null,
    answer,
  });
  if (content.kind === "redirect") {
    return local(answerOf("content", redirected(content, exchange)));
  }
  if (content.kind === "acme_challenge") {
    const reason = `the answer to a challenge in ${content.folder}, or 404`;
    return local({ phase: "content", status: 200, reason });
  }
  if (content.kind === "return") {
    const { status, text } = content;
    const reason = text === null ? "return" : readable(text(exchange));
    return local({ phase: "content", status, reason });
  }
  const target = upstreamTarget(exchange, location, content);
  if (target instanceof LocalResponse) {
    return local(answerOf("content", target));
  }
  // Each server of the group gets its turn; the first one is shown.
  const [first] = content.upstream.servers;
  if (first === undefined) throw new Error("an upstream without a server");
  exchange.upstreamAddr = first.address.name;
  const fields = upstreamFields(exchange, content);
  const { method, websocket, hasBody } = exchange;
  const { name, scheme } = content.upstream;
  const headers = websocket
    ? withHandshake(fields, exchange.fields.webSocketProtocol)
    : wireFields(content.upstream, { method, fields }, hasBody === true);
  return {
    upstream: { name, scheme, address: first.address.name },
    sent: {
      websocket,
      method,
      target: readable(target),
      headers: headers.map(([name, value]) => [name, readable(value)]),
    },
    answer: null,
  };
}

function proxyPassOf({ content }: LocationPlan): string | null {
  return content.kind === "proxy" ? content.proxyPass : null;
}

function answerOf(phase: Phase, local: LocalResponse): Explanation["answer"] {
  const { status, detail: reason, headers } = local;
  const location = headers.find(([name]) => name === "location")?.[1];
  return location === undefined
    ? { phase, status, reason }
    : { phase, status, reason, location: readable(location) };
}

function inWords(explanation: Explanation, style: Style): string {
  const { sent, answer } = explanation;
  const blocks = [
    columns(rowsOf(explanation), [style.faint, style.faint, style.strong], ""),
  ];
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

/** A row for what each phase has found: its name, what, which, why. */
function rowsOf(explanation: Explanation): string[][] {
  const { listen, server, location, upstream, answer } = explanation;
  const rows: string[][] = [["admit", "listen", listen]];
  if (answer?.phase === "admit") return [...rows, answerRow(answer)];
  rows.push(...redirectRows(explanation.redirects));
  if (server !== null) {
    const name = server.name || "(no server_name)";
    rows.push(["route", "server", name, server.why]);
  }
  if (location !== null) {
    rows.push(["", "location", location.key, location.why]);
  }
  if (answer?.phase === "route") return [...rows, answerRow(answer)];
  for (const [i, { check, verdict }] of explanation.access.entries()) {
    const [, word = "", rest = ""] = /^(\S+) (.*)$/s.exec(verdict) ?? [];
    rows.push([i === 0 ? "access" : "", check, word, rest]);
  }
  rows.push(...fileRows(explanation.file));
  if (upstream !== null && location !== null) {
    const { proxy_pass } = location;
    rows.push([
      "content",
      "upstream",
      upstream.address,
      proxy_pass === null ? "" : `proxy_pass ${proxy_pass}`,
    ]);
  }
  return answer === null ? rows : [...rows, answerRow(answer)];
}

function answerRow(
  { phase, status }: NonNullable<Explanation["answer"]>,
): string[] {
  return [phase, "answer", String(status)];
}
