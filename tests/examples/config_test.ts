import { parse } from "@std/yaml/parse";
import assert from "node:assert/strict";
import { loadPlan } from "../../lib/config/load.ts";

const EXAMPLES = new URL("../../examples/", import.meta.url);

function load(text: string, source: string) {
  return loadPlan(text, { source, env: () => undefined });
}

Deno.test("the chat example's config is valid", () => {
  const source = "chat/config.yaml";
  const plan = load(Deno.readTextFileSync(new URL(source, EXAMPLES)), source);
  assert.deepEqual(
    plan.upstreams.map(({ name }) => name).sort(),
    ["backend", "centrifugo", "frontend"],
  );
});

Deno.test("the config in the Kubernetes example is valid", () => {
  const source = "kubernetes/sameorigin.yaml";
  const file = Deno.readTextFileSync(new URL(source, EXAMPLES));
  const map = file.split(/^---$/m).map((text) => parse(text)).find(isConfigMap);
  assert(map !== undefined);
  const plan = load(map.data["config.yaml"], source);
  const centrifugo = plan.upstreams.find(({ name }) => name === "centrifugo");
  assert.equal(centrifugo?.balance.kind, "hash");
});

function isConfigMap(
  value: unknown,
): value is { data: { "config.yaml": string } } {
  return typeof value === "object" && value !== null && "kind" in value &&
    value.kind === "ConfigMap";
}
