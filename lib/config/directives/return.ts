/**
 * `return`: what a location or a server answers by itself (nginx's
 * ngx_http_rewrite_module).
 *
 * @module
 */
import * as v from "valibot";
import { compileCaptures, compileCapturingUrl } from "../captures.ts";
import { byType, parsedBy } from "../schema_parts.ts";
import { compileText, type Template } from "../template.ts";
import { expected, expectedText, quote, ValueError } from "../words.ts";
import { allowedIn } from "./directive.ts";

/** nginx's `return CODE [text]`. */
export interface ReturnPlan {
  readonly kind: "return";
  /** 200 to 599, but none of a {@link RedirectPlan}. */
  readonly status: number;
  /**
   * The body as a byte string; null for the proxy's own page for that status,
   * which is 400 or more. Empty for 204, 205 and 304, which have no body.
   */
  readonly text: Template | null;
  /** The `Content-Type` of the text. */
  readonly type: string;
  /** The highest of `$1` to `$9` in the text; 0 for none. */
  readonly captures: number;
}

/** nginx's `return 301|302|303|307|308 URL` and `return URL` (302). */
export interface RedirectPlan {
  readonly kind: "redirect";
  readonly status: 301 | 302 | 303 | 307 | 308;
  readonly location: Template;
  /** The highest of `$1` to `$9` in it; 0 for none. */
  readonly captures: number;
}

type Answer = ReturnPlan | RedirectPlan;

const WORDS =
  `a status such as 404, "301 https://$host$request_uri", or [200, "text"]`;

/** The statuses that nginx sends with a Location. */
const REDIRECTS = [301, 302, 303, 307, 308] as const;

/** Statuses without a body (RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5). */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/** How a URL without a status begins, as in nginx. */
const URL_START = /^(https?:\/\/|\$scheme\b|\$\{scheme\})/i;

/** Texts are UTF-8. */
const PLAIN_TEXT = "text/plain; charset=utf-8";

/** Reads what is written as one value: `404`, `200 ok`, `https://example.com/`. */
function parseOne(value: string | number): Answer {
  const text = String(value).trim();
  const [, status, rest] = /^(\d+)(?:\s+(.+))?$/s.exec(text) ?? [];
  if (text.endsWith(";")) {
    throw new ValueError(
      `${quote(text)}: no semicolon at the end here` +
        (rest === undefined
          ? ""
          : ` (write [${status}, ${quote(rest)}] to send it)`),
    );
  }
  if (status === undefined) {
    if (URL_START.test(text)) return redirect(302, text);
    const hint = text.startsWith("/") ? ` (write "302 ${text}")` : "";
    throw new ValueError(expected(WORDS, value) + hint);
  }
  const quoted = /^(["'])(.*)\1$/s.exec(rest ?? "");
  if (quoted !== null) {
    throw new ValueError(
      `the quotes would be sent too (write [${status}, ${
        quote(quoted[2] ?? "")
      }])`,
    );
  }
  return answer(status, rest ?? null);
}

/** Reads `[200, "text"]`. */
function parsePair([status = "", text]: (string | number)[]): Answer {
  if (text === undefined) return parseOne(status);
  if (!/^\d+$/.test(String(status))) {
    throw new ValueError(expected("a status such as 404 first", status));
  }
  if (typeof text === "number") {
    throw new ValueError(expectedText("text after the status", text));
  }
  return answer(status, text);
}

function answer(written: string | number, text: string | null): Answer {
  const status = Number(written);
  if (status === 444) {
    throw new ValueError(
      "444 is not supported: a connection can't be closed without an answer",
    );
  }
  if (!(Number.isInteger(status) && status >= 200 && status <= 599)) {
    throw new ValueError(`the status must be 200 to 599, got ${written}`);
  }
  const redirecting = REDIRECTS.find((code) => code === status);
  if (redirecting !== undefined) return redirect(redirecting, text ?? "");
  if (WITHOUT_BODY.has(status) && text) {
    throw new ValueError(`an answer with ${status} has no text`);
  }
  const type = PLAIN_TEXT;
  // As in nginx, only an error has a page of the proxy's own, and an empty text
  // is none.
  if ((text ?? "") === "" && status >= 400) {
    return { kind: "return", status, text: null, type, captures: 0 };
  }
  const { render, captures } = compileCaptures(text ?? "", {
    escaping: "none",
    compile: compileText,
  });
  return { kind: "return", status, text: render, type, captures };
}

function redirect(status: RedirectPlan["status"], url: string): RedirectPlan {
  if (url === "") {
    throw new ValueError(
      `a redirect needs a URL (write "${status} https://$host$request_uri")`,
    );
  }
  if (url.includes(" ")) {
    throw new ValueError(`a URL has no spaces: ${quote(url)} (write %20)`);
  }
  // nginx puts captures in as they are, decoded; here they are escaped: a part
  // of a path must end neither the URL nor its header's line.
  const { path, args, captures } = compileCapturingUrl(url, {
    path: "path",
    args: "args",
  });
  const location: Template = args === null
    ? path
    : (r) => `${path(r)}?${args(r)}`;
  return { kind: "redirect", status, location, captures };
}

const StatusNumber = v.pipe(
  v.number(),
  v.metadata({ type: "integer", minimum: 200, maximum: 599 }),
);

const Return = byType(WORDS, [
  v.pipe(
    StatusNumber,
    parsedBy<number, Answer>((written) => parseOne(written)),
  ),
  v.pipe(
    v.string(),
    v.metadata({
      pattern: "^\\s*([2-5]\\d\\d(\\s|$)|https?://|\\$\\{?scheme)",
    }),
    parsedBy<string, Answer>((written) => parseOne(written)),
  ),
  v.pipe(
    v.array(byType("a status or text", [StatusNumber, v.string()])),
    v.minLength(1, `expected ${WORDS}, got an empty list`),
    v.maxLength(2, "expected a status and a text, got more than two values"),
    parsedBy((pair: (string | number)[]) => parsePair(pair)),
  ),
]);

/** The answer of a `return` whose text is of this type. */
export function ofType(
  answer: Answer,
  type: string,
  charset: string | null,
): Answer {
  if (answer.kind === "redirect") return answer;
  const isText = charset !== null && /^text\/[^;]*$/i.test(type);
  return { ...answer, type: isText ? `${type}; charset=${charset}` : type };
}

/** `return` itself is a reserved word. */
export const returning = {
  return: allowedIn(
    ["top", "server", "location"],
    Return,
    undefined,
    "An answer in place of an upstream's: a status, such as 404; a status and a " +
      'text, such as [200, "ok"]; or a redirect, such as "301 ' +
      'https://$host$request_uri", or a URL alone for 302. Text and URL may have ' +
      "variables in them, and $1 to $9 of the location's regular expression. In a " +
      "server it answers every request.",
  ),
};
