/**
 * Do redirects stay within the origin?
 *
 * @module
 */
import { type Check, distinct, type Finding } from "./check.ts";
import type { Stack, Visit } from "./stack.ts";
import { valueOf } from "./answer.ts";

export const redirectChecks: readonly Check[] = [
  {
    id: "redirect-origin",
    title: "redirects don't lead to an upstream's own address",
    run: each((redirect) => leaves(redirect)),
  },
  {
    id: "redirect-port",
    title: "redirects keep the port",
    run: each((redirect) => losesPort(redirect)),
  },
  {
    id: "redirect-scheme",
    title: "redirects keep the scheme",
    run: each((redirect) => changesScheme(redirect)),
  },
  {
    id: "redirect-loop",
    title: "redirects end",
    run: each((redirect) => loops(redirect)),
  },
];

/** A redirect of an upstream. */
interface Redirect {
  readonly stack: Stack;
  readonly visit: Visit;
  /** All visits, by path. */
  readonly all: ReadonlyMap<string, Visit>;
  /** Where it leads to. */
  readonly url: URL;
  readonly evidence: string;
}

function each(judge: (redirect: Redirect) => Finding | null): Check["run"] {
  return async (stack) => {
    const visits = await stack.visits();
    const all = new Map(visits.map((visit) => [visit.path, visit]));
    const findings = visits.map((visit) => {
      const url = leadsTo(stack, visit);
      if (url === null) return null;
      const { status, fields } = visit.answer;
      const evidence = `GET ${visit.path}: ${status}, Location: ${
        valueOf(fields, "location")
      }`;
      return judge({ stack, visit, all, url, evidence });
    });
    return distinct(findings.filter((finding) => finding !== null));
  };
}

function leadsTo(stack: Stack, { path, answer }: Visit): URL | null {
  const location = valueOf(answer.fields, "location");
  if (answer.status < 300 || answer.status > 399 || location === null) {
    return null;
  }
  return URL.parse(location, stack.origin + path);
}

/** Other sites are left in peace: who signs in elsewhere means to leave. */
function leaves(redirect: Redirect): Finding | null {
  const { stack, visit, url, evidence } = redirect;
  if (url.origin === stack.origin || url.hostname === stack.url.hostname) {
    return null;
  }
  const inside = stack.plan.upstreams.flatMap(({ name, servers }) => [
    name,
    ...servers.flatMap(({ address }) => [
      address.name,
      address.transport === "tcp" ? address.hostname : "",
    ]),
  ]);
  const isInside = inside.includes(url.host) || inside.includes(url.hostname) ||
    /^(?:localhost|127\.[\d.]+|0\.0\.0\.0|\[::1\])$/.test(url.hostname);
  return !isInside ? null : {
    sentence: `A redirect of ${keyOf(visit)} leaves the origin: it leads to ` +
      `${url.origin}, which browsers can't or shouldn't reach.`,
    evidence,
    fix: `Let the upstream know the browser's host: proxy_set_header: {Host: ` +
      `$http_host}; or map it back: proxy_redirect: {"${url.origin}/": /}.`,
  };
}

function losesPort({ stack, visit, url, evidence }: Redirect): Finding | null {
  const here = stack.url;
  if (url.hostname !== here.hostname || url.port === here.port) return null;
  // From http to https the port changes with the scheme.
  if (url.protocol !== here.protocol && url.port === "" && here.port === "") {
    return null;
  }
  if (url.protocol !== here.protocol) return null;
  const lost = url.port === "" ? "loses the port" : "leads to another port";
  return {
    sentence: `A redirect of ${keyOf(visit)} ${lost}: from ${here.host} to ` +
      `${url.host}.`,
    evidence,
    fix: "Give the upstream the host with its port: proxy_set_header: " +
      "{Host: $http_host}. With $host it has none.",
  };
}

function changesScheme(
  { stack, visit, url, evidence }: Redirect,
): Finding | null {
  const here = stack.url;
  if (url.hostname !== here.hostname || url.protocol === here.protocol) {
    return null;
  }
  if (stack.isSecure && url.protocol === "http:") {
    return {
      sentence: `A redirect of ${keyOf(visit)} leads from https to http.`,
      evidence,
      fix: "The upstream must get X-Forwarded-Proto: https and believe it " +
        "(Django: SECURE_PROXY_SSL_HEADER). If something before the proxy " +
        "ends TLS, name its network in trusted_proxies.",
    };
  }
  // To another port there may be one with TLS.
  const same = url.port === here.port && here.port !== "";
  return stack.isSecure || !same ? null : {
    sentence: `A redirect of ${keyOf(visit)} leads to https on the port of ` +
      `http: nothing answers there.`,
    evidence,
    fix: "Turn the upstream's redirect to https off for development " +
      "(Django: SECURE_SSL_REDIRECT = False), or end TLS before the proxy.",
  };
}

function loops({ stack, visit, all, url, evidence }: Redirect): Finding | null {
  const paths = new Set([visit.path]);
  for (let next: URL | null = url; next?.origin === stack.origin;) {
    const path: string = next.pathname + next.search;
    if (paths.has(path)) {
      // The redirect that closes the circle is told of once.
      if (path !== visit.path) return null;
      return {
        sentence: `The redirects from ${[...paths].toSorted()[0]} never end.`,
        evidence,
        fix: "Two of them undo each other: a final slash that one adds and " +
          "one removes, or a scheme. Compare proxy_pass and the upstream's " +
          "own paths with: sameorigin explain GET " + visit.path,
      };
    }
    paths.add(path);
    const further = all.get(path);
    next = further === undefined ? null : leadsTo(stack, further);
  }
  return null;
}

function keyOf({ location, path }: Visit): string {
  return location?.key ?? path;
}
