import { deepStrictEqual, strictEqual as equal } from "node:assert/strict";
import type { Lookup } from "../../lib/upstream/names.ts";
import { type TestGroup, testGroup } from "./group_fixture.ts";

/** A resolver that says what a test tells it to. */
class Resolver {
  readonly asked: string[] = [];
  readonly addresses = new Map<string, readonly string[]>();
  /** What it answers waits for this. */
  gate: Promise<void> = Promise.resolve();
  readonly lookup: Lookup = async (hostname) => {
    this.asked.push(hostname);
    await this.gate;
    const found = this.addresses.get(hostname);
    if (found === undefined) throw new Error("EAI_AGAIN");
    return found;
  };

  constructor(hostname: string, ...addresses: string[]) {
    this.addresses.set(hostname, addresses);
  }
}

const names = ({ group }: TestGroup) => group.servers.map(({ name }) => name);

/** Looks up whatever is due now. */
async function lookedUp(it: TestGroup): Promise<void> {
  it.now = performance.now();
  it.pick();
  // Another lookup is not begun while that one runs.
  await it.group.refresh();
}

Deno.test("each address of a name is a server", async () => {
  const resolver = new Resolver(
    "backend",
    "10.0.0.2",
    "10.0.0.1",
    "10.0.0.2",
    "fd00::1",
  );
  using it = testGroup({
    servers: [{ address: "backend:8000", weight: 3, max_conns: 7 }],
  }, resolver.lookup);
  deepStrictEqual(names(it), ["backend:8000"]);
  await lookedUp(it);
  deepStrictEqual(names(it), [
    "10.0.0.1:8000",
    "10.0.0.2:8000",
    "[fd00::1]:8000",
  ]);
  for (const { plan, weight } of it.group.servers) {
    equal(plan.maxConns, 7);
    equal(weight, 3);
  }
});

Deno.test("a name with one address is left to each connection", async () => {
  const resolver = new Resolver("backend", "10.0.0.1");
  using it = testGroup("backend:8000", resolver.lookup);
  const [before] = it.group.servers;
  await lookedUp(it);
  deepStrictEqual(resolver.asked, ["backend"]);
  equal(it.group.servers[0], before);
});

Deno.test("addresses, unix sockets, TLS and `resolve: off` are not looked up", async () => {
  const { lookup, asked } = new Resolver("backend", "10.0.0.1", "10.0.0.2");
  for (
    const upstream of [
      ["127.0.0.1:8000", "[::1]:8000", "unix:/run/x.sock"],
      { servers: ["backend:8000"], resolve: "off" },
    ]
  ) {
    using it = testGroup(upstream, lookup);
    await lookedUp(it);
    equal(it.group.servers.length, it.group.plan.servers.length);
  }
  deepStrictEqual(asked, []);
});

Deno.test("the request that finds names old does not wait", async () => {
  const resolver = new Resolver("backend", "10.0.0.1", "10.0.0.2");
  const gate = Promise.withResolvers<void>();
  resolver.gate = gate.promise;
  using it = testGroup({ servers: ["backend:8000"] }, resolver.lookup);
  it.now = performance.now();
  equal(it.pick(), "backend");
  equal(it.pick(), "backend");
  deepStrictEqual(resolver.asked, ["backend"]);
  gate.resolve();
  await it.group.refresh();
  equal(it.pick(), "10.0.0.1");
});

Deno.test("a changed address is found after `resolve`, and who stays keeps what is known of it", async () => {
  const resolver = new Resolver("backend", "10.0.0.1", "10.0.0.2");
  using it = testGroup(
    { servers: ["backend:8000"], resolve: "20s" },
    resolver.lookup,
  );
  await lookedUp(it);
  const stays = it.server("10.0.0.2");
  stays.failed(it.now);
  resolver.addresses.set("backend", ["10.0.0.2", "10.0.0.3"]);
  it.now += 19_999;
  it.pick();
  equal(resolver.asked.length, 1);
  it.now += 2;
  it.pick();
  equal(resolver.asked.length, 2);
  await it.group.refresh();
  deepStrictEqual(names(it), ["10.0.0.2:8000", "10.0.0.3:8000"]);
  equal(it.server("10.0.0.2"), stays);
});

Deno.test("one address that is left is the name again", async () => {
  const resolver = new Resolver("backend", "10.0.0.1", "10.0.0.2");
  using it = testGroup({ servers: ["backend:8000"] }, resolver.lookup);
  await lookedUp(it);
  resolver.addresses.set("backend", ["10.0.0.2"]);
  it.now += 10_001;
  it.pick();
  await it.group.refresh();
  deepStrictEqual(names(it), ["backend:8000"]);
});

Deno.test("a lookup that fails leaves what was known", async () => {
  const resolver = new Resolver("backend", "10.0.0.1", "10.0.0.2");
  using it = testGroup({ servers: ["backend:8000"] }, resolver.lookup);
  await lookedUp(it);
  const before = names(it);
  resolver.addresses.clear();
  it.now += 10_001;
  it.pick();
  equal(await it.group.refresh(), false);
  deepStrictEqual(names(it), before);
  // Nor does a name that has no address at all.
  resolver.addresses.set("backend", []);
  it.now += 10_001;
  it.pick();
  await it.group.refresh();
  deepStrictEqual(names(it), before);
});

Deno.test("failures ask for a lookup, but not all the time", async () => {
  const resolver = new Resolver("backend", "10.0.0.1", "10.0.0.2");
  using it = testGroup({ servers: ["backend:8000"] }, resolver.lookup);
  equal(await it.group.refresh(), true);
  for (let i = 0; i < 10; i++) equal(await it.group.refresh(), false);
  equal(resolver.asked.length, 1);
});

Deno.test("many that ask at once ask once", async () => {
  const resolver = new Resolver("backend", "10.0.0.1", "10.0.0.2");
  using it = testGroup({ servers: ["backend:8000"] }, resolver.lookup);
  const answers = await Promise.all([1, 2, 3].map(() => it.group.refresh()));
  deepStrictEqual(answers, [true, true, true]);
  equal(resolver.asked.length, 1);
});

Deno.test("a group that was closed meanwhile stays as it is", async () => {
  const resolver = new Resolver("backend", "10.0.0.1", "10.0.0.2");
  const it = testGroup({ servers: ["backend:8000"] }, resolver.lookup);
  const asked = it.group.refresh();
  it.group.release();
  equal(await asked, false);
  deepStrictEqual(names(it), ["backend:8000"]);
});

Deno.test("the system's resolver is asked where nothing else is said", async () => {
  using it = testGroup({ servers: ["localhost:8000"] });
  await it.group.refresh();
  for (const name of names(it)) {
    equal(
      ["localhost:8000", "127.0.0.1:8000", "[::1]:8000"].includes(name),
      true,
      name,
    );
  }
});

Deno.test("a server that is listed twice keeps each its own parameters", async () => {
  const resolver = new Resolver("backend", "10.0.0.1", "10.0.0.2");
  const address = "127.0.0.1:8000";
  const twice = [{ address, weight: 3 }, { address, weight: 1 }];
  using it = testGroup(
    { servers: [...twice, "backend:8000"] },
    resolver.lookup,
  );
  const before = it.group.servers.slice(0, 2);
  await lookedUp(it);
  deepStrictEqual(it.group.servers.slice(0, 2), before);
  deepStrictEqual(it.group.servers.map(({ weight }) => weight), [3, 1, 1, 1]);
});
