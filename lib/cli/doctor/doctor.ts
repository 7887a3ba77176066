/**
 * `sameorigin doctor`: goes through the running stack as a browser would, and
 * says what is wrong and what to do about it.
 *
 * @module
 */
import type { ListenerPlan, Plan } from "../../config/plan.ts";
import { quote } from "../../config/words.ts";
import type { Options } from "../arguments.ts";
import { UsageError } from "../arguments.ts";
import { FAILURE, OK } from "../exit_code.ts";
import { counted, printable, type Style, type Terminal } from "../terminal.ts";
import type { Check, Finding } from "./check.ts";
import { clockChecks } from "./clock.ts";
import { cookieChecks } from "./cookies.ts";
import { crossOriginChecks } from "./cross_origin.ts";
import { devServerChecks } from "./dev_servers.ts";
import { frontendChecks } from "./frontend.ts";
import { ownChecks } from "./itself.ts";
import { redirectChecks } from "./redirects.ts";
import { Stack } from "./stack.ts";
import { upstreamChecks } from "./upstreams.ts";
import { webSocketChecks } from "./websockets.ts";

/** All checks, in the order in which their findings are told. */
export const CHECKS: readonly Check[] = [
  ...ownChecks,
  ...upstreamChecks,
  ...redirectChecks,
  ...cookieChecks,
  ...crossOriginChecks,
  ...webSocketChecks,
  ...devServerChecks,
  ...frontendChecks,
  ...clockChecks,
];

/** Milliseconds that each answer may take: a development server may compile first. */
const TIMEOUT = 10_000;

/** With `--json`, what is printed. */
export interface Report {
  /** Whether nothing is wrong. */
  readonly ok: boolean;
  /** What was looked at. */
  readonly url: string;
  /** The config. */
  readonly source: string;
  readonly findings: readonly (Finding & { readonly check: string })[];
  /** All checks that were made. */
  readonly checks: readonly { readonly id: string; readonly title: string }[];
}

/**
 * Makes all checks and prints what they find.
 *
 * @param url As on the command line; `""` for the first address that the config
 * listens on.
 * @returns 0 if nothing is wrong, else 1.
 * @throws {UsageError} for an invalid URL.
 */
export async function doctor(
  plan: Plan,
  url: string,
  { json }: Pick<Options, "json">,
  terminal: Terminal,
): Promise<number> {
  const place = url === "" ? ownUrl(plan) : parsedUrl(url);
  const report = await examine(
    new Stack({ plan, url: place, timeout: TIMEOUT }),
  );
  terminal.print(
    json
      ? JSON.stringify(report, null, 2) + "\n"
      : inWords(report, terminal.outputStyle),
  );
  return report.ok ? OK : FAILURE;
}

/** Makes all checks, at the same time. */
export async function examine(stack: Stack): Promise<Report> {
  const found = await Promise.all(
    CHECKS.map(async (check) =>
      (await check.run(stack)).map((finding) => ({
        check: check.id,
        ...finding,
      }))
    ),
  );
  const findings = found.flat();
  return {
    ok: findings.length === 0,
    url: stack.url.href,
    source: stack.plan.source,
    findings,
    checks: CHECKS.map(({ id, title }) => ({ id, title })),
  };
}

/** Where a browser on this machine opens the proxy. */
function ownUrl({ listeners }: Plan): URL {
  // Beside one with TLS, one without only redirects to it.
  const tcp = listeners.find(({ certificate }) => certificate !== null) ??
    listeners.find(({ address }) => address.transport === "tcp");
  if (tcp === undefined) {
    throw new UsageError(
      "the config listens on no port",
      "Name the URL that browsers open: sameorigin doctor URL",
    );
  }
  return new URL(
    `${tcp.certificate === null ? "http" : "https"}://${hostOf(tcp)}/`,
  );
}

function hostOf({ address, certificate }: ListenerPlan): string {
  if (address.transport === "unix") return "localhost";
  const { hostname, port } = address;
  const isAny = hostname === "0.0.0.0" || hostname === "::";
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  // A browser accepts the certificate for its names only.
  const certified = certificate?.names.find((name) => !/[*:]/.test(name));
  const name = certified ??
    (isAny || hostname === "127.0.0.1" ? "localhost" : host);
  return `${name}:${port}`;
}

function parsedUrl(written: string): URL {
  const url = URL.parse(written);
  if (url === null || !/^https?:\/\//i.test(written)) {
    throw new UsageError(
      `${quote(written)} is not a URL`,
      /^[\w.-]+(:\d+)?(\/|$)/.test(written)
        ? `Did you mean http://${written}?`
        : "Write it as: sameorigin doctor http://localhost:9000",
    );
  }
  if (url.username !== "" || url.password !== "") {
    throw new UsageError(
      "doctor sends no credentials",
      `Write the URL without them: ${url.protocol}//${url.host}`,
    );
  }
  url.hash = "";
  return url;
}

function inWords(report: Report, style: Style): string {
  const { url, source, findings, checks, ok } = report;
  const where = url.replace(/\/$/, "");
  const verdict = ok
    ? style.good("ok")
    : style.bad(counted(findings.length, "problem"));
  const head = `${where} (${source}): ${verdict}, ` +
    `${counted(checks.length, "check")}\n`;
  return [head, ...findings.map((finding) => block(finding, style))]
    .join("\n");
}

function block(
  { check, sentence, evidence, fix }: Report["findings"][number],
  style: Style,
): string {
  const line = (name: string, text: string) =>
    `  ${style.faint(name.padEnd(5))}  ${printable(text)}\n`;
  return `${printable(sentence)} ${style.faint(`[${check}]`)}\n` +
    line("seen", evidence) + line("fix", fix);
}
