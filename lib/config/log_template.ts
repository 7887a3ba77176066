/**
 * A line of the access log by the config's own format, as nginx's `log_format`.
 *
 * A line is begun when the response's head is there: the request's fields can't
 * be read later (Deno 2.9.6). What only the end tells is put in then.
 *
 * @module
 */
import type { RequestContext } from "./variables.ts";
import { findVariable } from "./variables.ts";
import { parsePieces } from "./template.ts";
import { ValueError } from "./words.ts";

/** A server that was given a request. Times by `performance.now()`. */
interface Attempt {
  readonly address: string;
  readonly begun: number;
  readonly answered: number | null;
  readonly ended: number | null;
  readonly status: number;
}

/** What a request tells its line. */
export interface LogContext extends RequestContext {
  readonly attempts: readonly Attempt[] | null;
}

/** What its end tells. */
export interface LogEnd {
  /** Bytes of the response's body, null where nobody knows. */
  readonly bytes: number | null;
  /** Milliseconds since the request came. */
  readonly duration: number;
}

/** A line that only wants its end. */
export interface BegunLine {
  /** The line, without a line feed. */
  end(end: LogEnd): string;
}

/** What a line begins with. */
interface Begin {
  readonly context: LogContext;
  readonly status: number;
  readonly headers: Headers;
}

/** What late variables look at. */
interface Late extends LogEnd {
  readonly attempts: readonly Attempt[];
  /** Bytes of the response's head. */
  readonly head: number;
  readonly time: Date;
  /** By `performance.now()`. */
  readonly now: number;
}

type Variable =
  | { readonly early: (begin: Begin) => string }
  | { readonly late: (late: Late) => string };

const OWN: ReadonlyMap<string, Variable> = new Map<string, Variable>([
  [
    "request",
    {
      early: ({ context: { method, requestUri } }) =>
        `${method} ${requestUri} HTTP/1.1`,
    },
  ],
  ["status", { early: ({ status }) => String(status) }],
  ["body_bytes_sent", { late: ({ bytes }) => String(bytes ?? "") }],
  ["bytes_sent", { late: ({ bytes, head }) => String((bytes ?? 0) + head) }],
  ["request_time", { late: ({ duration }) => seconds(duration) }],
  ["msec", { late: ({ time }) => seconds(time.getTime()) }],
  ["time_local", { late: ({ time }) => timeLocal(time) }],
  [
    "time_iso8601",
    { late: ({ time }) => `${time.toISOString().slice(0, 19)}+00:00` },
  ],
  ["upstream_addr", ofAttempts(({ address }) => address)],
  ["upstream_status", ofAttempts(({ status }) => String(status || "-"))],
  [
    "upstream_header_time",
    ofAttempts(({ begun, answered }) =>
      answered === null ? "-" : seconds(answered - begun)
    ),
  ],
  [
    "upstream_response_time",
    ofAttempts(({ begun, ended }, now) => seconds((ended ?? now) - begun)),
  ],
]);

/** As nginx: of several servers, each in turn, with commas. */
function ofAttempts(tell: (attempt: Attempt, now: number) => string): Variable {
  return {
    late: ({ attempts, now }) =>
      attempts.map((attempt) => tell(attempt, now)).join(", "),
  };
}

/** How values are made safe: so that none can forge a line. */
const ESCAPES = {
  default: (value: string) => value === "" ? "-" : escapeField(value),
  json: (value: string) => JSON.stringify(value).slice(1, -1),
  none: (value: string) => value.replace(/[\r\n]/g, " "),
} as const;

/** A format of the config's own. */
export class LogTemplate {
  readonly #parts: readonly (string | Variable)[];
  readonly #escape: (value: string) => string;
  /** Whether the response's head is to be measured. */
  readonly #needsHead: boolean;

  /**
   * @param written Text with variables; before it perhaps `escape=json`,
   * `escape=none` or `escape=default`, as in nginx.
   * @throws {ValueError} On an unknown variable or way to escape.
   */
  constructor(written: string) {
    const [, word = "default", format = ""] =
      /^(?:escape=(\S*)\s+)?([^]*)$/.exec(written) ?? [];
    if (!Object.hasOwn(ESCAPES, word)) {
      throw new ValueError(`escape is one of: default, json, none`);
    }
    if (/[\r\n]/.test(format.trimEnd())) {
      throw new ValueError("a line of the log has no line breaks");
    }
    this.#escape = ESCAPES[word as keyof typeof ESCAPES];
    this.#parts = parsePieces(format.trimEnd(), [], OWN.keys(), variableOf);
    this.#needsHead = /\$\{?bytes_sent\b/i.test(format);
  }

  /** Begins a line, as long as the request's fields can be read. */
  begin(
    context: LogContext,
    { status, headers }: Pick<Response, "status" | "headers">,
  ): BegunLine {
    const escape = this.#escape;
    const begin = { context, status, headers };
    const parts = this.#parts.map((part) =>
      typeof part === "string" || "late" in part
        ? part
        : escape(part.early(begin))
    );
    const head = this.#needsHead ? headSize(headers) : 0;
    const attempts = context.attempts ?? [];
    return {
      end({ bytes, duration }) {
        const time = new Date();
        const now = performance.now();
        const late = { attempts, head, time, now, bytes, duration };
        return parts.map((part) =>
          typeof part === "string" ? part : escape(part.late(late))
        ).join("");
      },
    };
  }
}

function variableOf(name: string): Variable | undefined {
  const own = OWN.get(name);
  if (own !== undefined) return own;
  const usual = findVariable(name);
  return usual && { early: ({ context }) => usual(context) };
}

/** Bytes of a head as HTTP/1.1 writes it, with the `Date` that Deno adds. */
function headSize(headers: Headers): number {
  let size = "HTTP/1.1 200 OK\r\n\r\n".length +
    "date: Thu, 26 Nov 2026 18:05:35 GMT\r\n".length;
  for (const [name, value] of headers) {
    size += name.length + value.length + ": \r\n".length;
  }
  return size;
}

/** Milliseconds as seconds, with three digits. */
export function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(3);
}

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** `24/Nov/2026:00:00:05 +0000`, nginx's `$time_local`. */
export function timeLocal(time: Date): string {
  const two = (value: number) => value < 10 ? `0${value}` : `${value}`;
  return `${two(time.getUTCDate())}/${MONTHS[time.getUTCMonth()]}/` +
    `${time.getUTCFullYear()}:${two(time.getUTCHours())}:` +
    `${two(time.getUTCMinutes())}:${two(time.getUTCSeconds())} +0000`;
}

/** Whether a field can stand between quotes as it is. */
function isPlain(field: string): boolean {
  for (let i = 0; i < field.length; i++) {
    const c = field.charCodeAt(i);
    if (c < 0x20 || c === 0x22 || c === 0x5c || c > 0x7e) return false;
  }
  return true;
}

/**
 * nginx's default escaping of log fields: `"`, `\` and everything outside
 * printable ASCII as `\xXX`, so that no client can forge a line.
 */
export function escapeField(field: string): string {
  if (isPlain(field)) return field;
  let escaped = "";
  for (const byte of new TextEncoder().encode(field)) {
    escaped += byte < 0x20 || byte === 0x22 || byte === 0x5c || byte > 0x7e
      ? "\\x" + byte.toString(16).toUpperCase().padStart(2, "0")
      : String.fromCharCode(byte);
  }
  return escaped;
}
