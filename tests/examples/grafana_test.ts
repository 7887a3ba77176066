import assert from "node:assert/strict";
import { BUCKETS } from "../../lib/observe/metrics/histogram.ts";
import { FAMILIES } from "../../lib/observe/metrics/openmetrics.ts";

const DASHBOARD = new URL(
  "../../examples/grafana/sameorigin.json",
  import.meta.url,
);
const DOCUMENTED = new URL("../../docs/metrics.md", import.meta.url);

/** The names of a family's samples. */
function sampleNames({ name, type }: typeof FAMILIES[number]): string[] {
  switch (type) {
    case "counter":
      return [`${name}_total`];
    case "gauge":
      return [name];
    case "histogram":
      return [`${name}_bucket`, `${name}_sum`, `${name}_count`];
  }
}

interface Panel {
  readonly title: string;
  readonly gridPos: Record<"x" | "y" | "w" | "h", number>;
  readonly targets: readonly { readonly expr: string }[];
}

async function panels(): Promise<Panel[]> {
  return JSON.parse(await Deno.readTextFile(DASHBOARD)).panels;
}

Deno.test("the dashboard shows every metric, by its name and labels", async () => {
  const shown = new Set<string>();
  for (const { title, targets } of await panels()) {
    for (const { expr } of targets) {
      const names = expr.match(/\b(?:sameorigin|process)_\w+/g) ?? [];
      assert.ok(names.length > 0, title);
      const labels = new Set(["le", "instance"]);
      for (const name of names) {
        const family = FAMILIES.find((it) => sampleNames(it).includes(name));
        assert.ok(family !== undefined, `${title}: ${name}`);
        shown.add(family.name);
        for (const label of family.labels) labels.add(label);
      }
      for (const [, list = ""] of expr.matchAll(/by \(([^)]*)\)/g)) {
        for (const label of list.split(", ")) {
          assert.ok(labels.has(label), `${title}: ${label}`);
        }
      }
    }
  }
  const missing = FAMILIES.map(({ name }) => name)
    .filter((name) => !shown.has(name));
  assert.deepEqual(missing, []);
});

Deno.test("no panel of the dashboard covers another", async () => {
  const taken = new Map<string, string>();
  for (const { title, gridPos: { x, y, w, h } } of await panels()) {
    for (let column = x; column < x + w; column++) {
      assert.ok(column < 24, title);
      for (let row = y; row < y + h; row++) {
        const cell = `${column} ${row}`;
        assert.equal(taken.get(cell), undefined, title);
        taken.set(cell, title);
      }
    }
  }
});

Deno.test("every metric is documented, with its labels and what it says of itself", async () => {
  const text = (await Deno.readTextFile(DOCUMENTED)).replace(/\s+/g, " ");
  for (const { name, type, labels, help } of FAMILIES) {
    const shown = type === "counter" ? `${name}_total` : name;
    const list = labels.map((label) => `\`${label}\``).join(", ") || "none";
    const row = `| \`${shown}\` | ${type} | ${list} | ${help} |`;
    assert.ok(text.includes(row), row);
  }
  assert.ok(text.includes(`${BUCKETS.join(", ")} seconds`));
});
