/**
 * What is served while a certificate with another name is ordered. With Pebble.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { certificateIn, putPlaceholders } from "../../lib/acme/placeholder.ts";
import { Renewals } from "../../lib/acme/renewals.ts";
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
function renewals(client: Deno.HttpClient) {
  const lines: string[] = [];
  let changes = 0;
  let news = Promise.withResolvers<void>();
  const told = () => {
    news.resolve();
    news = Promise.withResolvers();
  };
  const running = new Renewals({
    client,
    changed() {
      changes++;
      told();
      return Promise.resolve();
    },
    report(line) {
      lines.push(line);
      told();
    },
  });
  const until = async (holds: () => boolean) => {
    while (!holds()) await soon("there is news", news.promise);
  };
  return {
    running,
    lines,
    changes: (count: number) => until(() => changes >= count),
    failure: () => until(() => lines.length > 0),
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

function clientOf({ authority }: Pebble): Deno.HttpClient {
  return Deno.createHttpClient({ caCerts: [authority] });
}

const certificateOf = async ({ file }: AcmePlan) =>
  certificateIn(await Deno.readTextFile(file), file);

testUnless(
  reason,
  "where a name is added, the certificate of before stays until there is another",
  async () => {
    const port = freePort();
    await using pebble = await startPebble({ httpPort: port });
    await using files = await site(port, pebble.directory);
    using client = clientOf(pebble);
    await using test = renewals(client);
    const before = files.plan("one.example");
    await putPlaceholders([before]);
    test.running.update([before]);
    await test.changes(1);

    // Pebble refuses this one.
    const refused = files.plan("one.example", "blocked.example");
    await putPlaceholders([refused]);
    assert.deepEqual(await certificateOf(refused), await certificateOf(before));
    test.running.update([refused]);
    await test.failure();
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
