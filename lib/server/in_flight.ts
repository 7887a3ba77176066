/**
 * What a listener does with its requests between two reloads.
 *
 * @module
 */

/** Handles the requests of one listener by one plan, and knows when none is left. */
export class Serving {
  #active = 0;
  #waiting: (() => void)[] = [];
  readonly #handler: Deno.ServeHandler<Deno.Addr>;

  constructor(handler: Deno.ServeHandler<Deno.Addr>) {
    this.#handler = handler;
  }

  handle(
    request: Request,
    info: Deno.ServeHandlerInfo<Deno.Addr>,
  ): Response | Promise<Response> {
    this.#active++;
    const response = this.#handler(request, info);
    if (response instanceof Promise) response.then(this.#leave, this.#leave);
    else this.#leave();
    return response;
  }

  /**
   * Resolves when no request is on its way to a response head any more. Bodies
   * may still flow, and WebSockets be open: neither needs the handler.
   */
  quiet(): Promise<void> {
    if (this.#active === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  readonly #leave = (): void => {
    this.#active--;
    if (this.#active > 0) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  };
}
