/**
 * Keeping certificates valid: with Pebble, and with an authority that refuses.
 *
 * @module
 */
import assert from "node:assert/strict";
import { PLACEHOLDER, putPlaceholders } from "../../lib/acme/placeholder.ts";
import {
  backOff,
  Renewals,
  renewalTime,
  type RenewalTimes,
} from "../../lib/acme/renewals.ts";
import { State } from "../../lib/acme/state.ts";
import { planFromObject } from "../../lib/config/load.ts";
import type { Plan } from "../../lib/config/plan.ts";
import { testAuthority } from "../support/certificates.ts";
import { freePort } from "../support/free_port.ts";
import { startPebble } from "../support/pebble.ts";
import { withoutPebble } from "../support/pebble_programs.ts";
import { startProxy } from "../support/proxy.ts";
import { testUnless } from "../support/skip.ts";
import { soon } from "../support/soon.ts";
import { trusting } from "../support/tls_client.ts";

const reason = await withoutPebble();

const DAY = 24 * 60 * 60 * 1000;

/** A folder for state, and a config that keeps its certificates there. */
async function site(directory: string, http: number) {
  const dir = await Deno.makeTempDir({ prefix: "sameorigin-acme-" });
  const config = {
    listen: "127.0.0.1:0 ssl",
    server_name: "shop.example",
    state_dir: dir,
    redirect_to_https: `127.0.0.1:${http}`,
    ssl_certificate: { acme: { directory } },
    locations: { "/": { return: 200 } },
  };
  const plan = (): Plan =>
    planFromObject(config, { source: "test", env: () => undefined });
  await putPlaceholders(plan().acme);
  return {
    dir,
    config,
    plan,
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}

/** Renewals, the number of changes that they made, and what they said. */
function renewing(
  { acme }: Plan,
  authority: string,
  times: Partial<RenewalTimes> = {},
) {
  const client = trusting({ pem: authority });
  const changes: string[] = [];
  const said: string[] = [];
  let news = Promise.withResolvers<void>();
  const tell = () => {
    news.resolve();
    news = Promise.withResolvers();
  };
  const renewals = new Renewals({
    client,
    times,
    changed: async () => {
      changes.push(await Deno.readTextFile(acme[0]!.file));
      tell();
    },
    report(line) {
      said.push(line);
      tell();
    },
  });
  renewals.update(acme);
  return {
    changes,
    said,
    async until(condition: () => boolean) {
      while (!condition()) await soon("there is news", news.promise);
    },
    async [Symbol.asyncDispose]() {
      await renewals[Symbol.asyncDispose]();
      client.close();
    },
  };
}

testUnless(
  reason,
  "a certificate is renewed at two thirds of its life",
  async () => {
    const http = freePort();
    await using pebble = await startPebble({ httpPort: http, lifetime: 6 });
    await using files = await site(pebble.directory, http);
    await using proxy = startProxy(files.config);
    await using renewals = renewing(files.plan(), pebble.authority);
    await renewals.until(() => renewals.changes.length === 3);
    assert.equal(new Set(renewals.changes).size, 3);
    assert.deepEqual(renewals.said, []);
    // Only the proxy's own answers were asked for.
    assert.deepEqual(proxy.errors, []);
  },
);

testUnless(reason, "processes that share a state_dir order once", async () => {
  const http = freePort();
  await using pebble = await startPebble({ httpPort: http });
  await using files = await site(pebble.directory, http);
  await using _proxy = startProxy(files.config);
  const times = { locked: 50 };
  const start = () => renewing(files.plan(), pebble.authority, times);
  await using first = start();
  await using second = start();
  for (const one of [first, second]) {
    await one.until(() => one.changes.length === 1);
  }
  assert.deepEqual(first.changes, second.changes);
  assert.equal(pebble.orders(), 1);
});

testUnless(
  reason,
  "a name that the authority does not certify is told with its words",
  async () => {
    const http = freePort();
    await using pebble = await startPebble({ httpPort: http });
    await using files = await site(pebble.directory, http);
    files.config.server_name = "blocked.example";
    await putPlaceholders(files.plan().acme);
    await using renewals = renewing(files.plan(), pebble.authority);
    await renewals.until(() => renewals.said.length === 1);
    assert.match(
      renewals.said[0]!,
      /^no certificate for blocked\.example from .+ yet: the order: rejectedIdentifier: .+; next try in [23] min$/,
    );
  },
);

/** An authority that does as it is told. */
async function fakeAuthority(
  answer: (path: string, body: { url: string }) => Response,
) {
  const authority = await testAuthority();
  const { certificate: cert, key } = await authority.certify();
  const asked: string[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, cert, key, onListen() {} },
    async (request) => {
      const { pathname, origin } = new URL(request.url);
      asked.push(pathname);
      const nonce = { "replay-nonce": `nonce-${asked.length}` };
      if (pathname === "/dir") {
        const url = (name: string) => [name, `${origin}/${name}`];
        return Response.json(
          Object.fromEntries(["newNonce", "newAccount", "newOrder"].map(url)),
        );
      }
      if (pathname === "/newNonce") {
        return new Response(null, { headers: nonce });
      }
      const { protected: header } = await request.json();
      const text = new TextDecoder().decode(
        Uint8Array.fromBase64(header, { alphabet: "base64url" }),
      );
      if (pathname === "/newAccount") {
        const headers = { ...nonce, location: `${origin}/me` };
        return Response.json({}, { status: 201, headers });
      }
      return answer(pathname, JSON.parse(text));
    },
  );
  return {
    directory: `https://127.0.0.1:${server.addr.port}/dir`,
    pem: authority.pem,
    asked,
    async [Symbol.asyncDispose]() {
      await server.shutdown();
    },
  };
}

