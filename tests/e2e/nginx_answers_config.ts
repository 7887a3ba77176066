/**
 * The same rewriting, error pages and filters, as nginx's configuration and as
 * sameorigin's.
 *
 * @module
 */

/** Requests to all other paths, in both. */
const UPSTREAM = "http://backend";

/** What nginx's `http` block has; PORT in it is its port. */
export function nginxHttp(backend: number): string {
  return `
  types {}
  default_type text/plain;
  upstream backend { server 127.0.0.1:${backend}; }
  proxy_http_version 1.1;
  proxy_set_header Host $host;
  proxy_set_header Connection "";
  add_header X-Server a;
  add_header X-Always b always;
  gzip_vary on;
  server {
    listen 127.0.0.1:PORT;
    server_name site;
    error_page 404 /error/404;
    error_page 405 =200 /error/ok;
    ${NGINX_LOCATIONS}
  }
  server {
    listen 127.0.0.1:PORT;
    server_name rewritten;
    rewrite ^/old/(.*)$ /new/$1;
    rewrite ^/twice/(.*)$ /old2/$1;
    rewrite ^/old2/(.*)$ /new/$1?two=$1;
    rewrite ^/gone/(.*)$ https://else.example/$1 permanent;
    rewrite ^/here/(.*)$ /there/$1 redirect;
    rewrite ^/broken/(.*)$ /uri/$1 break;
    rewrite ^/last/(.*)$ /uri/$1 last;
    rewrite ^/uri/(.*)$ /never/$1;
    location / { proxy_pass ${UPSTREAM}; }
    location /uri/ { proxy_pass ${UPSTREAM}/replaced/; }
  }
  server {
    listen 127.0.0.1:PORT;
    server_name moved;
    add_header X-Moved yes;
    return 301 https://$host$request_uri;
  }
`;
}

