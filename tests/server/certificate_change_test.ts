/**
 * A new certificate on an address that is in use.
 *
 * @module
 */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { planFromObject } from "../../lib/config/load.ts";
import type { Plan } from "../../lib/config/plan.ts";
import { isAsGood } from "../../lib/server/replaced_listeners.ts";
import { ListenError } from "../../lib/server/server.ts";
import { backend, toGroup } from "../support/backends.ts";
import {
  certificateFolder,
  testAuthority,
  type TestCertificate,
} from "../support/certificates.ts";
import { type EchoClient, echoClient, echoUpstream } from "../support/echo.ts";
import { startProxy } from "../support/proxy.ts";
import { soon } from "../support/soon.ts";
import { servedSerial, trusting } from "../support/tls_client.ts";

/** Elsewhere two listeners can't have one port, and a new certificate needs a restart. */
const ignore = Deno.build.os !== "linux";

const DAY = 24 * 60 * 60 * 1000;
/** More than this many WebSockets the machine of a test may not carry. */
const MANY = 1000;
/** Handshakes at the same time. */
const AT_ONCE = 50;

const authority = await testAuthority();
const folder = certificateFolder();
Deno.test.afterAll(() => folder[Symbol.dispose]());

const serialOf = ({ certificate }: TestCertificate) =>
  new X509Certificate(certificate).serialNumber;

/** A proxy, and a way to give it other certificates. */
function start(first: TestCertificate, rest: Record<string, unknown>) {
  const name = crypto.randomUUID();
  const config = () => ({ ...folder.install(name, first), ...rest });
  const proxy = startProxy({ listen: "127.0.0.1:0 ssl", ...config() });
  const planOf = (config: Record<string, unknown>): Plan =>
    planFromObject({ listen: "127.0.0.1:0 ssl", ...config }, {
      source: "test",
      env: () => undefined,
    });
  return {
    proxy,
    change: (next: TestCertificate) =>
      proxy.server.reload(
        planOf({ ...rest, ...folder.install(name, next) }),
      ),
    reload: (config: Record<string, unknown>) =>
      proxy.server.reload(planOf(config)),
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  };
}

/** Serial numbers of new connections. */
async function serialsOf(port: number, count = 40): Promise<Set<string>> {
  const seen = new Set<string>();
  for (let i = 0; i < count; i++) seen.add(await servedSerial(port));
  return seen;
}

/** Resolves when new connections get one certificate only. */
async function untilOne(port: number): Promise<void> {
  for (;;) {
    try {
      if ((await serialsOf(port)).size === 1) return;
    } catch {
      // Deno breaks off what is in its handshake when a listener closes.
    }
  }
}

async function opened(
  url: string,
  count: number,
  client: Deno.HttpClient,
): Promise<EchoClient[]> {
  const clients: EchoClient[] = [];
  while (clients.length < count) {
    const some = Math.min(AT_ONCE, count - clients.length);
    clients.push(
      ...await Promise.all(
        Array.from({ length: some }, () => echoClient(url, client)),
      ),
    );
  }
  return clients;
}

Deno.test({
  name: "a thousand WebSockets outlive a change of the certificate",
  ignore,
  async fn() {
    const [first, second] = [
      await authority.certify(),
      await authority.certify(),
    ];
    await using echo = echoUpstream();
    const locations = { "/": `http://127.0.0.1:${echo.port}` };
    await using site = start(first, { locations });
    const { port, url } = site.proxy;
    using client = trusting(authority, false);
    const clients = await opened(url, MANY, client);
    let lost = 0;
    for (const { closed } of clients) closed.then(() => lost++);

    const { added, removed, notes } = site.change(second);
    assert.deepEqual([added, removed], [[], []]);
    assert.deepEqual(notes, ["new certificate on 127.0.0.1:0 ssl"]);
    const answers = await Promise.all(
      clients.map(({ echo }, i) => echo(`${i}`)),
    );
    assert.deepEqual(answers, clients.map((_, i) => `${i}`));
    assert.equal(lost, 0);
    // The first still takes its share, since Deno can't stop accepting alone.
    const both = new Set([first, second].map(serialOf));
    assert((await serialsOf(port)).isSubsetOf(both));
    const late = await opened(url, 4, client);
    await Promise.all(late.map(({ echo }) => echo("late")));

    // More at once take Deno's own client half a minute over TLS (2.9.6).
    for (const all = [...clients, ...late]; all.length > 0;) {
      await Promise.all(all.splice(-AT_ONCE).map(({ close }) => close()));
    }
    // With its last WebSocket it closes.
    await soon("the former is gone", untilOne(port));
    assert.deepEqual(await serialsOf(port), new Set([serialOf(second)]));
    assert.deepEqual(site.proxy.errors, []);
  },
});

