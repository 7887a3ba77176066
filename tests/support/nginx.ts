/**
 * A real nginx beside the proxy, for tests that compare the two.
 *
 * @module
 */
import { findProgram } from "./skip.ts";

export interface Nginx extends AsyncDisposable {
  readonly port: number;
}

/**
 * Starts nginx on a free port; resolves when it answers.
 *
 * @param http What its `http` block has; `PORT` and `DIR` in it are the port, and a
 * directory that is removed at the end.
 * @param files What is in that directory, by name.
 */
export async function startNginx(
  http: string,
  files: Record<string, string> = {},
): Promise<Nginx> {
  const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = free.addr;
  free.close();
  const dir = await Deno.makeTempDir();
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${dir}/${name}`, text);
  }
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${dir}/${name};`).join(" ");
  await Deno.writeTextFile(
    `${dir}/nginx.conf`,
    `${Deno.uid() === 0 ? "user root; " : ""}daemon off; pid ${dir}/pid;
error_log stderr alert; worker_processes 1;
events { worker_connections 256; }
http {
  access_log off;
  ${temporary}
  ${http.replaceAll("PORT", String(port)).replaceAll("DIR", dir)}
}
`,
  );
  const process = new Deno.Command(findProgram("nginx") ?? "nginx", {
    args: ["-c", `${dir}/nginx.conf`, "-p", dir],
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  for (let tries = 0;; tries++) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      break;
    } catch (error) {
      if (tries > 500) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
  return {
    port,
    async [Symbol.asyncDispose]() {
      process.kill("SIGTERM");
      await process.status;
      await Deno.remove(dir, { recursive: true });
    },
  };
}
