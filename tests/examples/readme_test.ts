/** What the README shows of configs is true. */
import { deepStrictEqual, ok } from "node:assert/strict";
import { planFromObject } from "../../lib/config/load.ts";
import { NamedFiles } from "../../lib/config/named_files.ts";
import { parseYaml } from "../../lib/config/yaml_text.ts";

const README = Deno.readTextFileSync(
  new URL("../../README.md", import.meta.url),
);

const AUTHORITY = Deno.readTextFileSync(
  new URL("../support/tls/upstream/ca.crt", import.meta.url),
);

type Block = Record<string, unknown>;

/** What one part of a config takes for given. */
const BASE: Block = { locations: { "/": "http://frontend" } };

const UPSTREAMS = {
  backend: "backend:8000",
  frontend: "frontend:5173",
  centrifugo: "centrifugo:8000",
};

const blocks = [...README.matchAll(/^```yaml\n([^]*?)^```$/gm)]
  .map(([, text = ""]) => text);

Deno.test("the README has configs", () => ok(blocks.length >= 6));

for (const [at, text] of blocks.entries()) {
  Deno.test(`config ${at + 1} of the README can be used: ${text.split("\n", 1)}`, () => {
    const example = parseYaml(text, "README.md") as Block;
    const { upstreams = {}, ...rest } = example;
    const { warnings } = planFromObject(
      { ...BASE, ...rest, upstreams: { ...UPSTREAMS, ...upstreams as Block } },
      {
        source: "/etc/sameorigin/config.yaml",
        env: () => undefined,
        files: new NamedFiles(
          "/etc/sameorigin/config.yaml",
          new Map([["/etc/sameorigin/internal-ca.pem", { text: AUTHORITY }]]),
        ),
        readFile: () => new TextEncoder().encode("joe:{PLAIN}secret\n"),
      },
    );
    deepStrictEqual(
      warnings.filter(({ message }) =>
        !/no location|nothing uses/.test(message)
      ),
      [],
    );
  });
}
