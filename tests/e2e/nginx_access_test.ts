/**
 * Who may come in: the same requests through nginx and through sameorigin, with
 * the same directives.
 *
 * @module
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import { utf8Bytes } from "../../lib/route/bytes.ts";
import { type Backend, backend } from "../support/backends.ts";
import { startNginx } from "../support/nginx.ts";
import { startProxy } from "../support/proxy.ts";
import { rawExchange } from "../support/raw_upstream.ts";
import { testNeeding } from "../support/skip.ts";

/** Every way of storing a password that both know; all are of `pässwörd`. */
const USERS = `# users
bcrypt:$2y$05$MsI2XqDJqwDyzemBIDraI.uWx6PJ.NTTDFq003O/tBvND53cgPZxS
apr1:$apr1$5uTQ2ScB$EsQ03gou.rmmPVgGzkj9I0:a comment
md5:$1$pU63vxF9$4WNTyinzNmzqr5qkRLEFi/
sha256:$5$E41ylAQ5wWYQEpWO$j6c5kW1SIKrz9IkGW2hKyhs6.3Jo7xz/hW33/d/gqH7
sha512:$6$hGmLP7/tsMnO8dBE$JmEkD8m8qOOk/.ZCh7Spb.pxh.vvz0QOu7aU7q7vwFzJABXDm2J95aNVmvIQ1T2Sr5./s0tJZK.8PYFEAf8yq.
sha:{SHA}9Rfd8dMqES/xrVXGbRsSyzjn6Pc=
ssha:{SSHA}Sw7YnHtbBjoDjkaXvQS9UYwjbeZzYWx0MTIzNA==

plain:{PLAIN}pässwörd
`;

/** Both have these locations. */
function nginxHttp(app: Backend, auth: Backend): string {
  const to = "proxy_pass http://app;";
  return `
  upstream app { server ${app.address}; }
  upstream auth { server ${auth.address}; }
  set_real_ip_from 127.0.0.1;
  real_ip_header X-Forwarded-For;
  real_ip_recursive on;
  limit_req_zone $arg_k zone=few:1m rate=1r/m;
  limit_req_zone $arg_j zone=others:1m rate=2r/m;
  limit_req_zone $arg_k zone=soon:1m rate=100r/m;
  limit_req_status 429;
  proxy_http_version 1.1;
  proxy_set_header Host $host;
  proxy_set_header X-User $remote_user;
  proxy_set_header Connection "";
  server {
    listen 127.0.0.1:PORT;
    location / { ${to} }
    location /deny { ${to} allow 10.0.0.0/8; allow 2001:db8::/32; deny all; }
    location /order { ${to}
      deny 10.0.0.1; allow 10.0.0.0/24; deny 10.0.0.0/16; allow all; }
    location /some { ${to} deny 192.168.0.0/16; }
    location /unix { ${to} deny unix:; deny 10.0.0.1; }
    location /slash/ { ${to} deny all; }
    location = /exact { ${to} deny all; }
    location ~ \\.secret$ { ${to} deny all; }
    location /returns { deny all; return 204; }
    location /basic { ${to}
      auth_basic "the room"; auth_basic_user_file DIR/users; }
    location /both { ${to} allow 10.0.0.0/8; deny all;
      auth_basic "the room"; auth_basic_user_file DIR/users; }
    location /any { ${to} satisfy any; allow 10.0.0.0/8; deny all;
      auth_basic "the room"; auth_basic_user_file DIR/users; }
    location /undecided { ${to} satisfy any; allow 10.0.0.0/8;
      auth_basic "the room"; auth_basic_user_file DIR/users; }
    location /open { ${to} satisfy any; allow 10.0.0.0/8; }
    location /request { ${to} auth_request /auth;
      auth_request_set $user $upstream_http_x_user;
      auth_request_set $decided $upstream_status;
      auth_request_set $cookie $upstream_cookie_csrf;
      proxy_set_header Connection "";
      proxy_set_header X-User $user;
      proxy_set_header X-Decided "$decided $cookie"; }
    location /request-any { ${to} satisfy any; auth_request /auth;
      auth_basic "the room"; auth_basic_user_file DIR/users; }
    location /request-all { ${to} auth_request /auth;
      auth_basic "the room"; auth_basic_user_file DIR/users; }
    location /request-static { ${to} auth_request /no; }
    location /request-yes { ${to} auth_request /yes; }
    location = /no { internal; return 403; }
    location = /yes { internal; return 204; }
    location = /auth { internal; proxy_pass http://auth;
      proxy_pass_request_body off;
      proxy_set_header Connection '';
      proxy_set_header Content-Length "";
      proxy_set_header X-Original "$request_method $request_uri";
      proxy_set_header X-Uri "$uri";
      proxy_set_header X-Real-IP $remote_addr; }
    location /inside/ { ${to} internal; }
    location /few { ${to} limit_req zone=few; }
    location /burst { ${to} limit_req zone=few burst=3 nodelay; }
    location /two { ${to}
      limit_req zone=few burst=3 nodelay; limit_req zone=others burst=1 nodelay; }
    location /stage { ${to} limit_req zone=soon burst=3 delay=2; }
    location /late { ${to} limit_req zone=soon burst=2; }
    location /limited-deny { ${to} limit_req zone=few; deny all; }
    location /dry { ${to} limit_req zone=few; limit_req_dry_run on; }
  }`;
}

