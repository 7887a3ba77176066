/**
 * The running stack as the doctor's checks see it: the config's plan, and what
 * the proxy and the upstreams answer. Nothing is asked twice for two checks.
 *
 * No cookie, no `Authorization` and no other secret is ever sent, and redirects
 * are followed within the origin only.
 *
 * @module
 */
import { VERSION } from "../version.ts";
import type {
  ListenerPlan,
  LocationPlan,
  Plan,
  ServerPlan,
  UpstreamAddress,
} from "../../config/plan.ts";
import type { Field } from "../../exchange/fields.ts";
import { escapePath } from "../../route/target.ts";
import { findLocation } from "../../route/location.ts";
import { parseTarget } from "../../route/path.ts";
import { findServer } from "../../route/server.ts";
import {
  probe,
  type ProbeAnswer,
  ProbeError,
  type ProbeRequest,
} from "../../transport/probe.ts";
import { inTurn } from "./in_turn.ts";
import { valueOf } from "./answer.ts";
import { type Explanation, explanationOf } from "../explain.ts";
import { askedRequest } from "../request_line.ts";

/** A request that was sent as a browser sends one, and its answer. */
export interface Visit {
  /** Path and query. */
  readonly path: string;
  /** Null where none takes the path. */
  readonly location: LocationPlan | null;
  readonly answer: ProbeAnswer;
}

/** How the stack is asked. */
export interface StackOptions {
  readonly plan: Plan;
  /** Where a browser opens it; `http:` or `https:`, without a user. */
  readonly url: URL;
  /** Milliseconds that each answer may take. */
  readonly timeout: number;
}

/** A question to a server of an upstream, without the proxy between. */
export interface ServerQuestion {
  readonly address: UpstreamAddress & { transport: "tcp" };
  readonly secure: boolean;
  /** Of the client's request. */
  readonly path: string;
  /** Of the client's request, beside a browser's. */
  readonly fields?: readonly Field[];
  /** What is asked for; by default what the proxy would make of the path. */
  readonly target?: string;
}

/** Redirects that are followed from one path. */
const MOST_REDIRECTS = 5;

/** Locations that are visited, in the order of the file. */
const MOST_LOCATIONS = 100;

/** RFC 6455 section 4.1; any 16 bytes are a key. */
const WEBSOCKET_KEY = "c2FtZW9yaWdpbi1kb2N0bw==";

/** What a browser asks for a page with. */
const PAGE_FIELDS: readonly Field[] = [
  ["accept", "text/html,application/xhtml+xml,*/*;q=0.8"],
  ["accept-encoding", "identity"],
  ["sec-fetch-mode", "navigate"],
  ["sec-fetch-dest", "document"],
];

/** The running stack. */
export class Stack {
  readonly plan: Plan;
  readonly url: URL;
  readonly timeout: number;
  /** The listener that the URL means. */
  readonly listener: ListenerPlan;
  /** The server that takes the URL's host. */
  readonly server: ServerPlan;
  readonly #answers = new Map<string, Promise<ProbeAnswer | ProbeError>>();
  readonly #once = new Map<unknown, Promise<unknown>>();
  #page: Promise<Visit[]> | null = null;
  #visits: Promise<Visit[]> | null = null;

  constructor({ plan, url, timeout }: StackOptions) {
    this.plan = plan;
    this.url = url;
    this.timeout = timeout;
    this.listener = this.#asked("GET", "/", []).listener;
    const hostname = url.hostname.replace(/^\[|\]$/g, "");
    this.server = findServer(this.listener.servers, hostname);
  }

  /** As a browser writes it: `http://localhost:9000`. */
  get origin(): string {
    return this.url.origin;
  }

  get isSecure(): boolean {
    return this.url.protocol === "https:";
  }

  /** The port, also where the URL omits it. */
  get port(): number {
    return Number(this.url.port || (this.isSecure ? "443" : "80"));
  }

  /** The locations that requests come to first, with a `proxy_pass`. */
  get locations(): LocationPlan[] {
    return this.server.locations.entries.map(({ value }) => value)
      .filter(({ content, internal }) => content.kind === "proxy" && !internal);
  }

  /** A path that the location takes; null for a regular expression. */
  pathOf({ prefix }: LocationPlan): string | null {
    return prefix === "" ? null : escapePath(prefix);
  }

  /** The location that takes a path, null if none does. */
  locationOf(path: string): LocationPlan | null {
    const target = parseTarget(path);
    if (target === null) return null;
    return findLocation(this.server.locations, target.path)?.location ?? null;
  }

  /** What a function finds out, which is called once for all checks. */
  once<T>(find: (stack: Stack) => Promise<T>): Promise<T> {
    const known = this.#once.get(find) ?? find(this);
    this.#once.set(find, known);
    return known as Promise<T>;
  }

  /** Whether the proxy answers at all. */
  async isUp(): Promise<boolean> {
    return !(await this.ask("/") instanceof ProbeError);
  }

  /** The URL's own page, after the redirects to it. */
  page(): Promise<Visit[]> {
    return this.#page ??= this.#visit(this.url.pathname + this.url.search);
  }

