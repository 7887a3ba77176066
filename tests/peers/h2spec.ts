/**
 * h2spec's cases for HTTP/2, through the proxy.
 *
 * @module
 */
import { join } from "node:path";
import { CommandFailed, runToEnd } from "../../tools/stack/run_to_end.ts";
import { startProxy } from "../support/proxy.ts";
import type { Result } from "./cases.ts";
import { PEERS } from "./places.ts";

/** Milliseconds. */
const ANSWER_DELAY = 20;

const VERSION = "v2.2.1+incompatible";

/**
 * Runs every case, those for what is only recommended too.
 *
 * @throws {CommandFailed} where Go can't build h2spec.
 */
export async function runH2spec(): Promise<Result[]> {
  const program = await buildH2spec();
  await using upstream = startUpstream();
  await using proxy = startProxy({
    locations: { "/": `http://127.0.0.1:${upstream.port}` },
  });
  const report = join(PEERS, "h2spec.xml");
  const args = [
    "--strict",
    "--port",
    `${proxy.port}`,
    "--junit-report",
    report,
  ];
  try {
    await run(program, args);
  } catch (error) {
    // Its code is 1 for cases that fail: the report names them.
    if (!(error instanceof CommandFailed) || error.code !== 1) throw error;
  }
  return results(await Deno.readTextFile(report));
}

/**
 * Answers each request a little later: some cases send more on a stream whose
 * answer must not have ended by then.
 */
function startUpstream() {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      // Many cases end in the middle of a request.
      await request.arrayBuffer().catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, ANSWER_DELAY));
      return new Response("hello");
    },
  );
  return {
    port: server.addr.port,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function buildH2spec(): Promise<string> {
  const folder = join(PEERS, `h2spec-${VERSION}`);
  const program = join(folder, "h2spec");
  try {
    if ((await Deno.stat(program)).isFile) return program;
  } catch {
    // Not built yet.
  }
  await Deno.mkdir(folder, { recursive: true });
  const module = `github.com/summerwind/h2spec/cmd/h2spec@${VERSION}`;
  await run("go", ["install", module], { GOBIN: folder });
  return program;
}

function run(
  program: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<string> {
  const { signal } = new AbortController();
  return runToEnd({ program, args, cwd: PEERS, env }, signal);
}

/** The cases of a report in JUnit's format, as h2spec writes it. */
function results(report: string): Result[] {
  const cases = report.matchAll(
    /<testcase package="([^"]*)" classname="([^"]*)"[^>]*>([^]*?)<\/testcase>/g,
  );
  return Array.from(cases, ([, section = "", title = "", inner = ""]) => {
    const lines = inner.replace(/<[^>]*>/g, "").trim();
    return {
      name: `${section} ${plain(title)}`,
      outcome: lines === "" ? "as asked" : plain(lines.replaceAll("\n", "; ")),
      asAsked: lines === "",
    };
  });
}

function plain(xml: string): string {
  return xml.replaceAll("&#34;", '"').replaceAll("&#39;", "'")
    .replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}
