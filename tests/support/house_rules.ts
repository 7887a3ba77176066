/**
 * The rules of the house for what the program's modules import and use.
 * CONTRIBUTING describes them. An import of a type counts as an import.
 *
 * @module
 */
import type { Module } from "./modules.ts";

/** Each room imports only from itself and those below it. */
const ROOMS = [
  "main.ts",
  "cli",
  "acme",
  "admin",
  "server",
  "request",
  "access",
  "content",
  "websocket",
  "upstream",
  "transport",
  "exchange",
  "observe",
  "config",
  "x509",
  "route",
];

/** The most lines of a file. */
export const MOST_LINES = 300;

/** What accepts connections. */
const ACCEPTS = ["Deno.serve", "Deno.listen", "Deno.listenTls"];

/** What opens connections. */
const CONNECTS = [
  "fetch",
  "Deno.connect",
  "Deno.connectTls",
  "Deno.createHttpClient",
  "Deno.listenDatagram",
  "Deno.startTls",
  "new EventSource",
  "new WebSocket",
  "new WebSocketStream",
  "node:dgram",
  "node:http",
  "node:http2",
  "node:https",
  "node:net",
  "node:tls",
];

/** What asks for the addresses of a name. */
const RESOLVES = ["Deno.resolveDns", "node:dns", "node:dns/promises"];

/** What reads from and writes to the terminal, and ends the process. */
const TERMINAL = [
  "alert",
  "console",
  "prompt",
  "Deno.exit",
  "Deno.exitCode",
  "Deno.stderr",
  "Deno.stdin",
  "Deno.stdout",
  "node:process",
];

/** Returns one sentence for each violation. It names the module. */
export type Rule = (modules: readonly Module[]) => string[];

/** Only listeners accept connections. */
export const onlyServerAccepts = usesOnlyIn(["server", "admin"], ACCEPTS);

/** Only the transport opens connections. */
export const onlyTransportConnects = usesOnlyIn(["transport"], CONNECTS);

/** Only the commands use the terminal and end the process. */
export const onlyCliHasTheTerminal: Rule = (modules) =>
  usesOnlyIn(["cli", "main.ts"], TERMINAL)(
    // It takes the console away from whoever else would use it.
    modules.filter(({ path }) => path !== "lib/observe/platform_messages.ts"),
  );

/** All rules. */
export const RULES: readonly Rule[] = [
  circles,
  importsUpwards,
  onlyServerAccepts,
  onlyTransportConnects,
  onlyCliHasTheTerminal,
  networkInPureRooms,
  wholeDeno,
  moduleVariables,
  longFiles,
];

/** No module imports itself, not even through others. Names all modules of a circle. */
export function circles(modules: readonly Module[]): string[] {
  const reached = new Map(
    modules.map(({ path }) => [path, reachedFrom(path, modules)]),
  );
  const circles = new Set<string>();
  for (const [path, theirs] of reached) {
    if (!theirs.has(path)) continue;
    const members = [...theirs].filter((it) => reached.get(it)?.has(path));
    circles.add(`a circle of imports: ${members.toSorted().join(", ")}`);
  }
  return [...circles];
}

/** What a module imports, directly or through others. */
function reachedFrom(path: string, modules: readonly Module[]): Set<string> {
  const imports = new Map(modules.map((it) => [it.path, it.imports]));
  const reached = new Set<string>();
  const open = [path];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const it of imports.get(next) ?? []) {
      if (reached.has(it)) continue;
      reached.add(it);
      open.push(it);
    }
  }
  return reached;
}

/** A module imports only from its own room and the rooms below it. */
export function importsUpwards(modules: readonly Module[]): string[] {
  return modules.flatMap(({ path, imports }) => {
    const room = ROOMS.indexOf(roomOf(path));
    if (room === -1) return [`${path} is in no room that ROOMS has`];
    return imports.filter((it) => it === "main.ts" || it.startsWith("lib/"))
      .filter((it) => ROOMS.indexOf(roomOf(it)) < room)
      .map((it) => `${path} imports ${it}, a room above its own`);
  });
}

/** The room of `lib/content/proxy/proxy.ts` is `content`, that of `main.ts` itself. */
function roomOf(path: string): string {
  return /^lib\/([^/]+)\//.exec(path)?.[1] ?? path;
}

/** Makes a rule: these globals and modules are used in these rooms only. */
function usesOnlyIn(
  rooms: readonly string[],
  names: readonly string[],
): Rule {
  return (modules) =>
    modules.filter(({ path }) => !rooms.includes(roomOf(path)))
      .flatMap((module) =>
        usedOf(module, names).map((it) => `${module.path} uses ${it}`)
      );
}

/** Reading a config or matching a target needs no network. */
export function networkInPureRooms(modules: readonly Module[]): string[] {
  return modules.filter(({ path }) => /^lib\/(config|route)\//.test(path))
    .flatMap((module) =>
      usedOf(module, [...ACCEPTS, ...CONNECTS, ...RESOLVES])
        .map((it) => `${module.path} uses ${it}, in a room without network`)
    );
}

/** What a module uses or imports of the given names. */
function usedOf(
  { uses, imports }: Module,
  names: readonly string[],
): string[] {
  return [...uses, ...imports].filter((it) => names.includes(it));
}

/** Where `Deno` itself is passed on, the rules can't see what is used of it. */
export function wholeDeno(modules: readonly Module[]): string[] {
  return modules.filter(({ uses }) => uses.includes("Deno"))
    .map(({ path }) => `${path} passes on all of Deno`);
}

/** State that outlives a request is made at start-up and passed down. */
export function moduleVariables(modules: readonly Module[]): string[] {
  return modules.flatMap(({ path, variables }) =>
    variables.map((name) => `${path} has a module-level variable, ${name}`)
  );
}

/** A longer file has more than one reason to exist. */
export function longFiles(modules: readonly Module[]): string[] {
  return modules.filter(({ lines }) => lines > MOST_LINES)
    .map(({ path }) => `${path} has more than ${MOST_LINES} lines`);
}