function ourConfig(
  app: Backend,
  auth: Backend,
  users: string,
): Record<string, unknown> {
  const to = { proxy_pass: "http://app" };
  const basic = { auth_basic: "the room", auth_basic_user_file: users };
  const ten = [{ allow: "10.0.0.0/8" }, { deny: "all" }];
  const nobody = [{ deny: "all" }];
  return {
    upstreams: { app: app.address, auth: auth.address },
    trusted_proxies: "127.0.0.1",
    limit_req_zone: {
      few: { key: "$arg_k", rate: "1r/m" },
      others: { key: "$arg_j", rate: "2r/m" },
      soon: { key: "$arg_k", rate: "100r/m" },
    },
    proxy_set_header: { "Host": "$host", "X-User": "$remote_user" },
    locations: {
      "/": to,
      "/deny": {
        ...to,
        access: [
          { allow: ["10.0.0.0/8", "2001:db8::/32"] },
          { deny: "all" },
        ],
      },
      "/order": {
        ...to,
        access: [
          { deny: "10.0.0.1" },
          { allow: "10.0.0.0/24" },
          { deny: "10.0.0.0/16" },
          { allow: "all" },
        ],
      },
      "/some": { ...to, access: [{ deny: "192.168.0.0/16" }] },
      "/unix": { ...to, access: [{ deny: ["unix:", "10.0.0.1"] }] },
      "/slash/": { ...to, access: nobody },
      "= /exact": { ...to, access: nobody },
      "~ \\.secret$": { ...to, access: nobody },
      "/returns": { return: 204, access: nobody },
      "/basic": { ...to, ...basic },
      "/both": { ...to, ...basic, access: ten },
      "/any": { ...to, ...basic, access: ten, satisfy: "any" },
      "/undecided": {
        ...to,
        ...basic,
        access: [{ allow: "10.0.0.0/8" }],
        satisfy: "any",
      },
      "/open": { ...to, access: [{ allow: "10.0.0.0/8" }], satisfy: "any" },
      "/request": {
        ...to,
        auth_request: "/auth",
        auth_request_set: {
          $user: "$upstream_http_x_user",
          $decided: "$upstream_status",
          $cookie: "$upstream_cookie_csrf",
        },
        proxy_set_header: {
          "X-User": "$user",
          "X-Decided": "$decided $cookie",
        },
      },
      "/request-any": {
        ...to,
        ...basic,
        auth_request: "/auth",
        satisfy: "any",
      },
      "/request-all": { ...to, ...basic, auth_request: "/auth" },
      "/request-static": { ...to, auth_request: "/no" },
      "/request-yes": { ...to, auth_request: "/yes" },
      "= /no": { return: 403, internal: true },
      "= /yes": { return: 204, internal: true },
      "= /auth": {
        proxy_pass: "http://auth",
        internal: true,
        proxy_set_header: {
          "X-Original": "$request_method $request_uri",
          "X-Uri": "$uri",
          "X-Real-IP": "$remote_addr",
        },
      },
      "/inside/": { ...to, internal: true },
      "/few": { ...to, limit_req: { zone: "few" } },
      "/burst": { ...to, limit_req: { zone: "few", burst: 3, nodelay: true } },
      "/two": {
        ...to,
        limit_req: [
          { zone: "few", burst: 3, nodelay: true },
          { zone: "others", burst: 1, nodelay: true },
        ],
      },
      "/stage": { ...to, limit_req: { zone: "soon", burst: 3, delay: 2 } },
      "/late": { ...to, limit_req: { zone: "soon", burst: 2 } },
      "/limited-deny": { ...to, limit_req: { zone: "few" }, access: nobody },
      "/dry": {
        ...to,
        limit_req: { zone: "few" },
        limit_req_dry_run: "on",
      },
    },
  };
}

/** What one proxy did with one request. */
interface Observed {
  status: number;
  /** `WWW-Authenticate` and `Set-Cookie` of the answer. */
  fields: string[];
  /** What the services received. */
  app: string[];
  auth: string[];
}

