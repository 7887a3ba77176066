/**
 * The cookies that the stack sets: does a browser keep them, does it send them
 * back to whoever set them, and are those of a session guarded?
 *
 * @module
 */
import type { LocationPlan } from "../../config/plan.ts";
import { type Check, distinct, type Finding } from "./check.ts";
import type { Stack, Visit } from "./stack.ts";
import { valuesOf } from "./answer.ts";

export const cookieChecks: readonly Check[] = [
  {
    id: "cookie-httponly",
    title: "session cookies are HttpOnly",
    run: each(({ cookie, evidence }) =>
      !cookie.isSession || cookie.has("httponly") ? null : {
        sentence: `The session cookie ${cookie.name} can be read by scripts: ` +
          `it has no HttpOnly.`,
        evidence,
        fix: "Set it with HttpOnly (Django: SESSION_COOKIE_HTTPONLY = True, " +
          "Express: cookie.httpOnly, Rails: httponly: true).",
      }
    ),
  },
  {
    id: "cookie-samesite",
    title: "session cookies have SameSite",
    run: each(({ cookie, evidence }) =>
      !cookie.isSession || cookie.has("samesite") ? null : {
        sentence: `The session cookie ${cookie.name} has no SameSite: some ` +
          `browsers send it with requests of foreign pages.`,
        evidence,
        fix: "Set it with SameSite=Lax (Django: SESSION_COOKIE_SAMESITE = " +
          '"Lax"). Behind one origin nothing needs more.',
      }
    ),
  },
  {
    id: "cookie-secure",
    title: "over TLS, session cookies are Secure",
    run: each(({ stack, cookie, evidence }) =>
      !stack.isSecure || !cookie.isSession || cookie.has("secure") ? null : {
        sentence: `The session cookie ${cookie.name} is also sent without ` +
          `TLS: it has no Secure.`,
        evidence,
        fix: "Set it with Secure (Django: SESSION_COOKIE_SECURE = True). If " +
          "the backend does so by the request's scheme, it must get " +
          "X-Forwarded-Proto: https, see trusted_proxies.",
      }
    ),
  },
  {
    id: "cookie-dropped",
    title: "browsers keep the cookies",
    run: each((seen) => {
      const why = whyDropped(seen);
      return why === null ? null : {
        sentence: `The browser drops the cookie ${seen.cookie.name}: ` +
          `${why.reason}.`,
        evidence: seen.evidence,
        fix: why.fix,
      };
    }),
  },
  {
    id: "cookie-domain",
    title: "cookies are set for the page's host",
    run: each(({ stack, cookie, evidence }) => {
      const domain = cookie.value("domain")?.replace(/^\./, "").toLowerCase();
      const { hostname } = stack.url;
      return !domain || domain === hostname || hostname.endsWith(`.${domain}`)
        ? null
        : {
          sentence:
            `The cookie ${cookie.name} is set for the host ${domain}, ` +
            `so the browser drops it.`,
          evidence,
          fix:
            "Set it without Domain (Django: SESSION_COOKIE_DOMAIN = None): " +
            `it is ${hostname}'s then.`,
        };
    }),
  },
  {
    id: "cookie-path",
    title: "cookies come back to the upstream that set them",
    run: each((seen) => {
      const path = seen.cookie.value("path");
      if (path === null || comesBack(seen, path)) return null;
      return {
        sentence: `The cookie ${seen.cookie.name} never comes back to the ` +
          `upstream that set it: its path is ${path}.`,
        evidence: seen.evidence,
        fix: `Set it with Path=/, or with the path that browsers see, ` +
          `${seen.visit.location?.key ?? "/"}.`,
      };
    }),
  },
];

/** A cookie, and where it was set. */
interface Seen {
  readonly stack: Stack;
  readonly visit: Visit;
  readonly cookie: Cookie;
  readonly evidence: string;
}

