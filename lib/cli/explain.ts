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
import { LocalResponse } from "../exchange/local_response.ts";
import { admit } from "../request/admit.ts";
import { enterServer, route } from "../request/route.ts";
import { readable } from "../route/bytes.ts";
import { explainLocation } from "../route/location.ts";
import { losersOf } from "../route/losers.ts";
import { explainServer } from "../route/server.ts";
import { wireFields } from "../transport/create.ts";
import { OK } from "./exit_code.ts";
import type { Options } from "./arguments.ts";
import { withHandshake } from "./explain_handshake.ts";
import { explainAccess } from "./explain_access.ts";
import { explainFiles } from "./explain_files.ts";
import { respondOf } from "./explain_respond.ts";
import { type AskedRequest, askedRequest } from "./request_line.ts";
import type { Explanation, Phase } from "./explanation.ts";
import { inWords } from "./explain_words.ts";
import type { Terminal } from "./terminal.ts";

export type { Explanation, Phase } from "./explanation.ts";

/** The client's `$remote_port`. */
const REMOTE_PORT = "50000";

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
    losers: [],
    rewrite: null,
    access: [],
    redirects: [],
    file: null,
    upstream: null,
    sent: null,
    respond: [],
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
  const location = before.redirects.length === 0
    ? route(exchange, listener)
    : enterServer(exchange);
  const { server, why } = explainServer(listener.servers, exchange.hostname);
  const found = explainLocation(server.locations, exchange.path);
  const routed = {
    ...before,
    server: { name: server.name, why },
    location: locationOf(exchange, found),
    losers: location === server.rewrite?.answer
      ? []
      : losersOf(server.locations, exchange.path, found.match),
    rewrite: exchange.rerouting === null ? null : {
      rules: exchange.rerouting.rules,
      target: exchange.target.raw,
    },
  };
  if (location instanceof LocalResponse) {
    const phase = location.status < 400 && routed.rewrite !== null
      ? "rewrite"
      : "route";
    const respond = respondOf(exchange.location ?? server, location);
    return { ...routed, respond, answer: answerOf(phase, location) };
  }

  const { checks, refusal } = explainAccess(exchange, location);
  const checked = { ...routed, access: checks };
  const answered = (explained: Explanation) => ({
    ...explained,
    respond: respondOf(location, explained.answer),
  });
  if (refusal !== null) {
    return answered({ ...checked, answer: answerOf("access", refusal) });
  }
  const { content } = location;
  if (content.kind !== "static") {
    return answered({ ...checked, ...contentOf(exchange, location, content) });
  }
  const explained = explainFiles(exchange, location, content, before.redirects);
  return "answer" in explained
    ? answered({ ...checked, ...explained })
    : explainLocated(exchange, listener, { ...before, ...explained });
}

/** The location that the request came to, if it came so far. */
function locationOf(
  { location, server }: Exchange,
  { match, why }: ReturnType<typeof explainLocation<LocationPlan>>,
): Explanation["location"] {
  if (location === null) return null;
  const isFound = match?.location === location;
  const answers = location === server.rewrite?.answer;
  return {
    key: location.key,
    why: isFound ? why : answers ? "of the server, for every request" : "",
    proxy_pass: proxyPassOf(location),
  };
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
    : wireFields(
      content.upstream,
      first.address,
      { method, fields },
      hasBody === true,
    );
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