const NGINX_LOCATIONS = `
    location / { proxy_pass ${UPSTREAM}; }

    location = /return/200 { return 200 "ok $request_method $uri $args"; }
    location = /return/201 { return 201 "made"; }
    location = /return/204 { return 204; }
    location = /return/empty { return 200; }
    location = /return/403 { return 403 "no"; }
    location = /return/403-empty { return 403 ""; }
    location = /return/503 { return 503 "later"; }
    location = /return/302 { return 302 /there?x=1; }
    location = /return/url { return https://else.example/$arg_a; }
    location = /return/scheme { return $scheme://else.example/; }
    location = /return/307 { return 307 https://else.example$request_uri; }
    location = /return/304 { return 304; }
    location ~ ^/return/group/(\\w+)/(\\w+)$ { return 200 "$2 $1."; }
    location ~ ^/return/to/(.+)$ { return 301 /new/$1?is=$1; }
    location = /return/json { default_type application/json; return 200 "{}"; }

    location /r/last/ { rewrite ^/r/last/(.*)$ /target/$1 last; return 418 "x"; }
    location /r/break/ { rewrite ^/r/break/(.*)$ /broken/$1 break; proxy_pass ${UPSTREAM}; }
    location /r/plain/ { rewrite ^/r/plain/(.*)$ /target/$1; }
    location /r/uri/ { rewrite ^/r/uri/b/(.*)$ /x/$1 break; proxy_pass ${UPSTREAM}/replaced/; }
    location /r/args/ { rewrite ^/r/args/(.*)$ /target?id=$1; }
    location /r/noargs/ { rewrite ^/r/noargs/(.*)$ /target?id=$1?; }
    location /r/drop/ { rewrite ^/r/drop/(.*)$ /target/$1?; }
    location /r/redirect/ { rewrite ^/r/redirect/(.*)$ /new/$1 redirect; }
    location /r/permanent/ { rewrite ^/r/permanent/(.*)$ /new/$1 permanent; }
    location /r/url/ { rewrite ^/r/url/(.*)$ https://else.example/$1?a=1; }
    location /r/urlnoargs/ { rewrite ^/r/urlnoargs/(.*)$ https://else.example/$1?; }
    location /r/cycle/ { rewrite ^/r/cycle/(.*)$ /r/cycle/$1x last; }
    location /r/swap/ { rewrite ^/r/swap/([^/]+)/([^/]+)$ /target/$2/$1 last; }
    location /r/named/ { rewrite ^/r/named/(?<who>[^/]+)$ /target?who=$who last; }
    location /r/case/ { rewrite (?i)^/r/case/ABC$ /target/abc last; }
    location /r/chain/ { rewrite ^/r/chain/(.*)$ /r/chained/$1; rewrite ^/r/chained/(.*)$ /target/chain/$1; }
    location /r/vars/ { rewrite ^/r/vars/ /target/$arg_a?m=$request_method last; }
    location /r/joined { rewrite ^/r/joined(.*)$ /target/$1; }
    location /r/slashes/ { rewrite ^/r/slashes/(.*)$ /target//$1 break; proxy_pass ${UPSTREAM}; }
    location /r/return/ { rewrite ^/r/return/x$ /target last; return 200 "stayed"; }
    location /r/only/ { rewrite ^/r/only/x$ /target last; }

    location /e/404/ { return 404; }
    location /e/405/ { return 405; }
    location /e/own/ { error_page 502 503 =502 /error/own; error_page 404 = /error/ok; error_page 403 =301 https://else.example/; error_page 402 https://else.example/402; return 503; }
    location /e/own404/ { error_page 404 = /error/ok; return 404; }
    location /e/own403/ { error_page 403 =301 https://else.example/; return 403; }
    location /e/own402/ { error_page 402 https://else.example/402; return 402; }
    location /e/text/ { return 404 "not replaced"; }
    location /e/upstream/ { proxy_pass ${UPSTREAM}; }
    location /e/intercept/ { proxy_intercept_errors on; error_page 404 500 /error/own; error_page 401 /error/own; error_page 301 302 = /error/ok; proxy_pass ${UPSTREAM}; }
    location /e/proxied/ { error_page 404 /fallback; return 404; }
    location /e/proxied-status/ { error_page 404 = /fallback?answer=created; return 404; }
    location /e/nested/ { error_page 404 /error/nested; return 404; }
    location /e/dead/ { error_page 502 /error/own; proxy_pass http://127.0.0.1:1; }
    location /e/dead-proxied/ { error_page 502 = /fallback; proxy_pass http://127.0.0.1:1; }
    location /error/404 { internal; return 200 "page for $request_uri"; }
    location /error/ok { internal; return 200 "fine"; }
    location /error/own { internal; return 200 "own"; }
    location /error/nested { internal; error_page 403 /error/ok; return 403; }
    location /fallback { proxy_pass ${UPSTREAM}; }
    location /inner/ { internal; proxy_pass ${UPSTREAM}; }
    location /r/inner/ { rewrite ^/r/inner/(.*)$ /inner/$1; }

    location /h/none/ { return 200 "x"; }
    location /h/own/ { add_header X-Own "$uri-$arg_a"; add_header X-Always-Own d always; proxy_pass ${UPSTREAM}; }
    location /h/empty/ { add_header X-Empty "$arg_none"; return 200 "x"; }
    location /h/two/ { add_header Link "<a>; rel=preload"; add_header Link "<b>; rel=preload"; return 200 "x"; }
    location /h/etag/ { add_header ETag '"own"'; proxy_pass ${UPSTREAM}; }
    location /h/noetag/ { add_header ETag ""; proxy_pass ${UPSTREAM}; }
    location /h/cache/ { add_header Cache-Control no-store; proxy_pass ${UPSTREAM}; }
    location /h/hide/ { proxy_hide_header X-Powered-By; proxy_hide_header ETag; proxy_pass ${UPSTREAM}; }
    location /h/pass/ { proxy_hide_header X-Powered-By; proxy_pass_header X-Powered-By; proxy_pass_header Server; proxy_pass ${UPSTREAM}; }

    location /c/domain/ { proxy_cookie_domain localhost example.org; proxy_cookie_domain ~^(\\w+)\\.inner$ $1.outer; proxy_pass ${UPSTREAM}; }
    location /c/path/ { proxy_cookie_path /app/ /; proxy_cookie_path ~*^/USER/(\\w+) /u/$1; proxy_pass ${UPSTREAM}; }
    location /c/flags/ { proxy_cookie_flags session secure httponly samesite=strict; proxy_cookie_flags ~^c nosecure nohttponly nosamesite; proxy_pass ${UPSTREAM}; }
    location /c/all/ { proxy_cookie_domain localhost $host; proxy_cookie_path / /all/; proxy_cookie_flags ~ httponly; proxy_pass ${UPSTREAM}; }

    location /accel/ { proxy_pass ${UPSTREAM}; }
    location /accel-off/ { proxy_ignore_headers X-Accel-Redirect; proxy_pass_header X-Accel-Redirect; proxy_pass ${UPSTREAM}; }

    location /z/ { gzip on; gzip_types text/css application/json; gzip_comp_level 6; proxy_pass ${UPSTREAM}; }
    location /z/all/ { gzip on; gzip_types *; gzip_min_length 500; gzip_proxied any; proxy_pass ${UPSTREAM}; }
    location /z/proxied/ { gzip on; gzip_types *; gzip_proxied expired no-cache no-store private no_last_modified no_etag auth; proxy_pass ${UPSTREAM}; }
    location /z/off/ { proxy_pass ${UPSTREAM}; }
    location /z/return { gzip on; gzip_types text/plain; return 200 "${
  "compress me ".repeat(9)
}"; }
    location /z/page { gzip on; gzip_types text/plain; error_page 404 /z/return; return 404; }
`;

