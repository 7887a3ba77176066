/**
 * The page and its scripts: do they ask the origin that they came from, and does
 * each file come as what it is?
 *
 * @module
 */
import { ProbeError } from "../../transport/probe.ts";
import { type Check, distinct, type Finding } from "./check.ts";
import { inlineScripts, references } from "./html.ts";
import type { Stack, Visit } from "./stack.ts";
import { valueOf } from "./answer.ts";
import { inTurn } from "./in_turn.ts";

export const frontendChecks: readonly Check[] = [
  {
    id: "absolute-url",
    title: "the page's scripts ask their own origin",
    run: absoluteUrls,
  },
  {
    id: "mixed-content",
    title: "a page over https loads nothing over http",
    run: mixedContent,
  },
  {
    id: "asset-type",
    title: "scripts and stylesheets come as such",
    run: assetTypes,
  },
];

/** A script of the page. */
export interface Script {
  /** Its path; that of the page for one that stands in it. */
  readonly path: string;
  readonly text: string;
  /** Without the comments, in which libraries have their examples. */
  readonly code: string;
}

/** Scripts that are read of a page. */
const MOST_SCRIPTS = 80;

/** Scripts and stylesheets of pages whose type is looked at. */
const MOST_ASSETS = 60;

/** Modules of libraries and of Vite itself. */
const OF_OTHERS = /\/node_modules\/|^\/@(?:vite|react-refresh|id|fs)\b/;

/** Static and dynamic imports of modules by a path. */
const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*["']((?:\/|\.\.?\/)[^"'\s]+)["']/g;

/** The scripts of the URL's page, with what they import. */
export function pageScripts(stack: Stack): Promise<Script[]> {
  return stack.once(readScripts);
}

async function readScripts(stack: Stack): Promise<Script[]> {
  const page = (await stack.page()).at(-1);
  if (page === undefined || !isHtml(page)) return [];
  const { body } = page.answer;
  const scripts = inlineScripts(body)
    .map((text) => scriptOf(page.path, text));
  const seen = new Set<string>();
  let open = [
    ...references(body).filter(({ kind }) => kind === "script")
      .map(({ url }) => url),
    ...scripts.flatMap(({ text }) => importsIn(text)),
  ].map((url) => within(stack, url, page.path));
  while (open.length > 0) {
    const next = [...new Set(open)].filter((path) => path !== null)
      .filter((path) => !seen.has(path) && !OF_OTHERS.test(path))
      .slice(0, MOST_SCRIPTS - seen.size);
    for (const path of next) seen.add(path);
    const read = await inTurn(next, (path) => readScript(stack, path));
    const found = read.filter((script) => script !== null);
    scripts.push(...found);
    open = found.flatMap(({ path, text }) =>
      importsIn(text).map((url) => within(stack, url, path))
    );
  }
  return scripts;
}

function importsIn(text: string): string[] {
  return [...text.matchAll(IMPORT)].map(([, url = ""]) => url);
}

/** The path of a URL in a page, null where it is of another origin. */
export function within(stack: Stack, url: string, base: string): string | null {
  const whole = URL.parse(url, stack.origin + base);
  return whole?.origin === stack.origin ? whole.pathname + whole.search : null;
}

async function readScript(stack: Stack, path: string): Promise<Script | null> {
  const answer = await stack.ask(path, SCRIPT_FIELDS);
  if (answer instanceof ProbeError || answer.status !== 200) return null;
  return scriptOf(path, answer.body);
}

function scriptOf(path: string, text: string): Script {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/^\s*\/\/.*$/gm, "");
  return { path, text, code };
}

const SCRIPT_FIELDS: readonly [string, string][] = [
  ["sec-fetch-dest", "script"],
];

export function isHtml({ answer }: Visit): boolean {
  const type = valueOf(answer.fields, "content-type") ?? "";
  return answer.status === 200 && type.startsWith("text/html");
}

/** A URL with a host in a script. */
const ABSOLUTE =
  /\b(https?|wss?):\/\/((?:[a-z0-9-]+\.)*[a-z0-9-]+|\[[0-9a-f:]+\])(:\d+)?(?:\/[\w./-]*)?/gi;

