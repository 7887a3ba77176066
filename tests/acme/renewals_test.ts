/**
 * Renewals: when, how often, and what becomes of failures. With Pebble as the
 * authority, or one of our own that refuses.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { certificateIn, putPlaceholders } from "../../lib/acme/placeholder.ts";
import {
  backOff,
  type RenewalOptions,
  Renewals,
  renewalTime,
} from "../../lib/acme/renewals.ts";
import { State } from "../../lib/acme/state.ts";
import {
  acmeOf,
  type AcmePlan,
  challengeFolder,
} from "../../lib/config/acme.ts";
import { type Pebble, startPebble } from "../support/pebble.ts";
import { withoutPebble } from "../support/pebble_programs.ts";
import { freePort } from "../support/free_port.ts";
import { testUnless } from "../support/skip.ts";
import { soon } from "../support/soon.ts";

const reason = await withoutPebble();

/** A state_dir, and a listener that gives the answers in it. */
async function site(port: number, directory: string) {
  const dir = await Deno.makeTempDir({ prefix: "sameorigin-renewals-" });
  const server = Deno.serve(
    { port, hostname: "127.0.0.1", onListen() {} },
    async (request) => {
      const token = new URL(request.url).pathname.split("/").at(-1) ?? "";
      const path = join(challengeFolder(dir), token);
      return new Response(await Deno.readTextFile(path));
    },
  );
  return {
    dir,
    plan(...names: string[]): AcmePlan {
      const acme = { email: null, directory, names };
      const plan = acmeOf(
        { ssl_certificate: acme },
        { state_dir: dir },
        (path) => path,
      );
      assert.ok(plan !== null);
      return plan;
    },
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await Deno.remove(dir, { recursive: true });
    },
  };
}