const problem = (type: string, detail: string, headers = {}) =>
  Response.json(
    { type: `urn:ietf:params:acme:error:${type}`, detail },
    { status: 429, headers },
  );

/** What is said after one order that the authority answers so. */
async function saidAfter(
  answer: () => Response,
): Promise<{ said: string; asked: string[] }> {
  await using authority = await fakeAuthority(answer);
  await using files = await site(authority.directory, freePort());
  await using renewals = renewing(files.plan(), authority.pem);
  await renewals.until(() => renewals.said.length === 1);
  const said = renewals.said[0]!
    .replace(
      /^no certificate for shop\.example from 127\.0\.0\.1:\d+ yet: /,
      "",
    );
  return { said, asked: authority.asked };
}

Deno.test("a rate limit is told, and waited for as long as the authority says", async () => {
  const { said } = await saidAfter(() =>
    problem("rateLimited", "too many\ncertificates", { "retry-after": "36000" })
  );
  assert.equal(
    said,
    "the order: rateLimited: too many certificates (directory: " +
      "letsencrypt-staging has wider limits, to try it); next try in 10 h",
  );
});

Deno.test("a nonce that is refused is replaced, but not for ever", async () => {
  const { said, asked } = await saidAfter(() =>
    problem("badNonce", "unknown nonce")
  );
  assert.match(
    said,
    /^the order: badNonce: unknown nonce; next try in [23] min$/,
  );
  assert.equal(asked.filter((path) => path === "/newOrder").length, 5);
});

Deno.test("an authority that makes no sense is told, and does no harm", async () => {
  const cases: [() => Response, RegExp][] = [
    [
      () => new Response("<h1>busy</h1>", { status: 503 }),
      /^the order: it answers with 503;/,
    ],
    [() => Response.json([1, 2]), /./],
    [() => Response.json({ authorizations: ["nowhere"] }), /./],
    [() => Response.json({ status: "valid", certificate: 7 }), /./],
    [() => problem("", ""), /^the order: /],
  ];
  for (const [answer, expected] of cases) {
    const { said } = await saidAfter(answer);
    assert.match(said, expected);
    assert.match(said, /; next try in [23] min$/);
  }
});

Deno.test("renewal is due after two thirds of the life, and a little by chance", () => {
  const certificate = {
    chain: "",
    key: "",
    names: [],
    issuer: "someone",
    notBefore: 0,
    notAfter: 90 * DAY,
    lacksIntermediate: false,
  };
  assert.equal(renewalTime(certificate, 0), 60 * DAY);
  assert.equal(Math.round(renewalTime(certificate, 1) / DAY * 10) / 10, 61.8);
  assert.equal(renewalTime({ ...certificate, issuer: PLACEHOLDER }, 1), 0);
});

Deno.test("tries grow apart, up to a limit, and as the authority wants", () => {
  const times = {
    look: 0,
    locked: 0,
    shortestBackOff: 2,
    longestBackOff: 20,
  };
  const waits = [1, 2, 3, 4, 5, 99].map((n) => backOff(n, times, 0, 0));
  assert.deepEqual(waits, [2, 4, 8, 16, 20, 20]);
  assert.equal(backOff(1, times, 0, 1), 2.5);
  assert.equal(backOff(1, times, 500, 1), 500);
});

Deno.test("a lock is had by one, and not for ever", async () => {
  const dir = await Deno.makeTempDir();
  const [one, two] = [new State(dir), new State(dir)];
  {
    await using lock = await one.lock();
    assert(lock !== null);
    assert.equal(await two.lock(), null);
  }
  // Of one that was killed just now, and of one that has given no sign of life.
  await Deno.writeTextFile(`${dir}/lock`, "");
  assert.equal(await two.lock(), null);
  const before = new Date(Date.now() - 2 * 60 * 1000);
  await Deno.utime(`${dir}/lock`, before, before);
  await using stolen = await one.lock();
  assert(stolen !== null);
  await Deno.remove(dir, { recursive: true });
});