Deno.test({
  name: "requests in flight, and those that come meanwhile, are answered",
  ignore,
  async fn() {
    const first = await authority.certify();
    const go = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    await using upstream = backend("app", async ({ target }) => {
      if (target !== "/slow") return new Response("fast");
      begun.resolve();
      await go.promise;
      return new Response("slow".repeat(100_000));
    });
    await using site = start(first, toGroup([upstream]));
    const { url, port } = site.proxy;
    using client = trusting(authority);
    const slow = fetch(`${url}/slow`, { client }).then((it) => it.text());
    await begun.promise;
    let last = first;
    for (let i = 0; i < 3; i++) {
      last = await authority.certify();
      site.change(last);
      // Each on a connection of its own.
      await Promise.all(Array.from({ length: 10 }, async () => {
        using client = trusting(authority);
        const response = await fetch(url, { client });
        assert.equal(await response.text(), "fast");
      }));
    }
    go.resolve();
    assert.equal((await slow).length, 400_000);
    await soon("the former is gone", untilOne(port));
    assert.deepEqual(await serialsOf(port), new Set([serialOf(last)]));
  },
});

Deno.test({
  name:
    "a certificate that is no good any more is gone at once, and its WebSockets come back",
  ignore,
  async fn() {
    const expiring = await authority.certify({ until: 1000 });
    const next = await authority.certify();
    await using echo = echoUpstream();
    const locations = { "/": `http://127.0.0.1:${echo.port}` };
    await using site = start(expiring, { locations, websocket_drain: 0 });
    const { port, url } = site.proxy;
    using client = trusting(authority, false);
    const [one] = await opened(url, 1, client);
    site.change(next);
    const { code } = await soon("it is closed", one!.closed);
    assert.equal(code, 1012);
    await soon("the former is gone", untilOne(port));
    const [again] = await opened(url, 1, client);
    assert.equal(await again!.echo("back"), "back");
    await again!.close();
  },
});

Deno.test({
  name: "the oldest of many certificates is given up",
  ignore,
  async fn() {
    await using echo = echoUpstream();
    const locations = { "/": `http://127.0.0.1:${echo.port}` };
    await using site = start(await authority.certify(), {
      locations,
      websocket_drain: 0,
    });
    using client = trusting(authority, false);
    const [oldest] = await opened(site.proxy.url, 1, client);
    const others: EchoClient[] = [];
    for (let i = 0; i < 3; i++) {
      site.change(await authority.certify());
      others.push(...await opened(site.proxy.url, 8, client));
      assert.equal(await oldest!.echo("here"), "here");
    }
    site.change(await authority.certify());
    assert.equal((await soon("it is closed", oldest!.closed)).code, 1012);
    await Promise.all(others.map(({ close }) => close()));
  },
});

Deno.test({
  name: "a reload that leaves the certificate alone changes no listener",
  ignore,
  async fn() {
    const certificate = await authority.certify();
    await using echo = echoUpstream();
    const locations = { "/": `http://127.0.0.1:${echo.port}` };
    await using site = start(certificate, { locations });
    assert.deepEqual(site.change(certificate), {
      added: [],
      removed: [],
      notes: [],
    });
    assert.equal((await serialsOf(site.proxy.port, 4)).size, 1);
  },
});

Deno.test("an address does not change between HTTP and HTTPS while it is in use", async () => {
  const locations = { "/": { return: [200, "x"] } };
  await using site = start(await authority.certify(), { locations });
  assert.throws(
    () => site.reload({ locations, listen: "127.0.0.1:0" }),
    (error) => error instanceof ListenError && error.kind === "ssl",
  );
  assert.equal((await serialsOf(site.proxy.port, 2)).size, 1);
});

Deno.test("a former certificate is as good as the next if clients take it as they take that", () => {
  const now = Date.now();
  const certificate = {
    chain: "",
    key: "",
    names: ["a.example", "b.example"],
    issuer: "someone",
    notBefore: now - 60 * DAY,
    notAfter: now + 30 * DAY,
    lacksIntermediate: false,
  };
  const good = (of: Partial<typeof certificate>, next = certificate) =>
    isAsGood({ ...certificate, ...of }, next, now);
  assert(good({}));
  assert(good({ names: ["c.example", "b.example", "a.example"] }));
  assert(!good({ names: ["a.example"] }));
  // From a staging directory, or made for the time until the first one.
  assert(!good({ issuer: "another" }));
  assert(!good({ notAfter: now - 1 }));
  // Three days before its end it goes, or in the last eighth of a short life.
  assert(!good({ notAfter: now + 3 * DAY - 1 }));
  assert(good({ notAfter: now + 3 * DAY + 1 }));
  const short = { notBefore: now - 6 * DAY };
  assert(good({ ...short, notAfter: now + DAY }));
  assert(!good({ ...short, notAfter: now + DAY * 0.8 }));
});