  /** The page and a path of each location, with the redirects on the way. */
  visits(): Promise<Visit[]> {
    return this.#visits ??= this.#visitAll();
  }

  async #visitAll(): Promise<Visit[]> {
    if (!await this.isUp()) return [];
    const paths = this.locations.map((each) => this.pathOf(each))
      .filter((path) => path !== null).slice(0, MOST_LOCATIONS);
    const page = await this.page();
    const all = await inTurn([...new Set(paths)], (path) => this.#visit(path));
    const visits = new Map<string, Visit>();
    for (const visit of [...page, ...all.flat()]) {
      if (!visits.has(visit.path)) visits.set(visit.path, visit);
    }
    return [...visits.values()];
  }

  /** A path, and where it redirects to within the origin. */
  async #visit(start: string): Promise<Visit[]> {
    const visits: Visit[] = [];
    let path: string | null = start;
    for (let i = 0; path !== null && i <= MOST_REDIRECTS; i++) {
      const answer: ProbeAnswer | ProbeError = await this.ask(path);
      if (answer instanceof ProbeError) break;
      visits.push({ path, location: this.locationOf(path), answer });
      path = this.#next(path, answer);
      if (visits.some((visit) => visit.path === path)) break;
    }
    return visits;
  }

  /** Where a redirect leads to, null where it leaves the origin. */
  #next(path: string, { status, fields }: ProbeAnswer): string | null {
    const location = valueOf(fields, "location");
    if (status < 300 || status > 399 || location === null) return null;
    const url = URL.parse(location, this.origin + path);
    return url?.origin === this.origin ? url.pathname + url.search : null;
  }

  /**
   * What the proxy answers to a browser's `GET`.
   *
   * @param more Fields beside those of a browser.
   */
  ask(
    path: string,
    more: readonly Field[] = [],
  ): Promise<ProbeAnswer | ProbeError> {
    const key = JSON.stringify([path, more]);
    let answer = this.#answers.get(key);
    if (answer === undefined) {
      answer = this.send({
        method: "GET",
        target: path,
        fields: [...PAGE_FIELDS, ...more],
      });
      this.#answers.set(key, answer);
    }
    return answer;
  }

  /** What the proxy answers, with the URL's host. */
  send(request: ProbeRequest): Promise<ProbeAnswer | ProbeError> {
    const { hostname } = this.url;
    const target = {
      hostname: hostname.replace(/^\[|\]$/g, ""),
      port: this.port,
      secure: this.isSecure,
    };
    const fields: Field[] = [["host", this.url.host], USER_AGENT];
    return attempt(target, withFields(request, fields), this.timeout);
  }

  /**
   * What a server answers to what the proxy would send it, without the fields
   * that may be secret.
   */
  askServer(
    { address, path, fields = [], ...question }: ServerQuestion,
  ): Promise<ProbeAnswer | ProbeError> {
    const { sent } = this.explain("GET", path, fields);
    const all: Field[] = [USER_AGENT, ["accept-encoding", "identity"]];
    for (const [name, value] of sent?.headers ?? []) {
      if (HARMLESS.test(name)) all.push([name, value]);
    }
    if (!all.some(([name]) => name === "host")) {
      all.push(["host", address.name]);
    }
    const request = {
      method: "GET",
      target: question.target ?? sent?.target ?? path,
      fields: [...all, ...fields],
    };
    const { secure } = question;
    return attempt({ ...address, secure }, request, this.timeout);
  }

  /** A WebSocket's handshake through the proxy. */
  handshake(path: string, more: readonly Field[]) {
    return this.send({
      method: "GET",
      target: path,
      fields: [...HANDSHAKE, ...more],
    });
  }

  /** What becomes of a request, without sending it. */
  explain(
    method: string,
    path: string,
    fields: readonly Field[] = [],
  ): Explanation {
    return explanationOf(this.#asked(method, path, fields));
  }

  #asked(method: string, path: string, fields: readonly Field[]) {
    const lines = fields.map(([name, value]) => `${name}: ${value}`);
    return askedRequest(this.plan, method, this.url.origin + path, lines);
  }
}

/** The fields of a handshake, but for `Origin`. */
export const HANDSHAKE: readonly Field[] = [
  ["upgrade", "websocket"],
  ["sec-websocket-version", "13"],
  ["sec-websocket-key", WEBSOCKET_KEY],
];

const USER_AGENT: Field = ["user-agent", `sameorigin-doctor/${VERSION}`];

/** What the proxy sets that names the request's origin, and no secret. */
const HARMLESS = /^(?:host|accept|forwarded|x-forwarded-.*|x-real-ip)$/;

function withFields(request: ProbeRequest, before: Field[]): ProbeRequest {
  return { ...request, fields: [...before, ...request.fields] };
}

async function attempt(
  ...args: Parameters<typeof probe>
): Promise<ProbeAnswer | ProbeError> {
  try {
    return await probe(...args);
  } catch (error) {
    if (error instanceof ProbeError) return error;
    throw error;
  }
}
