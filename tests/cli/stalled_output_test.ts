/**
 * `run` with readers of its standard output and standard error that stall, go
 * away, or are a full disk: the proxy serves on, and ends when asked to.
 *
 * @module
 */
import assert from "node:assert/strict";
import { sameoriginCommand } from "../support/process.ts";
import { freePort } from "../support/free_port.ts";
import { testNeeding } from "../support/skip.ts";
import { soon } from "../support/soon.ts";

/** No signals, no `/dev/full`. */
const ignore = Deno.build.os === "windows";

const WORKERS = Deno.build.os === "linux" ? [1, 2] : [1];

/** Repeated in the error line of each request that fails: 4 kB. */
const PREFIX = `/${"x".repeat(4000)}`;

/** A stream that is read only when asked to. */
class Reader {
  text = "";
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.text);
      if (match !== null) return match;
      const { value, done } = await soon(`${pattern}`, this.#reader.read());
      if (done) throw new Error(`ended without ${pattern}: ${this.text}`);
      this.text += this.#decoder.decode(value, { stream: true });
    }
  }

  async toEnd(): Promise<string> {
    await this.until(/(?!)/).catch(() => {});
    return this.text;
  }

  /** Closes the reading end of the pipe. */
  close(): Promise<void> {
    return this.#reader.cancel();
  }
}

interface StartOptions {
  workers?: number;
  logFormat?: string;
  /** A redirection of the shell: `2>/dev/full`. */
  redirect?: string;
}

/**
 * A proxy whose upstream refuses all connections, so that each request has a
 * line in the access log and, below {@linkcode PREFIX}, one on standard error.
 */
