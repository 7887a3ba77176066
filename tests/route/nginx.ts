/**
 * A real nginx on sockets in a directory of its own, to compare with.
 *
 * @module
 */

import { findProgram } from "../support/skip.ts";

/** An answer, its body and header values one character per byte. */
export interface Answer {
  status: number;
  headers: Map<string, string>;
  body: string;
}

export interface Nginx extends AsyncDisposable {
  /**
   * Sends a request line's target and a host as they are.
   *
   * @param socket The name of the socket to send to.
   */
  get(socket: string, target: string, host?: string): Promise<Answer>;
}

/**
 * Starts nginx and resolves when it listens.
 *
 * @param http The content of its `http` block. `{dir}` is its directory; each
 * server listens on a socket there: `listen unix:{dir}/NAME;`.
 */
export async function startNginx(http: string): Promise<Nginx> {
  const dir = await Deno.makeTempDir({ prefix: "sameorigin_nginx_" });
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path {dir}/${name};`).join(" ");
  const config = `daemon off; master_process off; pid {dir}/pid;
    error_log stderr notice;
    events {}
    http { access_log off; ${temporary} ${http} }`;
  await Deno.writeTextFile(`${dir}/conf`, config.replaceAll("{dir}", dir));
  const child = new Deno.Command(findProgram("nginx") ?? "nginx", {
    args: ["-p", dir, "-e", "stderr", "-c", `${dir}/conf`],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const errors = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
  let said = "";
  // Said once the sockets listen; whoever connects then waits in their queue.
  while (!said.includes("event method")) {
    const { done, value } = await errors.read();
    if (done) throw new Error(`nginx has not started: ${said}`);
    said += value;
  }
  const drained = (async () => {
    while (!(await errors.read()).done);
  })();
  return {
    get: (socket, target, host = "localhost") =>
      get(`${dir}/${socket}`, target, host),
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.status;
      await drained;
      await Deno.remove(dir, { recursive: true });
    },
  };
}

async function get(
  path: string,
  target: string,
  host: string,
): Promise<Answer> {
  using connection = await Deno.connect({ transport: "unix", path });
  const bytes = new TextEncoder().encode(
    `GET ${target} HTTP/1.0\r\nHost: ${host}\r\n\r\n`,
  );
  let sent = 0;
  while (sent < bytes.length) {
    sent += await connection.write(bytes.subarray(sent));
  }
  let text = "";
  const buffer = new Uint8Array(16 * 1024);
  for (;;) {
    const count = await connection.read(buffer);
    if (count === null) break;
    for (const byte of buffer.subarray(0, count)) {
      text += String.fromCharCode(byte);
    }
  }
  const end = text.indexOf("\r\n\r\n");
  const [line = "", ...fields] = text.slice(0, end).split("\r\n");
  const headers = fields.map((field): [string, string] => {
    const colon = field.indexOf(":");
    return [field.slice(0, colon).toLowerCase(), field.slice(colon + 2)];
  });
  return {
    status: Number(line.split(" ")[1]),
    headers: new Map(headers),
    body: text.slice(end + 4),
  };
}
