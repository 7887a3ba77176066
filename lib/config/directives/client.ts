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
import { HEADER_NAME_PATTERN } from "./proxy_set_header.ts";
import { Size, TimeLimit, TimeOrOff } from "./values.ts";

const HEADER_WORDS = "a header such as X-Forwarded-For";

/** In lower case. */
const RealIpHeader = v.pipe(
  text(HEADER_WORDS),
  v.metadata({ pattern: HEADER_NAME_PATTERN }),
  parsedBy((name): string => {
    if (name === "proxy_protocol") {
      throw new ValueError("the PROXY protocol is not supported");
    }
    // A header with an underscore in its name is dropped, as in nginx.
    if (!new RegExp(HEADER_NAME_PATTERN).test(name) || name.includes("_")) {
      throw new ValueError(expected(HEADER_WORDS, name));
    }
    return name.toLowerCase();
  }),
);

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
    'Networks such as 10.0.0.0/8, addresses, or "unix": only from these is ' +
      "real_ip_header believed, and what comes with it.",
  ),
  // nginx's default is X-Real-IP; proxies that say host and scheme send this one.
  real_ip_header: allowedIn(
    ["top"],
    RealIpHeader,
    "X-Forwarded-For",
    "The header in which trusted_proxies tell the client's address: " +
      "X-Forwarded-For, X-Real-IP or another, with X-Forwarded-Proto and " +
      "-Host; or Forwarded (RFC 7239), which tells all of it.",
  ),
};
