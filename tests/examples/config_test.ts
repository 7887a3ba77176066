import { parse } from "@std/yaml/parse";
import assert from "node:assert/strict";
import { loadPlan } from "../../lib/config/load.ts";
import type { LocationPlan, Plan } from "../../lib/config/plan.ts";

const EXAMPLES = new URL("../../examples/", import.meta.url);

function load(text: string, source: string) {
  return loadPlan(text, { source, env: () => undefined });
}

Deno.test("the chat example's config is valid", () => {
  const source = "chat/sameorigin/config.yaml";
  const plan = load(Deno.readTextFileSync(new URL(source, EXAMPLES)), source);
  assert.deepEqual(
    plan.upstreams.map(({ name }) => name).sort(),
    ["backend", "centrifugo", "frontend"],
  );
});

Deno.test("the production example's config is valid, and under 40 lines", () => {
  const source = "production/config.yaml";
  const text = Deno.readTextFileSync(new URL(source, EXAMPLES));
  const plan = load(text, source);
  assert.deepEqual(plan.listeners.map(({ written }) => written), [
    "443 ssl",
    "80",
  ]);
  assert.deepEqual(plan.acme.map(({ names }) => names), [["chat.example"]]);
  assert.ok(text.trimEnd().split("\n").length < 40);
});

/** What of the Kubernetes example's objects is looked at. */
interface KubernetesObject {
  kind: string;
  data?: { "config.yaml": string };
  spec?: {
    replicas?: number;
    maxUnavailable?: number;
    podSelector?: { matchLabels: Record<string, string> };
    template?: { metadata: { labels: Record<string, string> }; spec: Pod };
  };
}

interface Pod {
  terminationGracePeriodSeconds: number;
  containers: [{
    args: string[];
    ports: [{ name: string; containerPort: number }];
    readinessProbe: Probe;
    livenessProbe: Probe;
    lifecycle: { preStop: { sleep: { seconds: number } } };
    volumeMounts: [{ mountPath: string; subPath?: string }];
  }];
}

interface Probe {
  httpGet: { path: string; port: string };
}

/** A location of the first server. */
function locationOf(plan: Plan, key: string): LocationPlan | undefined {
  const [server] = plan.listeners[0]?.servers.servers ?? [];
  return server?.locations.entries.find(({ value }) => value.key === key)
    ?.value;
}

/** The Kubernetes example: its objects by kind, and its config. */
function kubernetes() {
  const source = "kubernetes/sameorigin.yaml";
  const file = Deno.readTextFileSync(new URL(source, EXAMPLES));
  const objects = new Map(
    file.split(/^---$/m).map((text) => parse(text) as KubernetesObject | null)
      .filter((object) => object !== null)
      .map((object) => [object.kind, object]),
  );
  const text = objects.get("ConfigMap")?.data?.["config.yaml"];
  const template = objects.get("Deployment")?.spec?.template;
  assert(text !== undefined && template !== undefined);
  return { objects, template, plan: load(text, source) };
}

Deno.test("the config in the Kubernetes example is valid", () => {
  const { plan } = kubernetes();
  const centrifugo = plan.upstreams.find(({ name }) => name === "centrifugo");
  assert.equal(centrifugo?.balance.kind, "hash");
});

Deno.test("the Kubernetes example's probes ask the proxy alone, by HTTP", () => {
  const { template: { spec: pod }, plan } = kubernetes();
  const [{ ports: [port], readinessProbe, livenessProbe }] = pod.containers;
  const [listener] = plan.listeners;
  assert(listener?.address.transport === "tcp");
  assert.equal(listener.address.port, port.containerPort);
  for (const { httpGet } of [readinessProbe, livenessProbe]) {
    assert.equal(httpGet.port, port.name);
    const location = locationOf(plan, `= ${httpGet.path}`);
    assert(location?.content.kind === "return");
    assert.equal(location.content.status, 200);
    assert.equal(location.settings.access_log, false);
  }
});

Deno.test("the Kubernetes example leaves a pod the time to end, and its number to the autoscaler", () => {
  const { objects, template, plan } = kubernetes();
  const { containers: [container], terminationGracePeriodSeconds } =
    template.spec;
  assert.ok(
    container.lifecycle.preStop.sleep.seconds * 1_000 + plan.shutdownTimeout <
      terminationGracePeriodSeconds * 1_000,
  );
  assert.ok(objects.has("HorizontalPodAutoscaler"));
  assert.equal(objects.get("Deployment")?.spec?.replicas, undefined);
  assert.equal(objects.get("PodDisruptionBudget")?.spec?.maxUnavailable, 1);
});

Deno.test("the Kubernetes example's pods are reached by the ingress alone, and see a changed config", () => {
  const { objects, template } = kubernetes();
  const { podSelector } = objects.get("NetworkPolicy")?.spec ?? {};
  assert.deepEqual(podSelector?.matchLabels, template.metadata.labels);
  // A directory, in which a changed ConfigMap shows.
  const [{ volumeMounts: [mount], args }] = template.spec.containers;
  assert.equal(mount.subPath, undefined);
  assert.ok(args.includes(`${mount.mountPath}/config.yaml`));
});
