/**
 * Serves the chat page, and the `centrifuge` client out of its npm package: no
 * build step, and nothing from elsewhere.
 *
 * @module
 */
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { listen, type Running } from "./listener.ts";
import { fileResponse, staticFile } from "./static_files.ts";

/** How the frontend is started. */
export interface FrontendOptions {
  /** 0..65535; a free one unless given. */
  port?: number;
}

const PAGE = new URL("./page/", import.meta.url);

/** The page loads nothing from anywhere else, and nobody may frame it. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  // Not every browser counts WebSockets of the same origin as 'self'.
  "connect-src 'self' ws: wss:",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Starts the frontend. */
export function startFrontend(options: FrontendOptions = {}): Running {
  return listen(async ({ method, url }) => {
    if (method !== "GET" && method !== "HEAD") {
      return new Response("Method Not Allowed\n", {
        status: 405,
        headers: { allow: "GET, HEAD" },
      });
    }
    const { pathname } = new URL(url);
    if (pathname === "/centrifuge.js") return await centrifugeClient();
    const name = pathname === "/" ? "index.html" : pathname.slice(1);
    const file = await staticFile(PAGE, name);
    if (file === null) return new Response("Not Found\n", { status: 404 });
    file.headers.set("content-security-policy", CONTENT_SECURITY_POLICY);
    return file;
  }, options.port);
}

/** The client as its package ships it for browsers, in one file. */
async function centrifugeClient(): Promise<Response> {
  // `import.meta.resolve` says only "npm:…". Once the package is imported,
  // `require.resolve` says where it lies; not exported, its files are read.
  await import("centrifuge");
  const main = createRequire(import.meta.url).resolve("centrifuge");
  const bundle = new URL("../dist/centrifuge.js", pathToFileURL(main));
  return fileResponse(
    await Deno.readFile(bundle),
    "text/javascript; charset=utf-8",
  );
}
