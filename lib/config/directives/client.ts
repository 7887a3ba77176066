/**
 * What a client may send, how long it may take, and who it is.
 *
 * @module
 */
import * as v from "valibot";
import {
  type Network,
  type NetworkSet,
  parseNetwork,
} from "../../route/network.ts";
import { oneOrMore, parsedBy, text } from "../schema_parts.ts";
import { expected, ValueError } from "../words.ts";
import { allowedIn, inherited } from "./directive.ts";
import { Size, TimeLimit, TimeOrOff } from "./values.ts";

const Networks = v.pipe(
  oneOrMore(
    `a network such as 10.0.0.0/8, or a list of them`,
    v.pipe(
      text("a network such as 10.0.0.0/8"),
      parsedBy((written): Network | "unix" => {
        const network = parseNetwork(written);
        if (network !== null) return network;
        throw new ValueError(
          expected(
            `a network such as 10.0.0.0/8 or fd00::/8, or "unix"`,
            written,
          ),
        );
      }),
    ),
  ),
  v.transform((networks): NetworkSet => ({
    networks: networks.filter((network) => network !== "unix"),
    unix: networks.includes("unix"),
  })),
);

export const client = {
  client_max_body_size: inherited(
    Size,
    "1m",
    "Largest body of a request, such as 64k, 10m, 1g; a larger one is answered " +
      "with 413. 0 is no limit.",
  ),
  client_body_timeout: inherited(
    TimeLimit,
    "60s",
    "Longest wait for a client to send more of its request's body; then it " +
      "gets 408.",
  ),
  request_timeout: inherited(
    TimeOrOff,
    "off",
    "Longest time of a whole exchange, its bodies included. `off` is no limit.",
  ),
  trusted_proxies: allowedIn(
    ["top"],
    Networks,
    undefined,
    'Networks such as 10.0.0.0/8, addresses, or "unix": only from these are ' +
      "X-Forwarded-For, -Proto, -Host and Forwarded believed.",
  ),
};
