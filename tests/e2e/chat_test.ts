/**
 * The chat of `examples/chat` behind one origin. Starting its parts takes longer
 * than most scenarios, so all scenarios share one stack and one browser and run
 * one after the other. That takes one file, since files run in parallel:
 *
 *     deno task test tests/e2e/chat_test.ts
 *     deno task test tests/e2e/chat_test.ts -- people admin    only these
 *
 * @module
 */
import assert from "node:assert/strict";
import { runScenarios, type Scenario, whyNoPages } from "../support/chat.ts";
import { isSkipped, testUnless } from "../support/skip.ts";
import { whyNoStack } from "../support/stack.ts";
import { admin } from "./chat/admin.ts";
import { crowd } from "./chat/crowd.ts";
import { development } from "./chat/development.ts";
import { doctor } from "./chat/doctor.ts";
import { parts } from "./chat/parts.ts";
import { people } from "./chat/people.ts";
import { transports } from "./chat/transports.ts";

/** The last one kills a part. */
const SCENARIOS: readonly Scenario[] = [
  transports,
  crowd,
  people,
  admin,
  development,
  doctor,
  parts,
];

const noStack = await whyNoStack();
const noPages = noStack ?? await whyNoPages();

testUnless(
  noStack,
  "the chat behind one origin, with all of its parts",
  async (context) => {
    const keys = SCENARIOS.map(({ key }) => key);
    assert.deepEqual(Deno.args.filter((it) => !keys.includes(it)), []);
    const chosen = SCENARIOS.filter(({ key, needsPages, name }) =>
      (Deno.args.length === 0 || Deno.args.includes(key)) &&
      !(needsPages && isSkipped(noPages, name))
    );
    const folder = await runScenarios(chosen, context);
    await assert.rejects(Deno.stat(folder), Deno.errors.NotFound);
  },
);
