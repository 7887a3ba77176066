/**
 * `sameorigin explain --recorded ID`: what a config would make of a request that
 * the running proxy has recorded, beside what the proxy has made of it.
 *
 * @module
 */
import type { ListenerPlan, Plan } from "../config/plan.ts";
import { maskedFields, maskedTarget } from "../observe/recorder/masking.ts";
import type {
  RecordedField,
  Recording,
} from "../observe/recorder/recording.ts";
import { readable, utf8Bytes } from "../route/bytes.ts";
import { type Options, UsageError } from "./arguments.ts";
import { adminOf, askAdmin, NoAnswer } from "./ask_admin.ts";
import { FAILURE, OK } from "./exit_code.ts";
import { explanationOf } from "./explain.ts";
import { inWords } from "./explain_words.ts";
import type { Explanation } from "./explanation.ts";
import type { AskedRequest } from "./request_line.ts";
import {
  columns,
  failure,
  printable,
  type Style,
  type Terminal,
} from "./terminal.ts";

/** Prints both. */
export async function explainRecorded(
  plan: Plan,
  id: string,
  options: Pick<Options, "header" | "from" | "json">,
  terminal: Terminal,
): Promise<number> {
  if (options.header.length > 0 || options.from !== undefined) {
    throw new UsageError(
      "--recorded takes neither --header nor --from",
      "The request has its own.",
    );
  }
  const admin = adminOf(plan, terminal);
  if (admin === null) return FAILURE;
  let recording: Recording;
  try {
    const path = `/recording?id=${encodeURIComponent(id)}`;
    recording = await askAdmin(admin, path, "received") as Recording;
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    failure(terminal, error.message);
    return FAILURE;
  }
  const explanation = explanationOf(askedAgain(plan, recording));
  terminal.print(
    options.json
      ? JSON.stringify({ recorded: recording, explanation }, null, 2) + "\n"
      : compared(recording, explanation, plan.source, terminal.outputStyle),
  );
  return OK;
}

/** The request as it came, but for its secrets. */
function askedAgain(plan: Plan, recording: Recording): AskedRequest {
  const { id, method, peer, port, received } = recording;
  const headers = new Headers();
  for (const [name, value] of received.fields) {
    // That some were left out is no field.
    if (name !== "…") headers.append(name, bytesOf(value));
  }
  headers.set("x-request-id", id);
  const listener = listenerOf(plan, port);
  const scheme = listener.certificate === null ? "http" : "https";
  const target = bytesOf(received.target);
  const { address } = listener;
  const host = headers.get("host") ??
    `localhost:${address.transport === "tcp" ? address.port : ""}`;
  return {
    listener,
    url: `${scheme}://${host}${target}`,
    method,
    headers,
    target,
    remoteAddr: peer,
  };
}

/** That on the port where it came; else the first one. */
function listenerOf({ listeners }: Plan, port: string): ListenerPlan {
  const found =
    listeners.find(({ address }) =>
      address.transport === "tcp" ? String(address.port) === port : port === ""
    ) ?? listeners[0];
  if (found === undefined) throw new Error("a plan without a listener");
  return found;
}

function compared(
  recording: Recording,
  explanation: Explanation,
  source: string,
  style: Style,
): string {
  const { method, target, at, peer, id } = recording;
  const time = new Date(at).toLocaleTimeString("en-GB");
  const title = `${method} ${shown(target)} at ${time} from ${peer} (${id})`;
  const rows = [
    ["", "as it was", `by ${source}`],
    ...rowsOf(recording, explanation).map(([name, was, is]) =>
      was === is ? [name, was, "the same"] : [name, was, is]
    ),
  ];
  const blocks = [
    `${style.strong(title)}\n\n` + columns(rows, [style.faint], ""),
    ...fieldsOf(recording, explanation, style),
    inWords(explanation, style),
  ];
  if (JSON.stringify(recording.received).includes("•••")) {
    blocks.push(
      "Its secrets are masked (•••): what a check, a cookie or a parameter of them\n" +
        "decides may be otherwise with them.\n",
    );
  }
  return blocks.join("\n");
}

/** What, as it was, as it would be. */
function rowsOf(
  { server, location, attempts, sent, status }: Recording,
  { server: itsServer, location: itsLocation, upstream, sent: itsSent, answer }:
    Explanation,
): [string, string, string][] {
  const servers = attempts.map(({ address }) => address).join(", ");
  return [
    ["server", server || "–", itsServer?.name || "–"],
    ["location", location || "none", itsLocation?.key ?? "none"],
    ["upstream", servers || "none", upstream?.address ?? "none"],
    [
      "target",
      sent === null ? "–" : shown(sent.target),
      itsSent === null ? "–" : printable(maskedTarget(itsSent.target)),
    ],
    [
      "status",
      String(status),
      answer === null ? "the upstream's" : String(answer.status),
    ],
  ];
}

/** The fields that are sent upstream by one of both only. */
function fieldsOf(
  { sent: was }: Recording,
  { sent: is }: Explanation,
  style: Style,
): string[] {
  if (was === null || is === null) return [];
  const before = was.fields.map(lineOf);
  const after = maskedFields(is.headers).map(lineOf);
  const lines = [
    ...before.filter((line) => !after.includes(line))
      .map((line) => style.bad(`- ${line}`)),
    ...after.filter((line) => !before.includes(line))
      .map((line) => style.good(`+ ${line}`)),
  ];
  return [
    lines.length === 0
      ? "The same fields are sent upstream.\n"
      : `${style.faint("Fields sent upstream that differ:")}\n` +
        `${lines.join("\n")}\n`,
  ];
}

function lineOf([name, value]: RecordedField): string {
  return `${name}: ${shown(value)}`;
}

/** Recorded values are bytes, a character each, but for what masks them. */
function bytesOf(value: string): string {
  return value.replace(/[\u0100-\uffff]+/g, utf8Bytes);
}

function shown(value: string): string {
  return printable(readable(bytesOf(value)));
}
