/**
 * What an ACME authority refuses, and why.
 *
 * @module
 */

/** A problem document (RFC 8555 section 6.7), as far as it is known. */
interface ProblemDocument {
  readonly type?: unknown;
  readonly detail?: unknown;
  readonly subproblems?: unknown;
}

/** The authority has refused something, or can't be asked. */
export class AcmeError extends Error {
  override readonly name = "AcmeError";
  constructor(
    message: string,
    /** The last part of the problem's type: `rateLimited`; `""` if there is none. */
    readonly type: string,
    /** Milliseconds that it wants to be left alone; 0 if it does not say. */
    readonly retryAfter: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * What a problem document says, in one line.
 *
 * @param during What was tried: `newOrder`.
 */
export function acmeProblem(
  document: unknown,
  during: string,
  retryAfter = 0,
): AcmeError {
  const { type, detail, subproblems } = isObject(document)
    ? document as ProblemDocument
    : {};
  const short = typeof type === "string" ? type.replace(/^.*:/, "") : "";
  const parts = Array.isArray(subproblems) ? subproblems : [];
  const details = [detail, ...parts.map((part) => part?.detail)]
    .filter((text) => typeof text === "string").map(oneLine);
  const what = details.length === 0 ? "no reason given" : details.join("; ");
  return new AcmeError(
    `${during}: ${short === "" ? "" : `${short}: `}${what}`,
    short,
    retryAfter,
  );
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** The words of a stranger, for a line of the log. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ").slice(0, 500);
}