/** A `Set-Cookie` field, read as browsers do (RFC 6265 section 5.2). */
class Cookie {
  readonly name: string;
  readonly isEmpty: boolean;
  readonly #attributes: ReadonlyMap<string, string>;
  /** As it came, but for the value. */
  readonly masked: string;

  constructor(field: string) {
    const [pair = "", ...rest] = field.split(";").map((part) => part.trim());
    const at = pair.indexOf("=");
    this.name = at === -1 ? "" : pair.slice(0, at).trim();
    this.isEmpty = at === -1 || pair.slice(at + 1).replaceAll('"', "") === "";
    this.#attributes = new Map(rest.map((part) => {
      const [name = "", ...value] = part.split("=");
      return [name.trim().toLowerCase(), value.join("=").trim()];
    }));
    this.masked = [`${this.name}=…`, ...rest].join("; ");
  }

  has(attribute: string): boolean {
    return this.#attributes.has(attribute);
  }

  value(attribute: string): string | null {
    return this.#attributes.get(attribute) ?? null;
  }

  /** Whether it tells who the visitor is, by its name. Scripts read those against CSRF. */
  get isSession(): boolean {
    return /sess|(?:^|[._-])sid$|auth|jwt|remember|token/i.test(this.name) &&
      !/csrf|xsrf/i.test(this.name);
  }
}

function each(judge: (seen: Seen) => Finding | null): Check["run"] {
  return async (stack) => {
    const findings = (await stack.visits()).flatMap((visit) =>
      valuesOf(visit.answer.fields, "set-cookie").map((field) => {
        const cookie = new Cookie(field);
        const evidence = `GET ${visit.path}: Set-Cookie: ${cookie.masked}`;
        // One that is deleted guards nothing.
        return cookie.isEmpty || cookie.name === ""
          ? null
          : judge({ stack, visit, cookie, evidence });
      })
    );
    return distinct(findings.filter((finding) => finding !== null));
  };
}

/** RFC 6265bis section 5.7, as browsers do it. */
function whyDropped(
  { stack, cookie }: Seen,
): { reason: string; fix: string } | null {
  const secure = cookie.has("secure");
  if (secure && !stack.isSecure && !isLoopback(stack.url.hostname)) {
    return {
      reason: "it has Secure, and the page comes over http",
      fix: "Serve the page over https, or set it without Secure in " +
        "development (Django: SESSION_COOKIE_SECURE = False).",
    };
  }
  if (cookie.value("samesite")?.toLowerCase() === "none" && !secure) {
    return {
      reason: "SameSite=None needs Secure",
      fix: "Set it with SameSite=Lax: behind one origin that is enough.",
    };
  }
  const needs = cookie.name.startsWith("__Host-")
    ? secure && !cookie.has("domain") && cookie.value("path") === "/"
    : !cookie.name.startsWith("__Secure-") || secure;
  return needs ? null : {
    reason: `its name's prefix needs Secure${
      cookie.name.startsWith("__Host-") ? ", Path=/ and no Domain" : ""
    }`,
    fix: "Set these attributes, or give it another name.",
  };
}

/** Where browsers take http for secure (Secure Contexts, section 3.1). */
function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname.endsWith(".localhost") ||
    hostname === "[::1]" || hostname.startsWith("127.");
}

/** Whether a path that the cookie is sent with goes to the upstream that set it. */
function comesBack({ stack, visit }: Seen, path: string): boolean {
  // Anything else means the default path (RFC 6265 section 5.2.4).
  if (!path.startsWith("/") || path === "/") return true;
  const upstream = upstreamOf(visit.location);
  if (upstream === null) return true;
  const below = stack.locations.filter(({ prefix }) =>
    prefix === path || prefix.startsWith(path.replace(/\/?$/, "/"))
  );
  // A regular expression may take any path.
  const regex = stack.locations.filter(({ prefix }) => prefix === "");
  return [stack.locationOf(path), ...below, ...regex]
    .some((location) => upstreamOf(location) === upstream);
}

function upstreamOf(location: LocationPlan | null) {
  return location?.content.kind === "proxy" ? location.content.upstream : null;
}