async function start(
  { workers = 1, logFormat = "combined", redirect = "" }: StartOptions = {},
) {
  const port = freePort();
  const upstream = `http://127.0.0.1:${freePort()}`;
  const config = await Deno.makeTempFile({ suffix: ".yaml" });
  await Deno.writeTextFile(
    config,
    JSON.stringify({
      listen: `127.0.0.1:${port}`,
      workers,
      log_format: logFormat,
      locations: { [PREFIX]: upstream },
    }),
  );
  const child = new Deno.Command("sh", {
    args: [
      ...["-c", `exec "$@" ${redirect}`, "sh"],
      ...[...await sameoriginCommand(), "-c", config],
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stdout = new Reader(child.stdout);
  const stderr = new Reader(child.stderr);
  const request = async (path: string) => {
    const signal = AbortSignal.timeout(20_000);
    const url = `http://127.0.0.1:${port}${path}`;
    const response = await fetch(url, { signal });
    await response.body?.cancel();
    return response.status;
  };
  if (redirect.startsWith("2>")) {
    // There is no message to wait for.
    while (await request("/started").catch(() => 0) !== 404);
  } else {
    await stderr.until(/http:\/\/localhost/);
  }
  return {
    stdout,
    stderr,
    request,
    /** Requests that fail, a line of 4 kB on standard error each. */
    async fail(count: number) {
      for (let i = 0; i < count; i++) {
        assert.equal(await request(`${PREFIX}/${i}`), 502);
      }
    },
    async stop(): Promise<void> {
      child.kill("SIGTERM");
      const { code } = await soon("it ends at SIGTERM", child.status);
      assert.equal(code, 0);
    },
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended.
      }
      await child.status;
      await Promise.all([stdout.close(), stderr.close()]);
      await Deno.remove(config);
    },
  };
}

const count = (text: string, pattern: RegExp) =>
  [...text.matchAll(pattern)].length;

for (const workers of WORKERS) {
  Deno.test({
    name: `output that nobody reads holds nothing up, workers: ${workers}`,
    ignore,
    async fn() {
      await using proxy = await start({ workers });
      // 400 kB in the access log and on standard error, where a pipe takes 64.
      await proxy.fail(100);
      assert.equal(await proxy.request("/"), 404);
      await proxy.stop();
    },
  });
}

Deno.test({
  name:
    "a reader of standard error that goes on is told how many lines it lost",
  ignore,
  async fn() {
    await using proxy = await start();
    // 1.6 MB, more than is kept.
    await proxy.fail(400);
    const [, lost] = await proxy.stderr.until(
      /^sameorigin: (\d+) lines lost: .*\n/m,
    );
    assert(Number(lost) > 50 && Number(lost) < 300, `${lost} lines`);
    await proxy.fail(1);
    await proxy.stderr.until(/ lines lost: .*\nsameorigin: 502 /);
    const read = count(proxy.stderr.text, /^sameorigin: 502 /gm);
    assert.equal(read + Number(lost), 401);
    await proxy.stop();
  },
});

Deno.test({
  name: "an access log on a full disk is said once, and the proxy serves on",
  ignore,
  async fn() {
    await using proxy = await start({ redirect: ">/dev/full" });
    const message =
      /^sameorigin: cannot write the access log: No space left on device .*; trying again\n/m;
    assert.equal(await proxy.request("/"), 404);
    await proxy.stderr.until(message);
    // It is tried again at least once.
    const until = performance.now() + 1_500;
    while (performance.now() < until) {
      assert.equal(await proxy.request("/"), 404);
    }
    await proxy.stop();
    const text = await proxy.stderr.toEnd();
    assert.equal(count(text, /cannot write/g), 1, text);
  },
});

for (
  const [logFormat, message] of [
    [
      "combined",
      /^# cannot write to standard error: No space left on device .*; trying again\n/m,
    ],
    [
      "json",
      /^{"time":"[\d:TZ.-]+","event":"message","message":"cannot write to standard error: No space left on device .*; trying again"}\n/m,
    ],
  ] as const
) {
  Deno.test({
    name: `standard error on a full disk is said in the log, ${logFormat}`,
    ignore,
    async fn() {
      await using proxy = await start({ redirect: "2>/dev/full", logFormat });
      await proxy.fail(3);
      await proxy.stdout.until(message);
      await proxy.fail(3);
      await proxy.stop();
      const text = await proxy.stdout.toEnd();
      assert.equal(count(text, /cannot write/g), 1, text);
      assert.equal(count(text, /xxx\/\d/g), 6, text);
    },
  });
}

for (const workers of WORKERS) {
  Deno.test({
    name: `an access log whose reader is gone has ended, workers: ${workers}`,
    ignore,
    async fn() {
      await using proxy = await start({ workers });
      await proxy.stdout.close();
      for (let i = 0; i < 5; i++) {
        assert.equal(await proxy.request("/"), 404);
        await proxy.stderr.until(
          /^sameorigin: the access log has ended: nobody reads standard output any more\n/m,
        );
      }
      for (let i = 0; i < 20; i++) await proxy.request("/");
      await proxy.stop();
      const text = await proxy.stderr.toEnd();
      assert.equal(count(text, /has ended/g), 1, text);
    },
  });
}

Deno.test({
  name: "standard error whose reader is gone has ended, as the log says",
  ignore,
  async fn() {
    await using proxy = await start();
    await proxy.stderr.close();
    await proxy.fail(1);
    const message =
      /^# error messages have ended: nobody reads standard error any more\n/m;
    await proxy.stdout.until(message);
    await proxy.fail(3);
    await proxy.stop();
    const text = await proxy.stdout.toEnd();
    assert.equal(count(text, /have ended/g), 1, text);
    assert.equal(count(text, /xxx\/\d/g), 4, text);
  },
});

/**
 * Runs a command with a pipe as its standard output that never blocks: when it
 * is full, a write fails with EAGAIN. Reads it at SIGUSR1, to the end; at SIGTERM
 * the command is killed, too.
 */
const WITH_NONBLOCKING_OUTPUT = `
import os, signal, subprocess, sys
r, w = os.pipe()
os.set_blocking(w, False)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGTERM])
child = subprocess.Popen(sys.argv[1:], stdout=w, preexec_fn=lambda:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1, signal.SIGTERM]))
os.close(w)
def end(*_):
    child.kill()
    sys.exit()
if signal.sigwait([signal.SIGUSR1, signal.SIGTERM]) == signal.SIGTERM:
    end()
signal.signal(signal.SIGTERM, end)
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
while data := os.read(r, 65536):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
`;

testNeeding(
  ["python3"],
  "an access log whose pipe is full for a time (EAGAIN) loses nothing",
  async () => {
    const port = freePort();
    const child = new Deno.Command("python3", {
      args: [
        ...["-c", WITH_NONBLOCKING_OUTPUT],
        ...await sameoriginCommand(),
        ...["--to", "/never=127.0.0.1:81", "--listen", `127.0.0.1:${port}`],
      ],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const stdout = new Reader(child.stdout);
    const stderr = new Reader(child.stderr);
    try {
      await stderr.until(/http:\/\/localhost/);
      const headers = { "user-agent": "x".repeat(30_000) };
      for (let i = 0; i < 50; i++) {
        const url = `http://127.0.0.1:${port}/${i}`;
        const response = await fetch(url, { headers });
        await response.body?.cancel();
      }
      child.kill("SIGUSR1");
      await stdout.until(/"GET \/49 /);
      const paths = [...stdout.text.matchAll(/"GET (\/\d+) /g)];
      assert.deepEqual(
        paths.map(([, path]) => path),
        Array.from({ length: 50 }, (_, i) => `/${i}`),
      );
      assert.doesNotMatch(stderr.text, /cannot write/);
    } finally {
      child.kill("SIGTERM");
      await child.status;
      await Promise.all([stdout.close(), stderr.close()]);
    }
  },
);
