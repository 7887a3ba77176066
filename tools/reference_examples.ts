/**
 * An example of each directive, for docs/config.md. A test loads them all: one that
 * the config refuses, or a directive that has none, fails it.
 *
 * @module
 */

/** By name: what stands in the smallest block that the directive may stand in. */
export const EXAMPLES: Readonly<Record<string, string>> = {
  server_name: `server_name: [example.org, "*.example.org"]`,
  listen: `listen: ["127.0.0.1:9000", "[::1]:9000"]`,
  ssl_certificate: `listen: 443 ssl
server_name: [example.org, www.example.org]
redirect_to_https: 80
ssl_certificate: { acme: { email: you@example.org } }`,
  ssl_certificate_key: `listen: 443 ssl
ssl_certificate: site.crt
ssl_certificate_key: site.key`,
  state_dir: `listen: 443 ssl
server_name: example.org
redirect_to_https: 80
ssl_certificate: { acme: { directory: letsencrypt-staging } }
state_dir: /srv/sameorigin`,
  redirect_to_https: `listen: 8443 ssl
redirect_to_https: { address: 8080, port: 443 }
ssl_certificate: site.crt
ssl_certificate_key: site.key`,
  strict_transport_security: `listen: 443 ssl
ssl_certificate: site.crt
ssl_certificate_key: site.key
strict_transport_security: max-age=31536000; includeSubDomains`,
  proxy_pass: `proxy_pass: http://backend/v1/ # replaces the location's prefix`,
  proxy_set_header: `proxy_pass: http://backend
proxy_set_header: { Host: $http_host, X-User: $remote_user, Cookie: "" }`,
  proxy_redirect: `proxy_pass: http://backend
proxy_redirect: { "http://internal:8000/": / }`,
  proxy_connect_timeout: `proxy_connect_timeout: 2s`,
  proxy_send_timeout: `proxy_send_timeout: 30s`,
  proxy_read_timeout: `proxy_read_timeout: 5m`,
  proxy_next_upstream: `proxy_next_upstream: error timeout http_502 http_503`,
  proxy_next_upstream_tries: `proxy_next_upstream_tries: 2`,
  proxy_next_upstream_timeout: `proxy_next_upstream_timeout: 10s`,
  wait_for_upstream: `wait_for_upstream: 10s`,
  proxy_hide_header: `proxy_hide_header: [X-Powered-By, Server]`,
  proxy_pass_header: `proxy_hide_header: [X-Powered-By, Server]
proxy_pass_header: Server`,
  proxy_ignore_headers: `proxy_ignore_headers: X-Accel-Redirect`,
  proxy_cookie_domain: `proxy_cookie_domain: { backend.internal: example.org }`,
  proxy_cookie_path: `proxy_cookie_path: { /app/: / }`,
  proxy_cookie_flags:
    `proxy_cookie_flags: { "~": secure httponly, theme: nohttponly }`,
  proxy_ssl_verify: `proxy_ssl_verify: off`,
  proxy_ssl_trusted_certificate:
    `proxy_ssl_trusted_certificate: tls/internal-ca.pem`,
  proxy_ssl_name: `proxy_ssl_name: backend.internal`,
  proxy_ssl_server_name: `proxy_ssl_server_name: on`,
  proxy_ssl_certificate: `proxy_ssl_certificate: tls/proxy.pem
proxy_ssl_certificate_key: tls/proxy.key`,
  proxy_ssl_certificate_key: `proxy_ssl_certificate: tls/proxy.pem
proxy_ssl_certificate_key: tls/proxy.key`,
  rewrite: `rewrite:
  - ^/old/(.*)$ /new/$1 permanent
  - ^/v1/(.*)$ /api/$1 break`,
  error_page: `error_page: { 404: /404.html, "502 503 504": =503 /down.html }`,
  proxy_intercept_errors: `error_page: { 404: /404.html }
proxy_intercept_errors: on`,
  add_header: `add_header:
  X-Frame-Options: [DENY, always]
  X-Request-Path: $uri`,
  gzip: `gzip: on
gzip_types: text/css application/javascript application/json`,
  gzip_types: `gzip: on
gzip_types: "*"`,
  gzip_min_length: `gzip: on
gzip_min_length: 1k`,
  gzip_comp_level: `gzip: on
gzip_comp_level: 5`,
  gzip_vary: `gzip: on
gzip_vary: off`,
  gzip_proxied: `gzip: on
gzip_proxied: any`,
  brotli: `brotli: on
brotli_types: text/css application/javascript application/json`,
  brotli_types: `brotli: on
brotli_types: "*"`,
  brotli_min_length: `brotli: on
brotli_min_length: 1k`,
  brotli_comp_level: `brotli: on
brotli_comp_level: 6`,
  return: `return: 301 https://$host$request_uri`,
  client_max_body_size: `client_max_body_size: 20m`,
  client_body_timeout: `client_body_timeout: 30s`,
  request_timeout: `request_timeout: 2m`,
  trusted_proxies: `trusted_proxies: [10.0.0.0/8, "fd00::/8"]`,
  real_ip_header: `real_ip_header: X-Real-IP`,
  websocket_ping: `websocket_ping: 20s`,
  websocket_buffer_size: `websocket_buffer_size: 4m`,
  websocket_max_message_size: `websocket_max_message_size: 64k`,
  websocket_message_rate: `websocket_message_rate: 50/s`,
  websocket_origins: `websocket_origins: [self, "https://*.example.org"]`,
  limit_conn: `limit_conn: { total: 1000, per_address: 20 }`,
  websocket_limit_conn: `websocket_limit_conn: { per_address: 10 }`,
  limit_req_zone: `limit_req_zone:
  login: { rate: 10r/m, key: $remote_addr, size: 1m }`,
  limit_req: `limit_req: { rate: 10r/s, burst: 20, nodelay: true }`,
  limit_req_status: `limit_req_status: 503`,
  limit_req_dry_run: `limit_req: 10r/s
limit_req_dry_run: true`,
  access: `access: [{ allow: [10.0.0.0/8, 192.0.2.7] }, { deny: all }]`,
  satisfy: `satisfy: any
access: [{ allow: 10.0.0.0/8 }, { deny: all }]
auth_basic: Staff only
auth_basic_user_file: users.htpasswd`,
  auth_basic: `auth_basic: Staff only
auth_basic_user_file: users.htpasswd`,
  auth_basic_user_file: `auth_basic: Staff only
auth_basic_user_file: /etc/sameorigin/users.htpasswd`,
  auth_request: `locations:
  /private: { proxy_pass: http://backend, auth_request: /auth }
  = /auth: { proxy_pass: http://backend/session/, internal: true }
  /: http://frontend`,
  auth_request_set: `locations:
  /private:
    proxy_pass: http://backend
    auth_request: /auth
    auth_request_set: { $user: $upstream_http_x_user }
    proxy_set_header: { X-User: $user }
  = /auth: { proxy_pass: http://backend/session/, internal: true }
  /: http://frontend`,
  internal: `proxy_pass: http://backend/session/
internal: true`,
  root: `root: dist`,
  alias: `alias: /srv/pictures`,
  index: `root: dist
index: [index.html, index.htm]`,
  try_files: `root: dist
try_files: $uri /index.html`,
  gzip_static: `root: dist
gzip_static: on`,
  brotli_static: `root: dist
brotli_static: on`,
  autoindex: `root: dist
autoindex: off`,
  disable_symlinks: `root: dist
disable_symlinks: on`,
  hidden_files: `root: dist
hidden_files: on`,
  max_ranges: `root: dist
max_ranges: 1`,
  expires: `root: dist
expires: max`,
  etag: `root: dist
etag: off`,
  if_modified_since: `root: dist
if_modified_since: before`,
  types: `root: dist
types: { application/x-map: [map, pmtiles] }`,
  default_type: `root: dist
default_type: application/octet-stream`,
  charset: `root: dist
charset: off`,
  workers: `workers: auto`,
  access_log: `access_log: off`,
  log_format:
    `log_format: '$remote_addr "$request" $status $request_time $upstream_addr'`,
  admin: `admin: 9001`,
  "listen of an admin": `listen: 127.0.0.1:9001`,
  token: `listen: 0.0.0.0:9001
token: use-openssl-rand-hex-20-for-one # or: "\${ADMIN_TOKEN}"`,
  shutdown_timeout: `shutdown_timeout: 25s`,
  websocket_drain: `websocket_drain: 15s`,
  dev: `dev: true`,
  locations: `locations:
  = /: { return: 302 /app/ }
  /app/: http://frontend
  ~* \\.(png|svg)$: http://frontend`,
  servers: `servers:
  - server_name: one.example
    locations: { /: http://frontend }
  - server_name: two.example
    locations: { /: http://backend }`,
  upstreams: `upstreams:
  backend: backend:8000
  frontend: [frontend-1:5173, frontend-2:5173]`,
  "servers of an upstream": `servers: ["backend-1:8000", "backend-2:8000"]`,
  client: `client: fetch`,
  keepalive: `keepalive: 32`,
  keepalive_timeout: `keepalive_timeout: 50s`,
  keepalive_requests: `keepalive_requests: 100000`,
  keepalive_time: `keepalive_time: 10m`,
  balance: `balance: hash $uri consistent`,
  sticky: `sticky: route`,
  resolve: `resolve: 5s`,
  health_check: `health_check: { path: /health, interval: 2s, fails: 3 }`,
  address: `address: backend-1:8000`,
  weight: `weight: 5`,
  max_fails: `max_fails: 3`,
  fail_timeout: `fail_timeout: 30s`,
  max_conns: `max_conns: 100`,
  slow_start: `slow_start: 30s`,
  backup: `backup: true`,
  down: `down: true`,
  path: `path: /health`,
  interval: `interval: 2s`,
  timeout: `timeout: 500ms`,
  fails: `fails: 3`,
  passes: `passes: 2`,
  status: `status: 200-299`,
};
