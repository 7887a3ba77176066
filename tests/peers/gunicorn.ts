/**
 * gunicorn's collection of odd requests, through the proxy. Its author says of
 * each whether a server must take it, and as what.
 *
 * @module
 */
import { join } from "node:path";
import { runToEnd } from "../../tools/stack/run_to_end.ts";
import { startProxy } from "../support/proxy.ts";
import {
  rawClient,
  type RawConnection,
  rawUpstream,
} from "../support/raw_upstream.ts";
import type { Result } from "./cases.ts";
import { PEERS } from "./places.ts";

const VERSION = "27.0.1";

/** Milliseconds without a byte after which a connection has said all. */
const QUIET = 500;

/** Cases at the same time: they mostly wait. */
const AT_ONCE = 8;

/** What the author expects; null if a server must not take it. */
type Expected = { method: string; uri: string; body: string }[] | null;

/**
 * Reads what the collection says of each case, as JSON. The descriptions are
 * Python, which needs a few names of gunicorn to exist.
 */
const READ_EXPECTED = `
import glob, json, os, sys, types

class Any:
    def __init__(self, *args): pass
    def set(self, *args): pass

for name in ["gunicorn", "gunicorn.config", "gunicorn.http", "gunicorn.http.errors"]:
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__getattr__ = lambda attribute: Any

def text(value):
    return value.decode("latin-1") if isinstance(value, bytes) else value

cases = {}
for path in sorted(glob.glob("tests/requests/*/*.py")):
    names = {"uri": lambda target: target, "cfg": Any()}
    exec(open(path, encoding="utf-8").read(), names)
    request = names["request"]
    requests = request if isinstance(request, list) else [request]
    name = "/".join(os.path.splitext(path)[0].split(os.sep)[-2:])
    cases[name] = None if name.startswith("invalid/") else [
        {key: text(it[key]) for key in ("method", "uri", "body")}
        for it in requests if isinstance(it, dict)
    ]
print(json.dumps(cases))
`;

/**
 * Runs every case.
 *
 * @throws {CommandFailed} where pip can't fetch the collection.
 */
export async function runGunicorn(): Promise<Result[]> {
  const folder = await fetchCollection();
  const expected: Record<string, Expected> = JSON.parse(
    await runToEnd({
      program: "python3",
      args: ["-c", READ_EXPECTED],
      cwd: folder,
      env: {},
    }, new AbortController().signal),
  );
  const waiting = Object.entries(expected);
  const results: Result[] = [];
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [name, wanted] = next;
      const file = join(folder, "tests", "requests", `${name}.http`);
      results.push(await runCase(name, decode(await bytesOf(file)), wanted));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}

/** The collection's folder: gunicorn's source distribution from PyPI. */
async function fetchCollection(): Promise<string> {
  const folder = join(PEERS, `gunicorn-${VERSION}`);
  try {
    if ((await Deno.stat(join(folder, "tests"))).isDirectory) return folder;
  } catch {
    // Not fetched yet.
  }
  const { signal } = new AbortController();
  const run = (program: string, args: string[]) =>
    runToEnd({ program, args, cwd: PEERS, env: {} }, signal);
  await run("python3", [
    ...["-m", "pip", "download", "--quiet", "--no-deps"],
    ...["--no-binary", ":all:", `gunicorn==${VERSION}`],
  ]);
  await run("tar", ["-xzf", `gunicorn-${VERSION}.tar.gz`]);
  return folder;
}

async function bytesOf(file: string): Promise<string> {
  const bytes = await Deno.readFile(file);
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

/** The notation of the collection: line ends don't count, escapes do. */
function decode(written: string): string {
  return written.replaceAll("\n", "")
    .replaceAll("\\r\\n", "\r\n")
    .replaceAll("\\0", "\0")
    .replaceAll("\\n", "\n")
    .replaceAll("\\t", "\t")
    .replace(
      /\\x([\da-f]{2})/gi,
      (_, hex) => String.fromCharCode(parseInt(hex, 16)),
    );
}

/** Sends a case through a proxy of its own. */
async function runCase(
  name: string,
  request: string,
  expected: Expected,
): Promise<Result> {
  const seen: string[] = [];
  await using upstream = rawUpstream((connection) => record(connection, seen));
  await using proxy = startProxy({
    locations: { "/": `http://127.0.0.1:${upstream.port}` },
  });
  const client = await rawClient(proxy.port);
  // It may be refused before all of it is sent.
  const sent = client.write(request).catch(() => {});
  const answers = await untilQuiet(client);
  client.close();
  await sent;
  const statuses = [...answers.matchAll(/^HTTP\/1\.[01] (\d{3})/gm)]
    .map(([, status]) => status);
  const outcome = `${statuses.join(" ") || "no answer"}, ` +
    `upstream: ${seen.join(" | ") || "nothing"}`;
  const wanted = (expected ?? []).map(({ method, uri, body }) =>
    line(method, originForm(uri), body)
  );
  return {
    name,
    outcome: outcome.replace(/(\S{30})\S{30,}/g, "$1…"),
    asAsked: wanted.join() === seen.join(),
  };
}

/** Answers requests, and notes those that were received to their end. */
async function record(
  connection: RawConnection,
  seen: string[],
): Promise<void> {
  while (true) {
    const head = await connection.readHead();
    const [method = "", target = ""] = head.split(" ", 2);
    const body = await readBody(connection, head);
    seen.push(line(method, target, body));
    await connection.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  }
}

/** The proxy writes canonical framing, so this needs to know no other. */
async function readBody(
  connection: RawConnection,
  head: string,
): Promise<string> {
  const length = /^content-length: (\d+)\r$/im.exec(head)?.[1];
  if (length !== undefined) return connection.readExactly(Number(length));
  if (!/^transfer-encoding: chunked\r$/im.test(head)) return "";
  let body = "";
  while (true) {
    const size = parseInt(await connection.readUntil("\r\n"), 16);
    body += await connection.readExactly(size);
    await connection.readUntil("\r\n");
    if (size === 0) return body;
  }
}

/** All that comes until the end, or until nothing has come for a while. */
async function untilQuiet(client: RawConnection): Promise<string> {
  let timer = setTimeout(() => client.close(), QUIET);
  try {
    while (await client.read()) {
      clearTimeout(timer);
      timer = setTimeout(() => client.close(), QUIET);
    }
  } catch {
    // Closed here, or reset.
  }
  clearTimeout(timer);
  return client.received;
}

/** What a proxy sends on of a target that names a host. */
function originForm(target: string): string {
  const path = target.replace(/^https?:\/\/[^/]*/, "");
  return path === "" ? "/" : path;
}

function line(method: string, target: string, body: string): string {
  const words = `${method} ${target}`;
  return body === "" ? words : `${words} ${JSON.stringify(body)}`;
}
