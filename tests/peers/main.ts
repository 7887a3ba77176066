/**
 * `deno task peers`: other people's cases through the proxy, fetched by an
 * ordinary package client. It prints each whose outcome differs from what is
 * listed in `known_differences.ts`, and ends with code 1 if there is one.
 *
 *     deno task peers             all
 *     deno task peers h2spec      HTTP/2; needs Go
 *     deno task peers gunicorn    odd requests; needs Python with pip
 *     deno task peers --list      the known differences as well
 *
 * @module
 */
import { parseArgs } from "node:util";
import { type Difference, judge, type Result } from "./cases.ts";
import { runGunicorn } from "./gunicorn.ts";
import { runH2spec } from "./h2spec.ts";
import { GUNICORN, H2SPEC } from "./known_differences.ts";
import { PEERS } from "./places.ts";

interface Peer {
  readonly run: () => Promise<Result[]>;
  readonly known: Readonly<Record<string, Difference>>;
}

const ALL: Readonly<Record<string, Peer>> = {
  h2spec: { run: runH2spec, known: H2SPEC },
  gunicorn: { run: runGunicorn, known: GUNICORN },
};

const { values, positionals } = parseArgs({
  options: { list: { type: "boolean", default: false } },
  allowPositionals: true,
});
const names = positionals.length === 0 ? Object.keys(ALL) : positionals;
const unknown = names.find((name) => !Object.hasOwn(ALL, name));
if (unknown !== undefined) {
  console.error(`no "${unknown}": ${Object.keys(ALL).join(", ")}`);
  Deno.exit(2);
}
await Deno.mkdir(PEERS, { recursive: true });
let surprises = 0;
for (const name of names) {
  const { run, known } = ALL[name]!;
  const verdict = judge(await run(), known);
  const differ = Object.keys(known).length;
  console.log(
    `${name}: ${verdict.run} cases, ${verdict.asAsked} as asked, ` +
      `${differ} known to differ`,
  );
  if (values.list) {
    for (const [name, { outcome, why }] of Object.entries(known)) {
      console.log(`  ${name}: ${outcome}\n    ${why}`);
    }
  }
  for (const surprise of verdict.surprises) console.log(`! ${surprise}`);
  surprises += verdict.surprises.length;
}
if (surprises > 0) Deno.exitCode = 1;
