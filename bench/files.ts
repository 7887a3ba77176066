/**
 * Files in place of an upstream: the same folder in the language of each proxy,
 * an access log to `/dev/null`.
 *
 * @module
 */
import type { Site } from "./configs.ts";

/** Sizes of the files in bytes, by their names. */
export const FILES = {
  "small.html": 5_000,
  "app.js": 100_000,
  "video.mp4": 10_000_000,
} as const;

export type FileName = keyof typeof FILES;

/** When all of them were last changed. */
export const CHANGED = "Sun, 06 Nov 1994 08:49:37 GMT";

/** What a file has in it. */
export function contentOf(name: FileName): Uint8Array<ArrayBuffer> {
  return new Uint8Array(FILES[name]).fill(0x61);
}

/** Writes them. @returns The folder, in which a proxy of any user can read. */
export async function writeFiles(folder: string): Promise<string> {
  const root = `${folder}/root`;
  await Deno.mkdir(root);
  const changed = new Date(CHANGED);
  for (const name of Object.keys(FILES) as FileName[]) {
    await Deno.writeFile(`${root}/${name}`, contentOf(name));
    await Deno.utime(`${root}/${name}`, changed, changed);
  }
  // nginx's workers are nobody's.
  await Deno.chmod(folder, 0o755);
  return root;
}

export function sameoriginFiles(root: string): string {
  return `locations:\n  /: {root: ${JSON.stringify(root)}}\n`;
}

/** As it is set up for files: `sendfile`, the usual types. */
export function nginxFiles({ port, workers }: Site, root: string): string {
  return `daemon off;
pid nginx.pid;
worker_processes ${workers === "one" ? 1 : "auto"};
events { worker_connections 32768; }
http {
  access_log /dev/null;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  keepalive_requests 1000000000;
  sendfile on;
  tcp_nopush on;
  types { text/html html; text/javascript js; video/mp4 mp4; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    root ${root};
  }
}
`;
}

export function caddyFiles({ port }: Site, root: string): string {
  return `{
  admin off
  auto_https off
}
http://:${port} {
  bind 127.0.0.1
  log {
    output stdout
  }
  root * ${root}
  file_server
}
`;
}
