import assert from "node:assert/strict";
import { logPlatformMessages } from "../../lib/observe/platform_messages.ts";

Deno.test("what Deno prints goes to the error log, but for its notice on request signals", () => {
  const { warn, error } = console;
  const lines: string[] = [];
  try {
    logPlatformMessages((line) => lines.push(line));
    console.warn("Deno: something", 1);
    console.warn(
      "Deno.serve: request.signal aborts on successful responses (legacy " +
        "behavior). To detect when a request has been fully delivered …",
    );
    console.error(new TypeError("a mistake"));
  } finally {
    Object.assign(console, { warn, error });
  }
  assert.equal(lines.length, 2);
  assert.equal(lines[0], "Deno: something 1");
  assert.match(lines[1] ?? "", /^TypeError: a mistake\n/);
});
