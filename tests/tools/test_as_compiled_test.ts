import assert from "node:assert/strict";
import config from "../../deno.json" with { type: "json" };
import { NOT_IN_EXECUTABLES } from "../../tools/proxy_flags.ts";

const ROOT = new URL("../../", import.meta.url);

/** Says whether a request's signal has aborted after a successful response. */
const ENDS = `Deno.test("ends", async () => {
  const served = Promise.withResolvers<Request>();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request, info) => {
      // Deno looks after it from the first use on.
      request.signal.addEventListener("abort", () => {});
      info.completed.then(() => served.resolve(request));
      return new Response("whole");
    },
  );
  const url = \`http://127.0.0.1:\${server.addr.port}/\`;
  await (await fetch(url)).text();
  const request = await served.promise;
  await server.shutdown();
  console.log("aborted:", request.signal.aborted);
});
`;

/** Runs that test by a tool, with `deno.json`'s features or an executable's. */
async function aborted(...args: string[]): Promise<string | undefined> {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${dir}/ends_test.ts`, ENDS);
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", ...args, `${dir}/ends_test.ts`],
      cwd: ROOT,
      env: { NO_COLOR: "1" },
    }).output();
    const text = new TextDecoder();
    assert.equal(code, 0, text.decode(stderr));
    return /aborted: (\w+)/.exec(text.decode(stdout))?.[1];
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("deno task test:compiled runs tests as an executable behaves, deno task test does not", async () => {
  assert.ok(
    NOT_IN_EXECUTABLES.every((name) => config.unstable.includes(name)),
  );
  const [compiled, normal] = await Promise.all([
    aborted("tools/test_as_compiled.ts", "--no-check"),
    aborted("tools/with_std.ts", "test", "-A", "--no-check"),
  ]);
  assert.deepEqual([compiled, normal], ["true", "false"]);
});
