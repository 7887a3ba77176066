/**
 * Noticing changes of a config file, whatever is replaced on the way to it.
 *
 * @module
 */
import assert from "node:assert/strict";
import { FileWatch, type FileWatchOptions } from "../../lib/cli/watch.ts";
import { freePort } from "../support/free_port.ts";
import { sameoriginCommand } from "../support/process.ts";
import { soon } from "../support/soon.ts";

/** Links need a privilege there. */
const ignore = Deno.build.os === "windows";

/** Longer than any test: what is noticed is noticed by events. */
const NEVER = 3_600_000;

type TestOptions = Partial<Pick<FileWatchOptions, "watchFs" | "pollInterval">>;

/** A directory of its own, and what a watch of a file in it finds. */
async function watched(
  prepare: (directory: string) => Promise<void>,
  name: string,
  options: TestOptions = {},
) {
  const directory = await Deno.makeTempDir();
  await prepare(directory);
  const path = `${directory}/${name}`;
  const warnings: string[] = [];
  let text: string | null | undefined;
  let calls = 0;
  let news = Promise.withResolvers<void>();
  const watch = await FileWatch.start(path, {
    async changed() {
      calls++;
      text = await Deno.readTextFile(path).catch(() => null);
      news.resolve();
      news = Promise.withResolvers();
    },
    warn: (line) => void warnings.push(line),
    pollInterval: NEVER,
    ...options,
  });
  return {
    directory,
    path,
    warnings,
    get calls() {
      return calls;
    },
    /** The watch has looked at the file. */
    called: () => soon("the file is looked at", news.promise),
    /** The watch finds this text, or no file. */
    async finds(expected: string | null): Promise<void> {
      while (text !== expected) {
        await soon(`the watch finds ${expected}`, news.promise);
      }
    },
    async [Symbol.asyncDispose]() {
      await watch[Symbol.asyncDispose]();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

/** Writes a file, and the directories that it needs. */
async function write(path: string, text: string): Promise<void> {
  await Deno.mkdir(path.replace(/\/[^/]+$/, ""), { recursive: true });
  await Deno.writeTextFile(path, text);
}

/** Puts another link in the place of one, in one step. */
async function relink(target: string, path: string): Promise<void> {
  await Deno.symlink(target, `${path}.new`);
  await Deno.rename(`${path}.new`, path);
}

Deno.test("a file that is written, renamed over, deleted and written again", async () => {
  await using test = await watched(
    (at) => write(`${at}/config`, "0"),
    "config",
  );
  await test.finds("0");
  await Deno.writeTextFile(test.path, "1");
  await test.finds("1");
  // As editors save, twice: the second is another file than was watched first.
  for (const text of ["2", "3"]) {
    await Deno.writeTextFile(`${test.path}~`, text);
    await Deno.rename(`${test.path}~`, test.path);
    await test.finds(text);
  }
  await Deno.remove(test.path);
  await test.finds(null);
  await Deno.writeTextFile(test.path, "4");
  await test.finds("4");
  await Deno.writeTextFile(test.path, "5");
  await test.finds("5");
});

Deno.test("a file that does not exist yet, nor its directories", async () => {
  await using test = await watched(async () => {}, "a/b/config");
  await test.finds(null);
  await write(test.path, "1");
  await test.finds("1");
  await Deno.writeTextFile(test.path, "2");
  await test.finds("2");
});

Deno.test({
  name: "a link to the file that is replaced, dangles, and comes back",
  ignore,
  async fn() {
    await using test = await watched(async (at) => {
      await write(`${at}/files/0`, "0");
      await write(`${at}/files/1`, "one");
      await write(`${at}/more/files/1`, "1");
      // Through a second link, and upwards.
      await Deno.symlink("more/../more", `${at}/other`);
      await Deno.symlink(`${at}/files/0`, `${at}/config`);
    }, "config");
    await test.finds("0");
    await relink("other/files/1", test.path);
    await test.finds("1");
    await Deno.writeTextFile(`${test.directory}/more/files/1`, "edited");
    await test.finds("edited");
    await Deno.remove(`${test.directory}/other`);
    await test.finds(null);
    await Deno.symlink(".", `${test.directory}/other`);
    await test.finds("one");
  },
});

for (const depth of [1, 2, 3]) {
  Deno.test({
    name: `a link of a directory that is replaced, ${depth} above the file`,
    ignore,
    async fn() {
      const below = ["config", "conf/config", "etc/conf/config"][depth - 1] ??
        "";
      await using test = await watched(async (at) => {
        for (const release of [0, 1, 2]) {
          await write(`${at}/releases/${release}/${below}`, `${release}`);
        }
        await Deno.symlink("releases/0", `${at}/current`);
      }, `current/${below}`);
      await test.finds("0");
      const current = `${test.directory}/current`;
      for (const release of ["1", "2"]) {
        await relink(`releases/${release}`, current);
        await test.finds(release);
        // The new file is watched, too.
        const file = `${test.directory}/releases/${release}/${below}`;
        await Deno.writeTextFile(file, `${release}, edited`);
        await test.finds(`${release}, edited`);
      }
      // And that with the old one's path.
      await Deno.remove(`${test.directory}/releases/0`, { recursive: true });
      await write(`${test.directory}/releases/0/${below}`, "0 again");
      await relink("releases/0", current);
      await test.finds("0 again");
    },
  });
}

Deno.test({
  name: "a Kubernetes volume: ..data is replaced, the old directory deleted",
  ignore,
  async fn() {
    const publish = async (at: string, version: number) => {
      await write(`${at}/..version_${version}/config`, `${version}`);
      await relink(`..version_${version}`, `${at}/..data`);
      if (version > 0) {
        await Deno.remove(`${at}/..version_${version - 1}`, {
          recursive: true,
        });
      }
    };
    await using test = await watched(async (at) => {
      await publish(at, 0);
      await Deno.symlink("..data/config", `${at}/config`);
    }, "config");
    await test.finds("0");
    for (const version of [1, 2, 3]) {
      await publish(test.directory, version);
      await test.finds(`${version}`);
    }
  },
});

for (const [gone, name] of [["a", "a/config"], ["a", "a/b/config"]] as const) {
  Deno.test(`a directory that is deleted and made again: ${gone} of ${name}`, async () => {
    await using test = await watched((at) => write(`${at}/${name}`, "0"), name);
    await test.finds("0");
    for (const text of ["1", "2"]) {
      await Deno.remove(`${test.directory}/${gone}`, { recursive: true });
      await test.finds(null);
      await write(test.path, text);
      await test.finds(text);
    }
    // Another in its place, by a rename.
    const moved = `${test.directory}/${gone}`;
    await write(test.path.replace(moved, `${moved}.new`), "3");
    await Deno.rename(moved, `${moved}.old`);
    await Deno.rename(`${moved}.new`, moved);
    await test.finds("3");
    await Deno.writeTextFile(test.path, "4");
    await test.finds("4");
    // The same one, away and back.
    const before = test.calls;
    await Deno.rename(moved, `${moved}.away`);
    await Deno.rename(`${moved}.away`, moved);
    while (test.calls === before) await test.called();
    await Deno.writeTextFile(test.path, "5");
    await test.finds("5");
  });
}

Deno.test({
  name: "links that lead in a circle, until they don't",
  ignore,
  async fn() {
    await using test = await watched(async (at) => {
      await Deno.symlink("b", `${at}/a`);
      await Deno.symlink("a", `${at}/b`);
    }, "a");
    await test.finds(null);
    await Deno.remove(`${test.directory}/b`);
    await Deno.writeTextFile(`${test.directory}/b`, "1");
    await test.finds("1");
  },
});

Deno.test("other files of the directories on the way are not looked at", async () => {
  await using test = await watched(
    (at) => write(`${at}/config`, "0"),
    "config",
  );
  await test.finds("0");
  const before = test.calls;
  for (let i = 0; i < 3; i++) {
    await Deno.writeTextFile(`${test.directory}/other${i}`, "");
    // Longer than changes are collected before they are reported.
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  await Deno.writeTextFile(test.path, "1");
  await test.finds("1");
  assert.equal(test.calls, before + 1);
});

/** A watcher that never has an event, until it fails. */
function blind(failure?: Promise<never>): Deno.FsWatcher {
  const closed = Promise.withResolvers<never>();
  closed.promise.catch(() => {});
  return {
    close: () => closed.reject(new Deno.errors.BadResource("closed")),
    async *[Symbol.asyncIterator]() {
      yield await Promise.race([closed.promise, failure ?? closed.promise]);
    },
    [Symbol.dispose]() {},
  };
}

const POLLED: [what: string, options: TestOptions, warnings: RegExp[]][] = [
  [
    "can't be watched",
    {
      watchFs() {
        throw new Error("Too many open files (os error 24)");
      },
    },
    [/^cannot watch \S+: Too many open files \(os error 24\); it is checked every 0\.15 s instead$/],
  ],
  [
    "can't be watched any more",
    { watchFs: () => blind(Promise.reject(new Error("overflow"))) },
    [/^cannot watch \S+: overflow; /],
  ],
  [
    "has no events, as on a network file system",
    { watchFs: () => blind() },
    [],
  ],
];

for (const [what, options, warnings] of POLLED) {
  Deno.test(`a file that ${what} is looked at again and again`, async () => {
    await using test = await watched(
      (at) => write(`${at}/a/config`, "0"),
      "a/config",
      { ...options, pollInterval: 150 },
    );
    await test.finds("0");
    await Deno.writeTextFile(test.path, "one");
    await test.finds("one");
    await Deno.remove(`${test.directory}/a`, { recursive: true });
    await test.finds(null);
    await write(test.path, "2");
    await test.finds("2");
    assert.equal(test.warnings.length, warnings.length, `${test.warnings}`);
    warnings.forEach((pattern, i) => {
      assert.match(test.warnings[i] ?? "", pattern);
    });
  });
}

Deno.test("a file that could not be watched is watched when that is possible", async () => {
  let failing = true;
  const opened = Promise.withResolvers<void>();
  await using test = await watched(
    (at) => write(`${at}/config`, "0"),
    "config",
    {
      pollInterval: 150,
      watchFs(paths) {
        if (failing) throw new Error("no");
        opened.resolve();
        return Deno.watchFs(paths, { recursive: false });
      },
    },
  );
  await test.finds("0");
  failing = false;
  await soon("it is watched", opened.promise);
});

Deno.test("what changed before the watch began is found", async () => {
  await using test = await watched(
    (at) => write(`${at}/config`, "1"),
    "config",
  );
  // Without any change since.
  await test.finds("1");
});

/** Whether this machine lets a test mount something; a container mostly does not. */
const canMount = !ignore &&
  await new Deno.Command("unshare", { args: ["-rm", "true"] }).output()
    .then(({ success }) => success, () => false);

Deno.test({
  name: "a file that is mounted by itself and replaced outside is named",
  ignore: !canMount,
  async fn() {
    const directory = await Deno.makeTempDir();
    const text = (location: string) =>
      JSON.stringify({
        listen: `127.0.0.1:${freePort()}`,
        locations: { [location]: "http://127.0.0.1:81" },
      });
    const outside = `${directory}/outside`;
    await Deno.writeTextFile(outside, text("/0"));
    const inside = `${directory}/inside`;
    await Deno.writeTextFile(inside, "");
    const child = new Deno.Command("unshare", {
      args: [
        ...["-rm", "sh", "-c", 'mount --bind "$0" "$1"; shift; exec "$@"'],
        ...[outside, inside, ...await sameoriginCommand()],
        ...["-c", inside, "--watch"],
      ],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const reader = child.stderr.pipeThrough(new TextDecoderStream())
      .getReader();
    let said = "";
    const until = async (pattern: RegExp) => {
      while (!pattern.test(said)) {
        const { value } = await soon(`${pattern}`, reader.read());
        said += value ?? assert.fail(said);
      }
    };
    try {
      await until(/http:\/\/localhost/);
      // Written in place, it is the same file.
      await Deno.writeTextFile(outside, text("/1"));
      await until(/changed: .*is in effect/);
      await Deno.writeTextFile(`${outside}.new`, text("/2"));
      await Deno.rename(`${outside}.new`, outside);
      await until(
        /^sameorigin: \S+inside was replaced outside of its mount, which still shows the old file: mount its directory instead$/m,
      );
    } finally {
      child.kill("SIGKILL");
      await child.status;
      await reader.cancel();
      await Deno.remove(directory, { recursive: true });
    }
  },
});
