/**
 * What a WebSocket's message says, without its content: Centrifugo's JSON protocol
 * by its commands and replies, anything else by its kind alone.
 *
 * @module
 */

/** A longer message is not looked into, in characters. */
const LONGEST = 64_000;

/** Commands of one message that are told. */
const MOST_COMMANDS = 5;

/** Letters of a name that are told. */
const LONGEST_NAME = 80;

/** What a client may ask Centrifugo for. */
const COMMANDS = [
  ...["connect", "subscribe", "unsubscribe", "publish", "presence"],
  ...["presence_stats", "history", "ping", "send", "rpc", "refresh"],
  "sub_refresh",
];

/** What Centrifugo may push. */
const PUSHES = [
  ...["pub", "join", "leave", "unsubscribe", "message", "subscribe"],
  ...["connect", "disconnect", "refresh"],
];

type Fields = Readonly<Record<string, unknown>>;

/** @param data A text, or null for a binary message. */
export function messageSummary(data: string | null): string {
  if (data === null) return "binary";
  if (data.length > LONGEST) return "text";
  const lines = data.split("\n").filter((line) => line !== "");
  const told = lines.slice(0, MOST_COMMANDS).map(lineSummary);
  if (told.length === 0 || told.includes(null)) return "text";
  const more = lines.length - told.length;
  return told.join(", ") + (more > 0 ? `, and ${more} more` : "");
}

/** Null for what is none of Centrifugo's. */
function lineSummary(line: string): string | null {
  // For what is no JSON, JSON.parse takes 3 µs.
  if (!line.startsWith("{")) return null;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (!isFields(value)) return null;
  if (Object.keys(value).length === 0) return "ping";
  if (isFields(value["push"])) return pushSummary(value["push"]);
  if (isFields(value["error"])) {
    const { code, message } = value["error"];
    return `error ${name(code)} ${name(message)}`.trim();
  }
  const command = COMMANDS.find((command) => isFields(value[command]));
  if (command === undefined) {
    return typeof value["id"] === "number" ? `reply ${value["id"]}` : null;
  }
  const { channel, method, client } = value[command] as Fields;
  // Never connect's token, nor any data.
  const what = name(channel ?? method ?? client);
  return what === "" ? command : `${command} ${what}`;
}

function pushSummary(push: Fields): string {
  const kind = PUSHES.find((kind) => isFields(push[kind])) ?? "push";
  const { code, reason } = (push[kind] ?? {}) as Fields;
  const words = [kind, name(push["channel"]), name(code), name(reason)];
  return words.filter((word) => word !== "").join(" ");
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function name(value: unknown): string {
  return typeof value === "string" || typeof value === "number"
    ? String(value).slice(0, LONGEST_NAME)
    : "";
}
