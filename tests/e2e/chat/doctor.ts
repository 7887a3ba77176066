/**
 * The doctor looks at the chat of `examples/chat`: nothing is wrong with it, and
 * what is broken on purpose in the real programs is found.
 *
 * @module
 */
import {
  deepStrictEqual as deepEqual,
  match,
  strictEqual as equal,
} from "node:assert/strict";
import { join } from "node:path";
import type { Report } from "../../../lib/cli/doctor/doctor.ts";
import { EXAMPLE } from "../../../tools/stack/places.ts";
import type { ChatFixture, Scenario } from "../../support/chat.ts";
import { sameorigin } from "../../support/process.ts";

export const doctor: Scenario = {
  key: "doctor",
  name: "the doctor looks at the chat",
  needsPages: true,
  async run(fixture, step) {
    const { frontend } = fixture.stack.addresses;

    await step("the built page is well", async () => {
      await using proxy = await fixture.startProxy([], {});
      const { code, report } = await examine(fixture, proxy.origin, frontend);
      deepEqual(report.findings, []);
      equal(code, 0);
    });

    await step("Vite's development server is well", async () => {
      await using vite = await fixture.startVite();
      const env = { FRONTEND: vite.address };
      await using proxy = await fixture.startProxy(["--dev"], env);
      const { code, report } = await examine(
        fixture,
        proxy.origin,
        vite.address,
      );
      deepEqual(report.findings, []);
      equal(code, 0);
    });

    await step(
      "Django and Centrifugo that expect another origin are found",
      async () => {
        // Under another name Django refuses the host, and Centrifugo the origin.
        await using proxy = await fixture.startProxy([], {});
        const origin = proxy.origin.replace("localhost", "0.0.0.0");
        const { code, report } = await examine(fixture, origin, frontend);
        equal(code, 1);
        const found = new Set(report.findings.map(({ check }) => check));
        deepEqual([...found].toSorted(), ["centrifugo-origin", "host-refused"]);
        const fixOf = (check: string) =>
          report.findings.find((it) => it.check === check)?.fix ?? "";
        match(fixOf("host-refused"), /ALLOWED_HOSTS = \["0\.0\.0\.0"\]/);
        match(fixOf("centrifugo-origin"), /allowed_origins.*0\.0\.0\.0/);
      },
    );
  },
};

/** What `sameorigin doctor --json` says, with the executable's permissions. */
async function examine(
  { stack }: ChatFixture,
  origin: string,
  frontend: string,
): Promise<{ code: number; report: Report }> {
  const { backend, centrifugo } = stack.addresses;
  const config = join(EXAMPLE, "sameorigin", "config.yaml");
  const { code, stdout, stderr } = await sameorigin(
    ["doctor", "--json", "-c", config, origin],
    { env: { BACKEND: backend, CENTRIFUGO: centrifugo, FRONTEND: frontend } },
  );
  equal(stderr, "");
  return { code, report: JSON.parse(stdout) };
}
