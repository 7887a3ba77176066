/**
 * What checks say of a request.
 *
 * @module
 */
import type { LocalResponse } from "../exchange/local_response.ts";

/** The check lets the request pass: with `satisfy any`, that is enough. */
export const ALLOWED = "allowed";

/** A refusal, {@linkcode ALLOWED}, or null for no opinion: then others decide. */
export type Verdict = LocalResponse | typeof ALLOWED | null;