/** The same as `config.yaml` would have it. */
export function ownConfig(backend: number): Record<string, unknown> {
  return {
    listen: undefined,
    upstreams: { backend: `127.0.0.1:${backend}` },
    proxy_set_header: { Host: "$host" },
    add_header: { "X-Server": "a", "X-Always": ["b", "always"] },
    servers: [
      {
        listen: "127.0.0.1:0",
        server_name: "site",
        error_page: { 404: "/error/404", 405: "=200 /error/ok" },
        locations: OWN_LOCATIONS,
      },
      {
        listen: "127.0.0.1:0",
        server_name: "rewritten",
        rewrite: [
          "^/old/(.*)$ /new/$1",
          "^/twice/(.*)$ /old2/$1",
          "^/old2/(.*)$ /new/$1?two=$1",
          "^/gone/(.*)$ https://else.example/$1 permanent",
          "^/here/(.*)$ /there/$1 redirect",
          "^/broken/(.*)$ /uri/$1 break",
          "^/last/(.*)$ /uri/$1 last",
          "^/uri/(.*)$ /never/$1",
        ],
        locations: { "/": UPSTREAM, "/uri/": `${UPSTREAM}/replaced/` },
      },
      {
        listen: "127.0.0.1:0",
        server_name: "moved",
        add_header: { "X-Moved": "yes" },
        return: "301 https://$host$request_uri",
      },
    ],
  };
}

const to = (more: Record<string, unknown>) => ({
  proxy_pass: UPSTREAM,
  ...more,
});

