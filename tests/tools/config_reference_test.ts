/** The reference of directives is complete and true. */
import { deepStrictEqual, ok, strictEqual as equal } from "node:assert/strict";
import { resolve } from "node:path";
import { ALL_DIRECTIVES } from "../../lib/config/schema.ts";
import { planFromObject } from "../../lib/config/load.ts";
import { NamedFiles } from "../../lib/config/named_files.ts";
import { parseYaml } from "../../lib/config/yaml_text.ts";
import { configReference, SECTIONS } from "../../tools/config_reference.ts";
import { EXAMPLES } from "../../tools/reference_examples.ts";
import { testAuthority } from "../support/certificates.ts";
import { denoFormatted } from "../support/formatted.ts";

const known = SECTIONS.flatMap(({ directives }) => Object.values(directives));

Deno.test("every directive is in the reference, with an example", () => {
  const all = ALL_DIRECTIVES.flatMap((directives) =>
    Object.entries(directives)
  );
  deepStrictEqual(
    all.filter(([, it]) => !known.includes(it)).map(([name]) => name),
    [],
  );
  const names = SECTIONS.flatMap(({ directives }) => Object.keys(directives));
  deepStrictEqual(Object.keys(EXAMPLES).toSorted(), names.toSorted());
});

Deno.test("docs/config.md is what deno task reference writes", async () => {
  const file = new URL("../../docs/config.md", import.meta.url);
  equal(
    await Deno.readTextFile(file),
    await denoFormatted(configReference(), "md"),
    "run deno task reference",
  );
});

type Block = Record<string, unknown>;

/** The certificate that examples name. */
const { certificate, key } = await (await testAuthority()).certify({
  names: ["example.org"],
});
const CERTIFICATE = new Map(
  Object.entries({ "site.crt": certificate, "site.key": key })
    .map(([name, text]) => [resolve(name), { text }]),
);

/** What examples take for given. */
const BASE: Block = {
  upstreams: { backend: "backend:8000", frontend: "frontend:5173" },
};

/** The smallest config around an example, by where the directive may stand. */
function around(example: Block, places: readonly string[]): Block {
  const isWhole = "locations" in example || "servers" in example;
  const locations = { "/": "http://backend" };
  if (places.includes("upstream")) {
    const servers = ["backend:8000"];
    return { upstreams: { backend: { servers, ...example } }, locations };
  }
  if (places.includes("upstream_server")) {
    const server = { address: "backend:8000", ...example };
    // One that is down or a backup can't be alone.
    return {
      upstreams: { backend: { servers: [server, "other:8000"] } },
      locations,
    };
  }
  if (places.includes("health_check")) {
    const health_check = { path: "/", ...example };
    const backend = { servers: ["backend:8000"], health_check };
    return { upstreams: { backend }, locations };
  }
  if (places.includes("admin")) {
    return { ...BASE, locations, admin: { listen: 9001, ...example } };
  }
  if (isWhole) return { ...BASE, ...example };
  if (!places.includes("location")) return { ...BASE, locations, ...example };
  const content = ["proxy_pass", "return", "root", "alias"]
      .some((name) => name in example)
    ? {}
    : { proxy_pass: "http://backend" };
  return { ...BASE, locations: { "/": { ...content, ...example } } };
}

for (const { directives } of SECTIONS) {
  for (const [name, { places }] of Object.entries(directives)) {
    Deno.test(`the example of ${name} is a config`, () => {
      const example = parseYaml(EXAMPLES[name] ?? "", name) as Block;
      ok(example !== null && Object.keys(example).length > 0);
      const { warnings, certificateDoubts } = planFromObject(
        around(example, places),
        {
          source: name,
          env: () => undefined,
          files: new NamedFiles(name, new Map(CERTIFICATE)),
          readFile: (path) => {
            if (path.endsWith(".htpasswd")) {
              return new TextEncoder().encode("joe:{PLAIN}secret\n");
            }
            throw new Error(`the example names ${path}`);
          },
        },
      );
      // An example has no use for all upstreams.
      const meant = warnings.filter(({ path }) => !/^upstreams\./.test(path));
      deepStrictEqual([...meant, ...certificateDoubts], []);
    });
  }
}
