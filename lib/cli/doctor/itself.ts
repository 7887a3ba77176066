/**
 * The proxy itself: does it answer where browsers ask for it, and what does its
 * config say that can't be meant?
 *
 * @module
 */
import type { LocationPlan } from "../../config/plan.ts";
import { isIn } from "../../route/network.ts";
import { shadowedLocations } from "../../route/shadowed.ts";
import { ProbeError } from "../../transport/probe.ts";
import type { Check, Finding } from "./check.ts";
import type { Stack } from "./stack.ts";
import { isTls, reasonOf } from "./answer.ts";

export const ownChecks: readonly Check[] = [
  { id: "proxy", title: "the proxy answers at the URL", run: answers },
  { id: "page", title: "a location takes the page", run: takesPage },
  {
    id: "proxy-loop",
    title: "no upstream is the proxy itself",
    run: loops,
  },
  {
    id: "location-shadowed",
    title: "every location can match",
    run: shadowed,
  },
  {
    id: "trusted-proxies",
    title: "forwarded headers are believed of known proxies only",
    run: trustsAnyone,
  },
];

async function answers(stack: Stack): Promise<Finding[]> {
  const answer = await stack.ask("/");
  if (!(answer instanceof ProbeError)) return [];
  const { origin, isSecure, timeout } = stack;
  const reason = reasonOf(answer);
  const finding = (sentence: string, fix: string) => [
    { sentence, evidence: `GET ${origin}/: ${reason}`, fix },
  ];
  switch (answer.failure) {
    case "tls":
      return /certificate/i.test(reason)
        ? finding(
          `Browsers don't accept the certificate of ${origin}.`,
          "Give it a certificate for this host of an authority that browsers " +
            "know (for one of your own, mkcert; DENO_CERT names it to doctor).",
        )
        : finding(
          `${origin} does not speak TLS.`,
          `Ask for http://${stack.url.host}, or let it end TLS.`,
        );
    case "invalid":
    case "closed":
      return finding(
        `What listens at ${origin} does not speak HTTP${
          isSecure ? "" : " without TLS"
        }.`,
        isTls(answer.received)
          ? `Ask for https://${stack.url.host}.`
          : "Another program has the port: choose another with listen.",
      );
    case "timeout":
    case "unconnected":
      return finding(
        `${origin} gives no answer in ${timeout / 1000} s.`,
        "See the proxy's log; a firewall may drop what is sent there.",
      );
    default:
      return finding(
        `Nothing answers at ${origin}.`,
        "Start the proxy with: sameorigin; or name where it is published: " +
          "sameorigin doctor URL",
      );
  }
}

async function takesPage(stack: Stack): Promise<Finding[]> {
  const page = (await stack.page()).at(-1);
  if (page === undefined || page.location !== null) return [];
  return [{
    sentence: `No location takes ${page.path}.`,
    evidence: `GET ${page.path}: ${page.answer.status}`,
    fix: `Add a location in ${stack.plan.source}: locations: {/: ` +
      `http://frontend}`,
  }];
}

function loops(stack: Stack): Finding[] {
  const ports = stack.plan.listeners.flatMap(({ address }) =>
    address.transport === "tcp" ? [address.port] : []
  );
  return stack.plan.upstreams.flatMap(({ name, servers }) =>
    servers.flatMap(({ address }) => {
      if (address.transport === "unix") return [];
      const { hostname, port } = address;
      const isHere = /^(?:localhost|127\..*|::1|0\.0\.0\.0)$/.test(hostname);
      if (!isHere || !ports.includes(port)) return [];
      return [{
        sentence: `The upstream ${name} is the proxy itself.`,
        evidence: `${address.name} is an address that it listens on`,
        fix: `Give ${name} the address of the service behind the proxy.`,
      }];
    })
  );
}

function shadowed({ plan }: Stack): Finding[] {
  const servers = new Set(plan.listeners.flatMap((l) => l.servers.servers));
  return [...servers].flatMap(({ locations }) =>
    shadowedLocations<LocationPlan>(locations).map(({ location, by }) => ({
      sentence: `The location ${location.key} never takes a request.`,
      evidence: `${by.key} takes all of its paths`,
      fix: shadowFix(location, by),
    }))
  );
}

/** What to do about a location that another shadows. */
export function shadowFix(location: LocationPlan, by: LocationPlan): string {
  if (location.prefix !== "") {
    return `Write it as "^~ ${location.prefix}", which comes before regular ` +
      `expressions, or make ${by.key} narrower.`;
  }
  return by.prefix === ""
    ? `Write it before ${by.key}: the first that matches is used.`
    : `Remove the ^~ of ${by.key}: it keeps regular expressions from being ` +
      `asked.`;
}

/** Addresses of the documentation (RFC 5737, RFC 3849): nobody's proxies. */
const STRANGERS = ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1"];

function trustsAnyone({ plan }: Stack): Finding[] {
  const trusted = plan.listeners[0]?.common.trustedProxies;
  if (trusted === undefined) return [];
  const believed = STRANGERS.filter((address) => isIn(trusted, address));
  if (believed.length === 0) return [];
  return [{
    sentence: "Anyone can say which address, scheme and host a request comes " +
      "from.",
    evidence: `trusted_proxies has ${believed[0]} in it, and the whole ` +
      `internet`,
    fix: "Name only the network of the proxy or load balancer before this " +
      "one, such as trusted_proxies: [10.0.0.0/8].",
  }];
}
