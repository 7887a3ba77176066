/**
 * The part of `@std/http/status` that is used here, for networks that do not
 * reach JSR.
 *
 * @module
 */
import { STATUS_CODES } from "node:http";

/** A status code that is registered with the IANA. */
// deno-fmt-ignore
export type StatusCode =
  | 100 | 101 | 102 | 103
  | 200 | 201 | 202 | 203 | 204 | 205 | 206 | 207 | 208 | 226
  | 300 | 301 | 302 | 303 | 304 | 305 | 307 | 308
  | 400 | 401 | 402 | 403 | 404 | 405 | 406 | 407 | 408 | 409 | 410 | 411 | 412
  | 413 | 414 | 415 | 416 | 417 | 418 | 421 | 422 | 423 | 424 | 425 | 426 | 428
  | 429 | 431 | 451
  | 500 | 501 | 502 | 503 | 504 | 505 | 506 | 507 | 508 | 510 | 511;

const {
  // Node's own: neither the IANA nor @std has it.
  509: _bandwidthLimitExceeded,
  ...names
} = STATUS_CODES;

/** The name of each status code: Node's, but for the few that @std words otherwise. */
export const STATUS_TEXT = {
  ...names,
  203: "Non Authoritative Info",
  207: "Multi Status",
  407: "Proxy Auth Required",
  413: "Content Too Large",
  418: "I'm a teapot",
} as Readonly<Record<StatusCode, string>>;
