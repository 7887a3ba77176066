/**
 * Exchanges that end by the client's doing. (Why an upstream gave no answer is
 * in `lib/transport/errors.ts`.)
 *
 * @module
 */

/** The client left before there was an answer: nginx's 499. Nobody reads the answer. */
export class ClientClosedRequest extends Error {
  override readonly name = "ClientClosedRequest";
}

/**
 * A body larger than `client_max_body_size` (413), one that did not come within
 * `client_body_timeout` or `request_timeout` (408), or one that breaks the
 * grammar of its coding (400).
 */
export class ClientError extends Error {
  override readonly name = "ClientError";
  constructor(readonly status: 400 | 408 | 413) {
    super(`client error ${status}`);
  }
}
