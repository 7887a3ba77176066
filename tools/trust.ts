/**
 * Whom browsers on this machine trust besides:
 *
 *     deno task trust      the authority of `deno task dev --https`
 *     deno task untrust    no more
 *
 * On Linux that is Chromium's list of this user, and that of each profile of Firefox;
 * on macOS and Windows the user's of the system, which Firefox asks, too.
 *
 * @module
 */
import { join } from "node:path";
import { AUTHORITY, localAuthority } from "./local_https.ts";

/** What the lists call it. */
const NAME = AUTHORITY.commonName;

/** A program and its arguments. */
type Command = readonly [string, ...string[]];

/** The command of a system that has a list of its own, as Linux has not. */
export function commandFor(
  os: "darwin" | "windows",
  home: string,
  authority: string,
  isTrusted: boolean,
): Command {
  if (os === "windows") {
    return isTrusted
      ? ["certutil", "-user", "-addstore", "Root", authority]
      : ["certutil", "-user", "-delstore", "Root", NAME];
  }
  const keychain = join(home, "Library/Keychains/login.keychain-db");
  return isTrusted
    ? ["security", "add-trusted-cert", "-k", keychain, authority]
    : ["security", "remove-trusted-cert", authority];
}

/** What was done, in words, and whether it is all that was to be done. */
export interface Outcome {
  readonly ok: boolean;
  readonly message: string;
}

/** Has it trusted, or no more. */
export async function trust(
  isTrusted: boolean,
  home: string,
  folder?: string,
): Promise<Outcome> {
  const authority = await localAuthority(folder);
  const { os } = Deno.build;
  if (os === "darwin" || os === "windows") {
    const command = commandFor(os, home, authority, isTrusted);
    const problem = await run(command);
    return problem === null
      ? done(isTrusted, authority, [])
      : { ok: false, message: told(command, problem) };
  }
  return await trustOnLinux(isTrusted, home, authority);
}

function done(
  isTrusted: boolean,
  authority: string,
  lists: readonly string[],
): Outcome {
  const message = isTrusted
    ? `Browsers of this user trust ${authority} for localhost and private networks.`
    : `Browsers of this user don't trust ${authority} any more.`;
  return { ok: true, message: [message, ...lists].join("\n") };
}

/** Each list by itself: one that can't be changed is no reason to leave out others. */
async function trustOnLinux(
  isTrusted: boolean,
  home: string,
  authority: string,
): Promise<Outcome> {
  const chromium = join(home, ".pki/nssdb");
  if (isTrusted) await makeDatabase(chromium);
  const changed: string[] = [];
  const problems: string[] = [];
  for (const folder of [chromium, ...await firefoxProfiles(home)]) {
    const nss = (...args: string[]): Command => [
      ...["certutil", "-d", `sql:${folder}`] as const,
      ...args,
    ];
    const look = isTrusted ? null : await run(nss("-L", "-n", NAME));
    // A profile that never had it is all right.
    if (look !== null && !look.isMissing) continue;
    const command = isTrusted
      ? nss("-A", "-t", "C,,", "-n", NAME, "-i", authority)
      : nss("-D", "-n", NAME);
    const problem = await run(command);
    if (problem === null) changed.push(folder);
    else problems.push(told(command, problem));
  }
  if (problems.length > 0) {
    return { ok: false, message: [...changed, ...problems].join("\n") };
  }
  if (changed.length === 0) {
    return { ok: false, message: `No list of this user has ${authority}.` };
  }
  const restart = changed.some((folder) => folder !== chromium)
    ? ["A Firefox that runs has to be started anew."]
    : [];
  return done(isTrusted, authority, [...changed, ...restart]);
}

/** Where Firefox keeps its profiles: its own way, XDG's, and as a snap and a flatpak. */
const FIREFOX = [
  ".mozilla/firefox",
  ".config/mozilla/firefox",
  "snap/firefox/common/.mozilla/firefox",
  ".var/app/org.mozilla.firefox/.mozilla/firefox",
  ".var/app/org.mozilla.firefox/config/mozilla/firefox",
];

/** The profiles that have a list, in which each of them has its own. */
export async function firefoxProfiles(home: string): Promise<string[]> {
  const found: string[] = [];
  for (const place of FIREFOX) {
    try {
      for await (const { name } of Deno.readDir(join(home, place))) {
        const folder = join(home, place, name);
        if (await hasList(folder)) found.push(folder);
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return found.toSorted();
}

async function hasList(folder: string): Promise<boolean> {
  try {
    return (await Deno.stat(join(folder, "cert9.db"))).isFile;
  } catch {
    return false;
  }
}

/** A user who never had a browser has none yet. */
async function makeDatabase(folder: string): Promise<void> {
  if (await hasList(folder)) return;
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  await run(["certutil", "-d", `sql:${folder}`, "-N", "--empty-password"]);
}

/** A command that failed, to be repeated by hand, and why it did. */
function told(command: Command, { why }: Problem): string {
  const line = command.map((word) => word.includes(" ") ? `"${word}"` : word)
    .join(" ");
  return `${line}\n${why.trim()}`;
}

/** Why a command failed. */
interface Problem {
  readonly why: string;
  /** Whether there is no such program. */
  readonly isMissing: boolean;
}

/** @returns Null if it did not fail. */
async function run([program, ...args]: Command): Promise<Problem | null> {
  try {
    const { success, stdout, stderr } = await new Deno.Command(program, {
      args,
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    if (success) return null;
    const why = decoder.decode(stderr) || decoder.decode(stdout);
    return { why, isMissing: false };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    const where = Deno.build.os === "linux"
      ? " (Debian: apt install libnss3-tools)"
      : "";
    return { why: `${program} is not installed${where}`, isMissing: true };
  }
}

if (import.meta.main) {
  const home = Deno.env.get("HOME") ?? "";
  const { ok, message } = await trust(Deno.args[0] === "trust", home);
  console.error(message);
  Deno.exitCode = ok ? 0 : 1;
}