/** Each makes the two alike in one respect; one that never does fails the test. */
const DIFFERENCES: readonly {
  reason: string;
  level: (nginx: Observed, ours: Observed) => void;
}[] = [
  {
    reason: 'a challenge says charset="UTF-8" (RFC 7617 section 2.1)',
    level: (_, ours) => {
      ours.fields = ours.fields.map((field) =>
        field.replace(', charset="UTF-8"', "")
      );
    },
  },
  {
    reason: "the cookies of a refusal reach the client: they lead a login on",
    level: (_, ours) => {
      if (ours.status !== 401 && ours.status !== 403) return;
      ours.fields = ours.fields.filter((field) =>
        !field.startsWith("set-cookie")
      );
    },
  },
  {
    reason: "an answer that is no 401 has no challenge of an earlier check",
    level: (nginx) => {
      if (nginx.status === 500) nginx.fields = [];
    },
  },
];

interface Sample {
  name: string;
  text: string;
}

function sample(
  target: string,
  fields: Record<string, string> = {},
  method = "GET",
  body = "",
): Sample {
  const lines = Object.entries(fields)
    .map(([name, value]) => `${name}: ${utf8Bytes(value)}\r\n`).join("");
  const length = body === "" ? "" : `Content-Length: ${body.length}\r\n`;
  return {
    name: `${method} ${target} ${JSON.stringify(fields)}`,
    text: `${method} ${target} HTTP/1.1\r\nHost: site.example\r\n` +
      `${lines}${length}Connection: close\r\n\r\n${body}`,
  };
}

const basic = (user: string, password = "pässwörd") => ({
  Authorization: `Basic ${btoa(utf8Bytes(`${user}:${password}`))}`,
});
const from = (address: string) => ({ "X-Forwarded-For": address });
const wanted = (status: number) => ({ "X-Wanted": String(status) });

/** Requests that do not depend on each other. */
function samples(): Sample[] {
  const addresses = [
    ...["10.0.0.1", "10.0.0.2", "10.0.1.1", "10.1.0.0", "11.0.0.1"],
    ...["192.168.1.1", "2001:db8::1", "2001:db9::1", "127.0.0.1"],
  ];
  const users = ["bcrypt", "apr1", "md5", "sha256", "sha512", "sha", "ssha"];
  return [
    ...["/deny", "/order", "/some", "/unix"].flatMap((path) =>
      addresses.map((address) => sample(path, from(address)))
    ),
    sample("/deny"),
    ...[
      "/deny/x",
      "/denyx",
      "//deny",
      "/%64eny",
      "/x/../deny",
      "/x/%2e%2e/deny",
      "/./deny",
      "/deny;x",
      "/deny%3fx",
      "/DENY",
      "/slash",
      "/slash/",
      "/slash//x",
      "/exact",
      "/exact/",
      "/a.secret",
      "/a.secret/b",
      "/a%2esecret",
      "/returns",
    ].map((path) => sample(path, from("11.0.0.1"))),
    ...[...users, "plain"].flatMap((user) => [
      sample("/basic", basic(user)),
      sample("/basic", basic(user, "password")),
    ]),
    ...[
      basic("nobody"),
      basic("bcrypt", ""),
      basic("plain", ""),
      basic("", "x"),
      basic("# users", ""),
      { Authorization: "Basic" },
      { Authorization: "Basic ####" },
      { Authorization: `Basic ${btoa("plain")}` },
      { Authorization: "Bearer x" },
      { Authorization: basic("plain").Authorization.replace("B", "b") },
      { Authorization: basic("plain").Authorization.replace(" ", "   ") },
      {},
    ].map((fields) => sample("/basic", fields)),
    sample("/", basic("anybody")),
    ...["/both", "/any", "/undecided", "/open"].flatMap((path) => [
      sample(path, from("10.0.0.1")),
      sample(path, from("11.0.0.1")),
      sample(path, { ...from("10.0.0.1"), ...basic("sha") }),
      sample(path, { ...from("11.0.0.1"), ...basic("sha") }),
      sample(path, { ...from("11.0.0.1"), ...basic("sha", "x") }),
    ]),
    ...[200, 204, 302, 401, 403, 404, 500].flatMap((status) => [
      sample("/request/a%20b?c=d", wanted(status)),
      sample("/request-any", wanted(status)),
      sample("/request-all", { ...wanted(status), ...basic("sha") }),
    ]),
    sample("/request", { ...from("10.1.1.1"), Cookie: "a=b" }),
    sample("/request", wanted(200), "POST", "a body"),
    sample("/request", wanted(401), "POST", "a body"),
    sample("/request", wanted(200), "HEAD"),
    sample("/request-any", { ...wanted(401), ...basic("sha") }),
    sample("/request-static"),
    sample("/request-yes"),
    ...["/auth", "/no", "/yes", "/inside/", "/inside/x", "/inside"]
      .map((path) => sample(path)),
  ];
}