/** Renewals, with what they tell. */
function renewals(options: Partial<RenewalOptions> = {}) {
  const lines: string[] = [];
  let news = Promise.withResolvers<void>();
  const told = () => {
    news.resolve();
    news = Promise.withResolvers();
  };
  let changes = 0;
  const running = new Renewals({
    changed() {
      changes++;
      told();
      return Promise.resolve();
    },
    report(line) {
      lines.push(line);
      told();
    },
    ...options,
  });
  const until = async (what: string, holds: () => boolean) => {
    const wait = async () => {
      while (!holds()) await news.promise;
    };
    await soon(what, wait());
  };
  return {
    running,
    lines,
    changes: (count: number) =>
      until(`${count} changes`, () => changes >= count),
    failures: (count: number) =>
      until(`${count} failures`, () => lines.length >= count),
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

function clientOf({ authority }: Pebble): Deno.HttpClient {
  return Deno.createHttpClient({ caCerts: [authority] });
}

const certificateOf = async ({ file }: AcmePlan) =>
  certificateIn(await Deno.readTextFile(file), file);

Deno.test("a certificate is renewed at two thirds of its life, and a little later by chance", () => {
  const certificate = {
    chain: "",
    key: "",
    names: [],
    notBefore: 1000,
    notAfter: 1000 + 90 * 300,
    issuer: "Pebble",
    lacksIntermediate: false,
  };
  assert.equal(renewalTime(certificate, 0), 1000 + 60 * 300);
  const latest = renewalTime(certificate, 1);
  assert.ok(latest > 1000 + 60 * 300 && latest < 1000 + 63 * 300, `${latest}`);
});

Deno.test("tries get rarer, and never come before the authority wants them", () => {
  const times = {
    look: 1,
    locked: 1,
    shortestBackOff: 100,
    longestBackOff: 900,
  };
  const waits = [1, 2, 3, 4, 5, 1e6]
    .map((failures) => backOff(failures, times, 0, 0));
  assert.deepEqual(waits, [100, 200, 400, 800, 900, 900]);
  assert.equal(backOff(1, times, 0, 1), 125);
  assert.equal(backOff(1, times, 5000, 0), 5000);
  // A short wish of the authority does not make it sooner.
  assert.equal(backOff(3, times, 1, 0), 400);
});

testUnless(
  reason,
  "a certificate is renewed before it expires, by one of two processes",
  async () => {
    const port = freePort();
    // Two thirds of 18 s.
    await using pebble = await startPebble({ httpPort: port, lifetime: 18 });
    await using files = await site(port, pebble.directory);
    using client = clientOf(pebble);
    const plan = files.plan("one.example", "two.example");
    await putPlaceholders([plan]);
    const times = { locked: 200, look: 500 };
    await using one = renewals({ client, times });
    await using other = renewals({ client, times });
    one.running.update([plan]);
    other.running.update([plan]);
    await Promise.all([one.changes(1), other.changes(1)]);
    const first = await certificateOf(plan);
    assert.deepEqual(first.names, plan.names);
    assert.equal(pebble.orders(), 1);

    await Promise.all([one.changes(2), other.changes(2)]);
    const now = Date.now();
    assert.equal(pebble.orders(), 2);
    assert.ok(now < first.notAfter, "it was renewed too late");
    assert.ok(now > first.notBefore + (first.notAfter - first.notBefore) / 2);
    assert.ok((await certificateOf(plan)).notAfter > first.notAfter);
    assert.deepEqual([...one.lines, ...other.lines], []);
  },
);

testUnless(
  reason,
  "where a name is added, the certificate of before stays until there is another",
  async () => {
    const port = freePort();
    await using pebble = await startPebble({ httpPort: port });
    await using files = await site(port, pebble.directory);
    using client = clientOf(pebble);
    await using test = renewals({ client });
    const before = files.plan("one.example");
    await putPlaceholders([before]);
    test.running.update([before]);
    await test.changes(1);

    // Pebble refuses this one.
    const refused = files.plan("one.example", "blocked.example");
    await putPlaceholders([refused]);
    assert.deepEqual(await certificateOf(refused), await certificateOf(before));
    test.running.update([refused]);
    await test.failures(1);
    assert.match(
      test.lines[0] ?? "",
      /^no certificate for one\.example, blocked\.example from 127\.0\.0\.1:\d+ yet: the order: rejectedIdentifier: .*blocked\.example.*; next try in [23] min$/,
    );
    assert.deepEqual(await certificateOf(refused), await certificateOf(before));

    const after = files.plan("one.example", "two.example");
    await putPlaceholders([after]);
    assert.deepEqual(await certificateOf(after), await certificateOf(before));
    test.running.update([after]);
    await test.changes(2);
    assert.deepEqual((await certificateOf(after)).names, after.names);

    // Of another authority it says nothing.
    const other = { ...files.plan("one.example"), directory: "https://b/dir" };
    const elsewhere = {
      ...other,
      file: join(files.dir, "certificates", "x.pem"),
    };
    await putPlaceholders([elsewhere]);
    assert.match((await certificateOf(elsewhere)).issuer, /^sameorigin/);
  },
);

/** An authority that refuses every order. */
function refusingAuthority(problem: object, headers: Record<string, string>) {
  let orders = 0;
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request) => {
      const { pathname, origin } = new URL(request.url);
      const nonce = { "replay-nonce": "abc" };
      switch (pathname) {
        case "/dir":
          return Response.json({
            newNonce: `${origin}/nonce`,
            newAccount: `${origin}/account`,
            newOrder: `${origin}/order`,
          });
        case "/account":
          return Response.json({}, {
            status: 201,
            headers: { ...nonce, location: `${origin}/account/1` },
          });
        case "/order":
          orders++;
          return Response.json(problem, {
            status: 429,
            headers: { ...nonce, ...headers },
          });
        default:
          return new Response(null, { headers: nonce });
      }
    },
  );
  return {
    directory: `http://127.0.0.1:${server.addr.port}/dir`,
    orders: () => orders,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("a rate limit is told in the authority's words, and its Retry-After kept", async () => {
  await using authority = refusingAuthority({
    type: "urn:ietf:params:acme:error:rateLimited",
    detail: "too many certificates (5)\nalready issued",
  }, { "retry-after": "7200" });
  await using files = await site(freePort(), authority.directory);
  await using test = renewals();
  test.running.update([files.plan("one.example")]);
  await test.failures(1);
  const { host } = new URL(authority.directory);
  assert.deepEqual(test.lines, [
    `no certificate for one.example from ${host} yet: the order: rateLimited: ` +
    "too many certificates (5) already issued (directory: letsencrypt-staging " +
    "has wider limits, to try it); next try in 2 h",
  ]);
  assert.equal(authority.orders(), 1);
});

Deno.test("failures go on being tried, with pauses that grow", async () => {
  await using authority = refusingAuthority({ detail: "no" }, {});
  await using files = await site(freePort(), authority.directory);
  await using test = renewals({
    times: { shortestBackOff: 10, longestBackOff: 100 },
  });
  const start = performance.now();
  test.running.update([files.plan("one.example")]);
  await test.failures(5);
  // 10, 20, 40 and 80 ms at least.
  assert.ok(performance.now() - start > 145);
  assert.equal(authority.orders(), 5);
});

Deno.test("a lock is another's until its holder gives no sign of life", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const state = new State(dir);
    {
      await using mine = await state.lock();
      assert.ok(mine !== null);
      assert.equal(await new State(dir).lock(), null);
    }
    // Of one that was killed.
    const path = join(dir, "lock");
    await Deno.writeTextFile(path, "");
    assert.equal(await state.lock(), null);
    const then = new Date(Date.now() - 10 * 60 * 1000);
    await Deno.utime(path, then, then);
    await using again = await state.lock();
    assert.ok(again !== null);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
