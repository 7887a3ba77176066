/**
 * `access`: nginx's `allow` and `deny` in one list, and `satisfy`.
 *
 * In YAML a map has no key twice, so nginx's own form can't be written, and two
 * lists, one of `allow` and one of `deny`, would lose the order that decides:
 *
 *     access: [{allow: 10.0.0.0/8}, {deny: all}]
 *
 * @module
 */
import * as v from "valibot";
import { type NetworkSet, parseNetwork } from "../../route/network.ts";
import {
  block,
  list,
  oneOf,
  oneOrMore,
  parsedBy,
  text,
} from "../schema_parts.ts";
import { expected, ValueError } from "../words.ts";
import { documented, inherited, unset } from "./directive.ts";

/** A rule with the addresses that it is for. */
export interface AccessRule {
  readonly kind: "allow" | "deny";
  /** As it is written: `deny all`. */
  readonly written: string;
  /** `all` is every client, whatever its address. */
  readonly clients: NetworkSet | "all";
}

/** nginx's `allow` and `deny`: the first rule that fits decides. */
export interface AccessRulesPlan {
  readonly kind: "access";
  /** Where they are written, in words. */
  readonly place: string;
  readonly rules: readonly AccessRule[];
}

/** nginx's `satisfy any`: one check that lets the request pass is enough. */
export interface SatisfyAnyPlan<Check> {
  readonly kind: "satisfy_any";
  /** In nginx's order: addresses, password, subrequest. */
  readonly checks: readonly Check[];
}

const CLIENTS_WORDS = `an address such as 192.0.2.1, a network such as ` +
  `10.0.0.0/8, "unix", or "all"`;

interface Clients {
  readonly written: string;
  readonly clients: NetworkSet | "all";
}

const Client = v.pipe(
  text(CLIENTS_WORDS),
  parsedBy((written): Clients => {
    if (written === "all") return { written, clients: "all" };
    const network = parseNetwork(written);
    if (network === null) {
      throw new ValueError(expected(CLIENTS_WORDS, written));
    }
    return {
      written,
      clients: network === "unix"
        ? { networks: [], unix: true }
        : { networks: [network], unix: false },
    };
  }),
);

const RULE_WORDS = "a rule such as {allow: 10.0.0.0/8} or {deny: all}";

const Rule = v.pipe(
  block(RULE_WORDS, {
    allow: v.optional(
      documented(oneOrMore(CLIENTS_WORDS, Client), "Who may come in.", "allow"),
    ),
    deny: v.optional(
      documented(oneOrMore(CLIENTS_WORDS, Client), "Who may not.", "deny"),
    ),
  }),
  v.metadata({ minProperties: 1, maxProperties: 1 }),
  parsedBy(({ allow, deny }): AccessRule[] => {
    if (allow !== undefined && deny !== undefined) {
      throw new ValueError(
        "a rule is either allow or deny: write two, in the order in which " +
          "they are tried",
      );
    }
    const kind = allow === undefined ? "deny" : "allow";
    const clients = allow ?? deny;
    if (clients === undefined) {
      throw new ValueError(`expected ${RULE_WORDS}, got an empty map`);
    }
    return clients.map((one) => ({
      kind,
      written: `${kind} ${one.written}`,
      clients: one.clients,
    }));
  }),
);

const RULES_WORDS =
  "a list of rules such as [{allow: 10.0.0.0/8}, {deny: all}]";

const Rules = v.pipe(
  list(RULES_WORDS, Rule),
  v.transform((rules): readonly AccessRule[] => rules.flat()),
);

export const access = {
  access: inherited(
    Rules,
    unset<readonly AccessRule[]>([]),
    "Who may come in, by address: rules such as [{allow: 10.0.0.0/8}, {deny: " +
      "all}]. The first that fits decides; where none does, the request " +
      "passes. Who may not gets 403. A level that has any rule inherits none.",
  ),
  satisfy: inherited(
    oneOf(`"all" or "any"`, ["all", "any"]),
    "all",
    "Whether a request must pass all of access, auth_basic and auth_request, or " +
      "any one of them.",
  ),
};
