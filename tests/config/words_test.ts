import assert from "node:assert/strict";
import fc from "fast-check";
import { didYouMean } from "../../lib/config/words.ts";

Deno.test("the nearest of several names is meant", () => {
  const names = ["backend", "frontend", "centrifugo"];
  assert.equal(didYouMean("backnd", names), ' (did you mean "backend"?)');
  assert.equal(didYouMean("Fronted", names), ' (did you mean "frontend"?)');
  assert.equal(didYouMean("abkcend", names), ' (did you mean "backend"?)');
  assert.equal(didYouMean("redis", names), "");
  assert.equal(didYouMean("", names), "");
  assert.equal(didYouMean("x", []), "");
  assert.equal(
    didYouMean("hsot", ["host", "post"], (n) => `$${n}`),
    " (did you mean $host?)",
  );
});

Deno.test("one letter too many, missing, wrong or swapped is forgiven", () => {
  const word = fc.stringMatching(/^[a-z]{4,20}$/);
  fc.assert(
    fc.property(word, fc.nat(), fc.nat({ max: 3 }), (name, seed, kind) => {
      const at = seed % (name.length - 1);
      const swapped = name[at + 1] + name.charAt(at);
      const typed = name.slice(0, at) +
        ["", "q", `${name[at]}q`, swapped][kind] +
        name.slice(at + (kind === 3 ? 2 : 1));
      assert.equal(didYouMean(typed, [name]), ` (did you mean "${name}"?)`);
    }),
  );
});