const OWN_LOCATIONS: Record<string, unknown> = {
  "/": UPSTREAM,

  "= /return/200": { return: [200, "ok $request_method $uri $args"] },
  "= /return/201": { return: [201, "made"] },
  "= /return/204": { return: 204 },
  "= /return/empty": { return: 200 },
  "= /return/403": { return: [403, "no"] },
  "= /return/403-empty": { return: [403, ""] },
  "= /return/503": { return: [503, "later"] },
  "= /return/302": { return: "302 /there?x=1" },
  "= /return/url": { return: "https://else.example/$arg_a" },
  "= /return/scheme": { return: "$scheme://else.example/" },
  "= /return/307": { return: "307 https://else.example$request_uri" },
  "= /return/304": { return: 304 },
  "~ ^/return/group/(\\w+)/(\\w+)$": { return: [200, "$2 $1."] },
  "~ ^/return/to/(.+)$": { return: "301 /new/$1?is=$1" },
  "= /return/json": { default_type: "application/json", return: [200, "{}"] },

  "/r/last/": {
    rewrite: "^/r/last/(.*)$ /target/$1 last",
    return: [418, "x"],
  },
  "/r/break/": to({ rewrite: "^/r/break/(.*)$ /broken/$1 break" }),
  "/r/plain/": { rewrite: "^/r/plain/(.*)$ /target/$1" },
  "/r/uri/": {
    rewrite: "^/r/uri/b/(.*)$ /x/$1 break",
    proxy_pass: `${UPSTREAM}/replaced/`,
  },
  "/r/args/": { rewrite: "^/r/args/(.*)$ /target?id=$1" },
  "/r/noargs/": { rewrite: "^/r/noargs/(.*)$ /target?id=$1?" },
  "/r/drop/": { rewrite: "^/r/drop/(.*)$ /target/$1?" },
  "/r/redirect/": { rewrite: "^/r/redirect/(.*)$ /new/$1 redirect" },
  "/r/permanent/": { rewrite: "^/r/permanent/(.*)$ /new/$1 permanent" },
  "/r/url/": { rewrite: "^/r/url/(.*)$ https://else.example/$1?a=1" },
  "/r/urlnoargs/": { rewrite: "^/r/urlnoargs/(.*)$ https://else.example/$1?" },
  "/r/cycle/": { rewrite: "^/r/cycle/(.*)$ /r/cycle/$1x last" },
  "/r/swap/": { rewrite: "^/r/swap/([^/]+)/([^/]+)$ /target/$2/$1 last" },
  "/r/named/": { rewrite: "^/r/named/(?<who>[^/]+)$ /target?who=$who last" },
  "/r/case/": { rewrite: "(?i)^/r/case/ABC$ /target/abc last" },
  "/r/chain/": {
    rewrite: [
      "^/r/chain/(.*)$ /r/chained/$1",
      "^/r/chained/(.*)$ /target/chain/$1",
    ],
  },
  "/r/vars/": {
    rewrite: "^/r/vars/ /target/$arg_a?m=$request_method last",
  },
  "/r/joined": { rewrite: "^/r/joined(.*)$ /target/$1" },
  "/r/slashes/": to({ rewrite: "^/r/slashes/(.*)$ /target//$1 break" }),
  "/r/return/": {
    rewrite: "^/r/return/x$ /target last",
    return: [200, "stayed"],
  },
  "/r/only/": { rewrite: "^/r/only/x$ /target last" },

  "/e/404/": { return: 404 },
  "/e/405/": { return: 405 },
  "/e/own/": {
    error_page: {
      "502 503": "=502 /error/own",
      404: "= /error/ok",
      403: "=301 https://else.example/",
      402: "https://else.example/402",
    },
    return: 503,
  },
  "/e/own404/": { error_page: { 404: "= /error/ok" }, return: 404 },
  "/e/own403/": {
    error_page: { 403: "=301 https://else.example/" },
    return: 403,
  },
  "/e/own402/": {
    error_page: { 402: "https://else.example/402" },
    return: 402,
  },
  "/e/text/": { return: [404, "not replaced"] },
  "/e/upstream/": UPSTREAM,
  "/e/intercept/": to({
    proxy_intercept_errors: true,
    error_page: {
      "401 404 500": "/error/own",
      "301 302": "= /error/ok",
    },
  }),
  "/e/proxied/": { error_page: { 404: "/fallback" }, return: 404 },
  "/e/proxied-status/": {
    error_page: { 404: "= /fallback?answer=created" },
    return: 404,
  },
  "/e/nested/": { error_page: { 404: "/error/nested" }, return: 404 },
  "/e/dead/": {
    error_page: { 502: "/error/own" },
    proxy_pass: "http://127.0.0.1:1",
  },
  "/e/dead-proxied/": {
    error_page: { 502: "= /fallback" },
    proxy_pass: "http://127.0.0.1:1",
  },
  "/error/404": { internal: true, return: [200, "page for $request_uri"] },
  "/error/ok": { internal: true, return: [200, "fine"] },
  "/error/own": { internal: true, return: [200, "own"] },
  "/error/nested": {
    internal: true,
    error_page: { 403: "/error/ok" },
    return: 403,
  },
  "/fallback": UPSTREAM,
  "/inner/": to({ internal: true }),
  "/r/inner/": { rewrite: "^/r/inner/(.*)$ /inner/$1" },

  "/h/none/": { return: [200, "x"] },
  "/h/own/": to({
    add_header: { "X-Own": "$uri-$arg_a", "X-Always-Own": ["d", "always"] },
  }),
  "/h/empty/": { add_header: { "X-Empty": "$arg_none" }, return: [200, "x"] },
  "/h/two/": {
    add_header: { Link: ["<a>; rel=preload", "<b>; rel=preload"] },
    return: [200, "x"],
  },
  "/h/etag/": to({ add_header: { ETag: '"own"' } }),
  "/h/noetag/": to({ add_header: { ETag: "" } }),
  "/h/cache/": to({ add_header: { "Cache-Control": "no-store" } }),
  "/h/hide/": to({ proxy_hide_header: ["X-Powered-By", "ETag"] }),
  "/h/pass/": to({
    proxy_hide_header: "X-Powered-By",
    proxy_pass_header: ["X-Powered-By", "Server"],
  }),

  "/c/domain/": to({
    proxy_cookie_domain: {
      localhost: "example.org",
      "~^(\\w+)\\.inner$": "$1.outer",
    },
  }),
  "/c/path/": to({
    proxy_cookie_path: { "/app/": "/", "~*^/USER/(\\w+)": "/u/$1" },
  }),
  "/c/flags/": to({
    proxy_cookie_flags: {
      session: "secure httponly samesite=strict",
      "~^c": "nosecure nohttponly nosamesite",
    },
  }),
  "/c/all/": to({
    proxy_cookie_domain: { localhost: "$host" },
    proxy_cookie_path: { "/": "/all/" },
    proxy_cookie_flags: { "~": "httponly" },
  }),

  "/accel/": UPSTREAM,
  "/accel-off/": to({ proxy_ignore_headers: "X-Accel-Redirect" }),

  "/z/": to({
    gzip: true,
    gzip_types: "text/css application/json",
    gzip_comp_level: 6,
  }),
  "/z/all/": to({
    gzip: true,
    gzip_types: "*",
    gzip_min_length: 500,
    gzip_proxied: "any",
  }),
  "/z/proxied/": to({
    gzip: true,
    gzip_types: "*",
    gzip_proxied:
      "expired no-cache no-store private no_last_modified no_etag auth",
  }),
  "/z/off/": UPSTREAM,
  "/z/return": {
    gzip: true,
    gzip_types: "text/plain",
    return: [200, "compress me ".repeat(9)],
  },
  "/z/page": {
    gzip: true,
    gzip_types: "text/plain",
    error_page: { 404: "/z/return" },
    return: 404,
  },
};
