import assert from "node:assert/strict";
import {
  buildCentrifugo,
  PIN,
  shortReason,
} from "../../tools/stack/centrifugo.ts";
import { testUnless } from "../support/skip.ts";

const WINDOWS = Deno.build.os === "windows" ? "the stack needs Unix" : null;

/** A `go` that downloads as it is told, builds anything, and notes its calls. */
async function fakeGo(download: string) {
  const folder = await Deno.makeTempDir();
  const go = `${folder}/go`;
  await Deno.writeTextFile(
    go,
    `#!/bin/sh
echo "$1 in $PWD with $GOFLAGS" >> ${folder}/calls
case $1 in
mod) ${download} ;;
build) echo built > "$3" ;;
esac
`,
    { mode: 0o755 },
  );
  const notes: string[] = [];
  const report = {
    step: <T>(_: string, work: () => Promise<T>) => work(),
    note: (line: string) => void notes.push(line),
  };
  const giveUp = new AbortController();
  const { signal } = giveUp;
  return {
    folder,
    notes,
    giveUp: () => giveUp.abort(new Error("given up")),
    build: () => buildCentrifugo(go, report, signal, `${folder}/cache`),
    calls: () => Deno.readTextFile(`${folder}/calls`),
    async [Symbol.asyncDispose]() {
      await Deno.remove(folder, { recursive: true });
    },
  };
}

testUnless(
  WINDOWS,
  "Centrifugo is built from its own sources, once",
  async () => {
    await using go = await fakeGo(`echo '{ "Dir": "/tmp" }'`);
    const centrifugo = await go.build();
    assert.equal(centrifugo.kind, "centrifugo");
    assert.equal(centrifugo.from, PIN);
    assert.equal(await Deno.readTextFile(centrifugo.program), "built\n");
    const calls = await go.calls();
    assert.match(calls, /^mod in .*\nbuild in .*tmp with .*-modcacherw\n$/);
    assert.deepEqual(await go.build(), centrifugo);
    assert.equal(await go.calls(), calls);
    assert.deepEqual(go.notes, []);
  },
);

testUnless(
  WINDOWS,
  "where the module proxy refuses Centrifugo a stand-in is built, said openly each time, and the proxy left alone for an hour",
  async () => {
    await using go = await fakeGo(
      "echo 'reading https://proxy.golang.org/x: 403 Forbidden' >&2; exit 1",
    );
    const standIn = await go.build();
    assert.equal(standIn.kind, "stand-in");
    assert.deepEqual(go.notes, [
      `Centrifugo ${PIN} can't be had here (403 Forbidden): ` +
      "a small server on its own library stands in for it.",
    ]);
    const calls = await go.calls();
    assert.match(calls, /^mod in .*\nbuild in .*centrifuge_server with .*\n$/);

    assert.deepEqual(await go.build(), standIn);
    assert.equal(await go.calls(), calls);
    assert.equal(go.notes.length, 2);

    const note = `${go.folder}/cache/centrifugo_refused`;
    const before = new Date(Date.now() - 61 * 60 * 1_000);
    await Deno.utime(note, before, before);
    await go.build();
    assert.match(await go.calls(), /\nmod in [^\n]*\n$/);
  },
);

testUnless(
  WINDOWS,
  "a build that fails is no reason for a stand-in, and leaves no program",
  async () => {
    await using go = await fakeGo(`echo '{ "Dir": "/no/such/folder" }'`);
    await assert.rejects(go.build());
    assert.deepEqual(go.notes, []);
    const left = Array.from(
      Deno.readDirSync(`${go.folder}/cache`),
      ({ name }) => name,
    );
    assert.deepEqual(left, ["centrifugo.lock"]);
  },
);

testUnless(WINDOWS, "a download that is given up is no refusal", async () => {
  await using go = await fakeGo("echo begun > $0.begun; sleep 60");
  const watcher = Deno.watchFs(go.folder);
  const build = go.build();
  for await (const { paths } of watcher) {
    if (paths.some((path) => path.endsWith("go.begun"))) break;
  }
  go.giveUp();
  await assert.rejects(build, /given up/);
  assert.deepEqual(go.notes, []);
  const cached = Array.from(Deno.readDirSync(`${go.folder}/cache`));
  assert.deepEqual(cached.map(({ name }) => name), ["centrifugo.lock"]);
});

Deno.test("why Go can't download is said in a few words", () => {
  assert.equal(
    shortReason(
      "go: x@v1: reading https://proxy/x.info: 403 Forbidden\n" +
        "\tserver response: This module version is not available.\n",
    ),
    "403 Forbidden",
  );
  assert.equal(shortReason("x: 502 Bad Gateway\n"), "502 Bad Gateway");
  assert.equal(
    shortReason("go: downloading\ndial tcp: no such host\n"),
    "dial tcp: no such host",
  );
});