async function absoluteUrls(stack: Stack): Promise<Finding[]> {
  const findings = (await pageScripts(stack)).flatMap(({ path, code }) =>
    absoluteIn(code).filter(({ url }) => isOwnService(stack, url))
      .map(({ written, url }) => ({
        sentence: `The page's scripts ask another origin, ` +
          `${url.protocol}//${url.host}.`,
        evidence: `${path}: ${written}`,
        fix: `Ask for the path alone (${url.pathname}), so that the request ` +
          `goes through the proxy with the session's cookie. It is often in ` +
          `a variable of the build, such as VITE_API_URL.`,
      }))
  );
  return distinct(findings);
}

function absoluteIn(code: string): { written: string; url: URL }[] {
  return [...code.matchAll(ABSOLUTE)].flatMap(([written]) => {
    const url = URL.parse(written);
    return url === null ? [] : [{ written, url }];
  });
}

/** Whether a URL in a script is of a part of this stack, but not of its origin. */
function isOwnService(stack: Stack, url: URL): boolean {
  const { hostname, port } = url;
  const here = stack.url;
  const scheme = url.protocol.replace("ws", "http");
  if (`${scheme}//${url.host}` === here.origin) return false;
  const isUpstream = stack.plan.upstreams.some(({ servers }) =>
    servers.some(({ address }) =>
      address.transport === "tcp" && address.hostname === hostname &&
      String(address.port) === port
    )
  );
  if (isUpstream) return true;
  // Without a port it is the placeholder of a library ("http://localhost").
  if (port !== "" && (hostname === here.hostname || isPrivate(hostname))) {
    return true;
  }
  const site = here.hostname.split(".").slice(-2).join(".");
  return /^api[.-]/.test(hostname) && here.hostname.includes(".") &&
    !/^[\d.]+$/.test(here.hostname) && hostname.endsWith(`.${site}`) &&
    hostname !== here.hostname;
}

/** Loopback, and the networks of RFC 1918. */
function isPrivate(hostname: string): boolean {
  return /^(?:localhost|\[::1\]|0\.0\.0\.0|127\..*|10\..*|192\.168\..*|172\.(?:1[6-9]|2\d|3[01])\..*)$/
    .test(hostname);
}

async function mixedContent(stack: Stack): Promise<Finding[]> {
  if (!stack.isSecure) return [];
  const pages = (await stack.visits()).filter(isHtml);
  const loaded = pages.flatMap(({ path, answer }) =>
    references(answer.body).filter(({ url }) => /^http:\/\//i.test(url))
      .map(({ kind, url }) => ({ path, what: `${kind} ${url}` }))
  );
  const sockets = (await pageScripts(stack)).flatMap(({ path, code }) =>
    absoluteIn(code).filter(({ url }) => url.protocol === "ws:")
      .map(({ written }) => ({ path, what: `WebSocket ${written}` }))
  );
  return distinct([...loaded, ...sockets].map(({ path, what }) => ({
    sentence:
      `A page over https asks for something over http, which browsers ` +
      `block: ${what}.`,
    evidence: `in ${path}`,
    fix: "Write the path alone. If the upstream makes the URL, it must get " +
      "X-Forwarded-Proto: https and believe it.",
  })));
}

async function assetTypes(stack: Stack): Promise<Finding[]> {
  const assets = new Map<string, { kind: string; page: string }>();
  for (const { path: page, answer } of (await stack.visits()).filter(isHtml)) {
    for (const { kind, url } of references(answer.body)) {
      const path = within(stack, url, page);
      if (path === null || (kind !== "script" && kind !== "style")) continue;
      if (!assets.has(path)) assets.set(path, { kind, page });
    }
  }
  const some = [...assets].slice(0, MOST_ASSETS);
  const findings = await inTurn(some, async ([path, { kind, page }]) => {
    const dest: [string, string] = ["sec-fetch-dest", kind];
    const answer = await stack.ask(path, [dest]);
    if (answer instanceof ProbeError) return null;
    const type = valueOf(answer.fields, "content-type") ?? "no type";
    const isPage = answer.status === 200 && type.startsWith("text/html");
    if (!isPage && answer.status !== 404) return null;
    const location = stack.locationOf(path);
    const name = kind === "script" ? "script" : "stylesheet";
    return {
      sentence: `The ${name} ${path} ${
        isPage ? "is answered with a page of HTML" : "is not found"
      }.`,
      evidence: `${page} asks for it; ${answer.status}, ${type}, of ` +
        `location ${location?.key ?? "none"}`,
      fix: `Add a location for /${path.split("/")[1]} that goes to the ` +
        `upstream which has the file.`,
    };
  });
  return distinct(findings.filter((finding) => finding !== null));
}