async function observe(
  port: number,
  { text }: Sample,
  app: Backend,
  auth: Backend,
): Promise<Observed> {
  const before = { app: app.seen.length, auth: auth.seen.length };
  const answer = await rawExchange(port, utf8Bytes(text));
  const [status = "", ...fields] = answer.slice(0, answer.indexOf("\r\n\r\n"))
    .split("\r\n");
  const seen = (service: Backend, since: number, names: string[]) =>
    service.seen.slice(since).map(({ method, target, headers, body }) =>
      [
        `${method} ${target} ${body}`,
        ...names.map((name) => `${name}: ${headers.get(name)}`),
      ].join("; ")
    );
  return {
    status: Number(status.split(" ")[1]),
    fields: fields.filter((field) =>
      /^(www-authenticate|set-cookie):/i.test(field)
    ).map((field) => field.replace(/^[^:]+/, (name) => name.toLowerCase())),
    app: seen(app, before.app, ["x-user", "x-decided"]),
    auth: seen(auth, before.auth, [
      ...["x-original", "x-uri", "x-real-ip", "cookie", "authorization"],
      ...["content-length", "transfer-encoding", "x-wanted"],
    ]),
  };
}

/** How many of so many requests at once were accepted, and how long that took. */
async function flood(port: number, target: string, count: number) {
  const began = performance.now();
  const statuses = await Promise.all(
    Array.from({ length: count }, async () => {
      const { text } = sample(target);
      return (await rawExchange(port, text)).slice(9, 12);
    }),
  );
  return {
    accepted: statuses.filter((status) => status === "200").length,
    refused: statuses.filter((status) => status === "429").length,
    took: performance.now() - began,
  };
}

testNeeding(
  ["nginx"],
  "sameorigin lets in whom nginx lets in, but for a written list of differences",
  async (t) => {
    await using app = backend("app");
    await using auth = backend(
      "auth",
      ({ headers }) => {
        const status = Number(headers.get("x-wanted") ?? 200);
        return new Response(status === 204 ? null : "decided", {
          status,
          headers: [
            ["x-user", "joe"],
            ["www-authenticate", 'Bearer realm="there"'],
            ["set-cookie", "csrf=1; Path=/"],
          ],
        });
      },
    );
    const users = await Deno.makeTempFile();
    await Deno.writeTextFile(users, USERS);
    await using nginx = await startNginx(nginxHttp(app, auth), {
      users: USERS,
    });
    await using proxy = startProxy(ourConfig(app, auth, users));
    const needed = new Set<string>();
    const all = samples();
    ok(all.length >= 60, `${all.length} requests`);
    for (const each of all) {
      const theirs = await observe(nginx.port, each, app, auth);
      const ours = await observe(proxy.port, each, app, auth);
      for (const { reason, level } of DIFFERENCES) {
        const before = JSON.stringify([theirs, ours]);
        level(theirs, ours);
        if (JSON.stringify([theirs, ours]) !== before) needed.add(reason);
      }
      if (JSON.stringify(theirs) !== JSON.stringify(ours)) {
        await t.step(each.name, () => deepStrictEqual(ours, theirs));
      }
    }
    deepStrictEqual(
      DIFFERENCES.map(({ reason }) => reason).filter((r) => !needed.has(r)),
      [],
      "differences that were never seen",
    );

    // One after the other, in a zone so slow that nothing leaks meanwhile.
    const bursts: [path: string, count: number][] = [
      ["/few?k=few", 3],
      ["/few", 3],
      ["/burst?k=burst", 7],
      ["/two?k=two&j=two", 4],
      ["/two?j=other", 4],
      ["/limited-deny?k=deny", 3],
      ["/dry?k=dry", 4],
    ];
    for (const [target, count] of bursts) {
      await t.step(`${count} times ${target}`, async () => {
        const statuses = async (port: number) => {
          const list = [];
          for (let i = 0; i < count; i++) {
            list.push((await observe(port, sample(target), app, auth)).status);
          }
          return list;
        };
        deepStrictEqual(await statuses(proxy.port), await statuses(nginx.port));
      });
    }
    for (
      const [target, least] of [["/stage?k=s", 600], [
        "/late?k=l",
        1200,
      ]] as const
    ) {
      await t.step(`six times at once ${target}`, async () => {
        const theirs = await flood(nginx.port, target, 6);
        const ours = await flood(proxy.port, target, 6);
        deepStrictEqual(
          [ours.accepted, ours.refused],
          [theirs.accepted, theirs.refused],
        );
        for (const { took } of [theirs, ours]) {
          ok(took >= least - 10, `${target} took ${took} ms`);
        }
      });
    }
    await Deno.remove(users);
  },
);
