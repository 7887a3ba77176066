/**
 * The same site in the language of each proxy: the locations of the shipped
 * config.yaml, its headers, keep-alive to the upstream, an access log to
 * `/dev/null`.
 *
 * @module
 */

/** What a config depends on. */
export interface Site {
  port: number;
  upstream: number;
  /** 5: those of config.yaml; else so many, the last of them `/location-N/`. */
  locations: number;
  workers: "one" | "all";
}

const SHIPPED = ["/api", "/admin", "/static", "/connection/websocket", "/"];

/** The prefixes of a site. */
export function prefixes(count: number): string[] {
  if (count === SHIPPED.length) return SHIPPED;
  return Array.from({ length: count }, (_, i) => `/location-${i + 1}/`);
}

/** The request target in the location that a linear search would find last. */
export function lastTarget(count: number, page: string): string {
  return count === SHIPPED.length
    ? `/api/${page}`
    : `/location-${count}/${page}`;
}

/** The shipped file, with other locations where others are asked for. */
export function sameoriginConfig(shipped: string, site: Site): string {
  const workers = site.workers === "all" ? "workers: auto\n" : "";
  if (site.locations === SHIPPED.length) return workers + shipped;
  const head = workers + shipped.slice(0, shipped.indexOf("\nlocations:\n"));
  const locations = prefixes(site.locations)
    .map((prefix) => `  ${prefix}: http://backend\n`);
  return `${head}\nlocations:\n${locations.join("")}`;
}

export function nginxConfig(site: Site): string {
  const locations = prefixes(site.locations)
    .map((prefix) => `    location ${prefix} { proxy_pass http://backend; }\n`);
  return `daemon off;
pid nginx.pid;
worker_processes ${site.workers === "one" ? 1 : "auto"};
events { worker_connections 32768; }
http {
  access_log /dev/null;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  # Its workers, which are nobody's, may not write into the folder.
  proxy_max_temp_file_size 0;
  keepalive_requests 1000000000;
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  upstream backend {
    server 127.0.0.1:${site.upstream};
    keepalive 64;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${site.port} backlog=4096;
    server_name localhost 127.0.0.1;
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
    proxy_set_header Host $host;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Host $server_name;
    proxy_set_header X-Forwarded-Proto $scheme;
${locations.join("")}  }
}
`;
}

export function haproxyConfig(site: Site): string {
  // Rules are tried in their order; the last location is the default.
  const rules = prefixes(site.locations).slice(0, -1)
    .map((prefix) => `  use_backend backend if { path_beg ${prefix} }\n`);
  return `global
  ${site.workers === "one" ? "nbthread 1" : "# a thread for each core"}
  no strict-limits
  maxconn 12000
  log stdout format raw local0
defaults
  mode http
  log global
  option httplog
  option forwardfor
  option http-keep-alive
  timeout connect 10s
  timeout client 1h
  timeout server 1h
frontend site
  bind 127.0.0.1:${site.port}
  http-request set-header X-Real-IP %[src]
  http-request set-header X-Forwarded-Host localhost
  http-request set-header X-Forwarded-Proto http
${rules.join("")}  default_backend backend
backend backend
  http-reuse always
  server one 127.0.0.1:${site.upstream}
`;
}

export function caddyfile(site: Site): string {
  // Not `file /dev/null`: after 100 MB Caddy would rename that, as root for
  // the whole machine.
  const handlers = prefixes(site.locations).map((prefix) =>
    `  handle ${prefix}* {
    import backend
  }
`
  );
  return `{
  admin off
  auto_https off
}
(backend) {
  reverse_proxy 127.0.0.1:${site.upstream} {
    header_up X-Real-IP {remote_host}
    transport http {
      compression off
      keepalive_idle_conns_per_host 64
    }
  }
}
http://:${site.port} {
  bind 127.0.0.1
  log {
    output stdout
  }
${handlers.join("")}}
`;
}

/** Its listener, and its access log, which the others write too. */
export function traefikConfig(site: Site, routes: string): string {
  return `entryPoints:
  web:
    address: "127.0.0.1:${site.port}"
providers:
  file:
    filename: ${routes}
    watch: false
accessLog: {}
log:
  level: ERROR
global:
  checkNewVersion: false
  sendAnonymousUsage: false
serversTransport:
  maxIdleConnsPerHost: 64
`;
}

export function traefikRoutes(site: Site): string {
  const routers = prefixes(site.locations).map((prefix, i) =>
    `    r${i}:
      rule: PathPrefix(\`${prefix}\`)
      service: backend
`
  );
  return `http:
  routers:
${routers.join("")}  services:
    backend:
      loadBalancer:
        servers:
          - url: "http://127.0.0.1:${site.upstream}"
`;
}
