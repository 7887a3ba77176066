/**
 * CORS and CSRF: behind one origin neither needs anything, so what is left of them
 * shows a mistake.
 *
 * @module
 */
import { valueOf } from "./answer.ts";
import { inTurn } from "./in_turn.ts";
import { ProbeError } from "../../transport/probe.ts";
import { type Check, distinct, type Finding } from "./check.ts";
import { within } from "./frontend.ts";
import { djangoLogin } from "./html.ts";
import type { Stack } from "./stack.ts";

export const crossOriginChecks: readonly Check[] = [
  {
    id: "cors",
    title: "no CORS header names another origin",
    run: otherOrigins,
  },
  {
    id: "cors-credentials",
    title: "foreign pages can't read answers with the visitor's cookies",
    run: openToAll,
  },
  {
    id: "csrf-host",
    title: "CSRF checks see the browser's host",
    run: (stack) => csrf(stack, "host"),
  },
  {
    id: "csrf-scheme",
    title: "CSRF checks see the browser's scheme",
    run: (stack) => csrf(stack, "scheme"),
  },
];

/** An origin that nobody can have (RFC 2606). */
const FOREIGN = "https://foreign.invalid";

interface Cors {
  readonly path: string;
  readonly allowed: string | null;
  readonly withCredentials: boolean;
}

/** What each location allows to pages of an origin. */
async function corsFor(stack: Stack, origin: string): Promise<Cors[]> {
  if (!await stack.isUp()) return [];
  const paths = stack.locations.map((each) => stack.pathOf(each))
    .filter((path) => path !== null);
  const answers = await inTurn(paths, async (path) => {
    const answer = await stack.ask(path, [["origin", origin]]);
    if (answer instanceof ProbeError) return null;
    const value = (name: string) => valueOf(answer.fields, name);
    return {
      path,
      allowed: value("access-control-allow-origin"),
      withCredentials: value("access-control-allow-credentials") === "true",
    };
  });
  return answers.filter((answer) => answer !== null);
}

async function otherOrigins(stack: Stack): Promise<Finding[]> {
  const all = await corsFor(stack, stack.origin);
  return distinct(
    all.filter(({ allowed }) =>
      allowed !== null && allowed !== "*" && allowed !== stack.origin
    ).map(({ path, allowed }) => ({
      sentence:
        `${path} still allows another origin by CORS, ${allowed}: the ` +
        `page probably calls it from there.`,
      evidence: `GET ${path}: Access-Control-Allow-Origin: ${allowed}`,
      fix:
        `Open the page at ${stack.origin}, let it ask for paths alone, and ` +
        `remove the CORS settings of the backend: nothing needs them here.`,
    })),
  );
}

async function openToAll(stack: Stack): Promise<Finding[]> {
  const all = await corsFor(stack, FOREIGN);
  return all.filter(({ withCredentials }) => withCredentials)
    .filter(({ allowed }) => allowed === FOREIGN || allowed === "*")
    .map(({ path, allowed }) => ({
      sentence: allowed === "*"
        ? `${path} allows every origin and credentials: browsers refuse both ` +
          `together.`
        : `Any page can read ${path} with the visitor's cookies.`,
      evidence: `GET ${path} with Origin: ${FOREIGN}: ` +
        `Access-Control-Allow-Origin: ${allowed}, ` +
        `Access-Control-Allow-Credentials: true`,
      fix: "Remove the CORS settings of the backend (Django: corsheaders, " +
        "CORS_ALLOW_CREDENTIALS): behind one origin nothing needs them.",
    }));
}

/**
 * Django compares `Origin` with the scheme and the host that it sees, before it
 * looks for a token. So a post without one, which can change nothing, is enough
 * to hear of it; with `DEBUG` the answer gives the reason.
 */
async function csrf(
  stack: Stack,
  kind: "host" | "scheme",
): Promise<Finding[]> {
  const refused = await stack.once(refusedPosts);
  const findings = refused.map(({ path, reason }): Finding | null => {
    const sent = new Map(stack.explain("POST", path).sent?.headers ?? []);
    const host = sent.get("host") ?? "";
    const isScheme = stack.isSecure && host === stack.url.host;
    if (isScheme !== (kind === "scheme")) return null;
    if (isScheme) {
      return {
        sentence: `Django refuses every form at ${path}: it takes the page ` +
          `for one over http.`,
        evidence: reason,
        fix: "Let it believe the proxy: SECURE_PROXY_SSL_HEADER = " +
          '("HTTP_X_FORWARDED_PROTO", "https"). If something before the ' +
          "proxy ends TLS, name its network in trusted_proxies.",
      };
    }
    return {
      sentence: `Django refuses every form at ${path}: it sees the host ` +
        `${host || "of the upstream"}, the browser ${stack.url.host}.`,
      evidence: reason,
      fix:
        `Send the browser's host: proxy_set_header: {Host: $http_host}; or ` +
        `set CSRF_TRUSTED_ORIGINS = ["${stack.origin}"] in Django.`,
    };
  });
  return findings.filter((finding) => finding !== null);
}

/** The login forms whose posts Django refuses for their origin. */
async function refusedPosts(
  stack: Stack,
): Promise<{ path: string; reason: string }[]> {
  const forms = (await stack.visits()).flatMap(({ path, answer }) => {
    const form = djangoLogin(answer.body);
    const action = form === null
      ? null
      : within(stack, form.action || path, path);
    return action === null ? [] : [action];
  });
  const refused = await inTurn([...new Set(forms)], async (path) => {
    const answer = await stack.send({
      method: "POST",
      target: path,
      fields: [
        ["origin", stack.origin],
        ["accept", "text/html"],
        ["content-type", "application/x-www-form-urlencoded"],
      ],
      body: "",
    });
    if (answer instanceof ProbeError || answer.status !== 403) return null;
    const reason = /Origin checking failed[^<\n]*/.exec(answer.body)?.[0];
    return reason === undefined ? null : { path, reason };
  });
  return refused.filter((it) => it !== null);
}
