/**
 * Writes docs/config.md, the reference of all directives, from their declarations
 * and the examples.
 *
 *     deno task reference
 *
 * @module
 */
import { admin, adminOptions } from "../lib/config/directives/admin.ts";
import { access } from "../lib/config/directives/access.ts";
import { authBasic } from "../lib/config/directives/auth_basic.ts";
import { authRequest } from "../lib/config/directives/auth_request.ts";
import { caching } from "../lib/config/directives/caching.ts";
import { client } from "../lib/config/directives/client.ts";
import type {
  Directive,
  Directives,
  Place,
} from "../lib/config/directives/directive.ts";
import { checks } from "../lib/config/directives/health_check.ts";
import { limitReq } from "../lib/config/directives/limit_req.ts";
import { limits } from "../lib/config/directives/limits.ts";
import { listen } from "../lib/config/directives/listen.ts";
import { mediaTypes } from "../lib/config/directives/media_types.ts";
import { process } from "../lib/config/directives/process.ts";
import { proxy } from "../lib/config/directives/proxy.ts";
import { addingHeaders } from "../lib/config/directives/add_header.ts";
import { compression } from "../lib/config/directives/compression.ts";
import { errorPages } from "../lib/config/directives/error_page.ts";
import { proxyCookies } from "../lib/config/directives/proxy_cookie.ts";
import { proxyResponse } from "../lib/config/directives/proxy_response.ts";
import { proxySsl } from "../lib/config/directives/proxy_ssl.ts";
import { rewriting } from "../lib/config/directives/rewrite.ts";
import { returning } from "../lib/config/directives/return.ts";
import { ssl } from "../lib/config/directives/ssl.ts";
import { files } from "../lib/config/directives/static.ts";
import { upstream } from "../lib/config/directives/upstream.ts";
import { websocket } from "../lib/config/directives/websocket.ts";
import { websocketOrigins } from "../lib/config/directives/websocket_origins.ts";
import { ALL_DIRECTIVES } from "../lib/config/schema.ts";
import { EXAMPLES } from "./reference_examples.ts";

/** A section of the reference. */
export interface Section {
  readonly title: string;
  readonly directives: Directives;
}

const [, ofServers = {}, ofTheTop = {}] = ALL_DIRECTIVES;

const { servers: _, ...serverParameters } = upstream;

/** In the order of the page. */
export const SECTIONS: readonly Section[] = [
  {
    title: "Addresses, servers and locations",
    directives: { ...listen, ...ofServers, ...ofTheTop },
  },
  { title: "HTTPS", directives: ssl },
  { title: "Proxying", directives: proxy },
  {
    title: "Responses of upstreams",
    directives: { ...proxyResponse, ...proxyCookies },
  },
  { title: "TLS to upstreams", directives: proxySsl },
  {
    title: "Rewriting, and answers of the proxy's own",
    directives: { ...rewriting, ...returning, ...errorPages },
  },
  {
    title: "Headers and compression",
    directives: { ...addingHeaders, ...compression },
  },
  { title: "Files", directives: { ...files, ...caching, ...mediaTypes } },
  { title: "Clients", directives: client },
  { title: "WebSockets", directives: { ...websocket, ...websocketOrigins } },
  { title: "Limits", directives: { ...limits, ...limitReq } },
  {
    title: "Who may come in",
    directives: { ...access, ...authBasic, ...authRequest },
  },
  { title: "The process", directives: { ...process, ...admin } },
  {
    title: "In an upstream, and its servers",
    directives: {
      "servers of an upstream": upstream.servers,
      ...serverParameters,
    },
  },
  { title: "In a health_check", directives: checks },
  {
    title: "In an admin",
    directives: {
      "listen of an admin": adminOptions.listen,
      token: adminOptions.token,
    },
  },
];

const PLACES: Readonly<Record<Place, string>> = {
  top: "top level",
  server: "server",
  location: "location",
  upstream: "upstream",
  upstream_server: "server of an upstream",
  health_check: "health_check",
  admin: "admin",
};

/** The page. */
export function configReference(): string {
  const parts = SECTIONS.map(({ title, directives }) =>
    `## ${title}\n\n` + Object.entries(directives)
      .map(([name, directive]) => entry(name, directive)).join("\n")
  );
  return `# The directives

Each with where it may stand, its default, and an example. Those of nginx have
nginx's names and meanings. What a location inherits may stand in its server or at
the top level, for all. Sizes are bytes or \`64k\`, \`10m\`, \`1g\`; times \`500ms\`,
\`30s\`, \`5m\`, \`1h\`, \`1d\`. This page is made by \`deno task reference\`.

${parts.join("\n")}`;
}

function entry(name: string, directive: Directive): string {
  const { places, description, kind } = directive;
  const facts = [
    places.map((place) => PLACES[place]).join(", "),
    kind === "required" ? "required" : defaultOf(directive),
  ].filter((fact) => fact !== null);
  return `### ${name}\n\n*${facts.join(" · ")}*\n\n${
    escaped(description)
  }\n\n` +
    `\`\`\`yaml\n${EXAMPLES[name] ?? ""}\n\`\`\`\n`;
}

function defaultOf({ default: initial }: Directive): string | null {
  if (initial === undefined) return null;
  const text = typeof initial === "string" ? initial : JSON.stringify(initial);
  return ["", "{}", "[]"].includes(text) ? null : `default: \`${text}\``;
}

/** Signs that Markdown would read are in code, where they are not yet. */
function escaped(text: string): string {
  return text.split("`").map((part, i) =>
    i % 2 === 1 ? `\`${part}\`` : part.replace(/[*<]/g, "\\$&")
  ).join("");
}

if (import.meta.main) {
  const file = new URL("../docs/config.md", import.meta.url);
  Deno.writeTextFileSync(file, configReference());
  await new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--quiet", file.pathname],
  }).output();
}
