/**
 * The rules of the house, as CONTRIBUTING has them, for what the modules of the
 * program import and use. Imports of types count: who has to know a type depends
 * on its module.
 *
 * @module
 */
import type { Module } from "./modules.ts";

/** Each room imports only from itself and those below it. */
const ROOMS = [
  "main.ts",
  "cli",
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
  "route",
];

/** The most lines of a file. */
const MOST_LINES = 300;

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

/** A rule: what breaks it, in words that name the module. */
export type Rule = (modules: readonly Module[]) => string[];

/** Only listeners accept connections. */
export const onlyServerAccepts = usesOnlyIn(["server"], ACCEPTS);

/** Only the transport opens connections. */
export const onlyTransportConnects = usesOnlyIn(["transport"], CONNECTS);

/** Only the commands use the terminal, and end the process. */
export const onlyCliHasTheTerminal = usesOnlyIn(["cli", "main.ts"], TERMINAL);

/** All of them. */
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

/** Modules that import each other in a circle, told by all that are in it. */
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

/** What a module imports, straight and through others. */
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

/** Imports from a room above the module's own. */
export function importsUpwards(modules: readonly Module[]): string[] {
  return modules.flatMap(({ path, imports }) => {
    const room = ROOMS.indexOf(roomOf(path));
    if (room === -1) return [`${path} is in no room that ROOMS has`];
    return imports.filter((it) => it === "main.ts" || it.startsWith("lib/"))
      .filter((it) => ROOMS.indexOf(roomOf(it)) < room)
      .map((it) => `${path} imports ${it}, a room above its own`);
  });
}

/** `content` of `lib/content/proxy/proxy.ts`; `main.ts` is its own room. */
function roomOf(path: string): string {
  return /^lib\/([^/]+)\//.exec(path)?.[1] ?? path;
}

/** Some globals and modules are for some rooms only. */
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

/** What reads a config or a request's target needs no network. */
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

/** Of what is passed on whole it can't be seen what is used. */
export function wholeDeno(modules: readonly Module[]): string[] {
  return modules.filter(({ uses }) => uses.includes("Deno"))
    .map(({ path }) => `${path} passes on all of Deno`);
}

/** What outlives a request is made at start-up and handed down. */
export function moduleVariables(modules: readonly Module[]): string[] {
  return modules.flatMap(({ path, variables }) =>
    variables.map((name) => `${path} has a module-level variable, ${name}`)
  );
}

/** Over so many lines a file has two reasons to exist. */
export function longFiles(modules: readonly Module[]): string[] {
  return modules.filter(({ lines }) => lines > MOST_LINES)
    .map(({ path }) => `${path} has more than ${MOST_LINES} lines`);
}
