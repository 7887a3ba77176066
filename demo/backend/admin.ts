/**
 * The admin pages: plain HTML forms and redirects, no script at all. Like an
 * application that does not know of the proxy in front of it, it redirects to
 * its own address: `proxy_redirect` makes the browser's of it.
 *
 * @module
 */
import { addPage, loginPage, refusedPage, roomsPage } from "./admin_pages.ts";
import { MAX_ROOM_NAME } from "./api.ts";
import { CSRF_COOKIE, randomValue, readCookie, setCookie } from "./cookies.ts";
import { csrfFailure } from "./csrf.ts";
import type { Call, Route } from "./route.ts";

/** Everything under `/admin`. */
export const adminRoutes: readonly Route[] = [
  {
    // Django's APPEND_SLASH: a redirect without an origin.
    method: "GET",
    path: /^(\/admin|\/admin\/login|\/admin\/rooms\/add)$/,
    answer: ({ params: [path] }) => redirect(`${path}/`, 301),
  },
  { method: "GET", path: /^\/admin\/$/, answer: rooms },
  { method: "GET", path: /^\/admin\/login\/$/, answer: loginForm },
  { method: "POST", path: /^\/admin\/login\/$/, answer: form(login) },
  { method: "POST", path: /^\/admin\/logout\/$/, answer: form(logout) },
  { method: "GET", path: /^\/admin\/rooms\/add\/$/, answer: roomForm },
  { method: "POST", path: /^\/admin\/rooms\/add\/$/, answer: form(addRoom) },
];

/** Reads the form and checks its CSRF token. */
function form(
  answer: (call: Call, fields: FormData) => Response | Promise<Response>,
): (call: Call) => Promise<Response> {
  return async (call) => {
    const fields = await call.request.formData().catch(() => new FormData());
    const token = text(fields, "csrfmiddlewaretoken");
    const failure = csrfFailure(call.request, token);
    return failure === null
      ? await answer(call, fields)
      : page(refusedPage(failure), 403);
  };
}

function rooms(call: Call): Response {
  const { user, store } = call;
  if (user === null) return toLogin(call);
  const rows = store.rooms().map((room) => ({
    ...room,
    messages: store.messages(room).length,
  }));
  return pageWithToken(call, (token) => roomsPage(user, rows, token));
}

function loginForm(call: Call): Response {
  const next = new URL(call.request.url).searchParams.get("next") ?? "";
  return pageWithToken(call, (token) => loginPage(token, next, null));
}

function login(call: Call, fields: FormData): Response {
  const { request, sessions } = call;
  const name = text(fields, "username");
  const next = text(fields, "next");
  const cookies = sessions.signIn(request, name, text(fields, "password"));
  if (cookies === null) {
    return pageWithToken(call, (token) => loginPage(token, next, name));
  }
  // Only to a path of ours: "//evil.example" and "/\evil.example" are none.
  const target = /^\/(?![/\\])/.test(next) ? next : "/admin/";
  return redirect(call.ownOrigin + target, 302, cookies);
}

function logout(call: Call): Response {
  return redirect(
    `${call.ownOrigin}/admin/login/`,
    302,
    call.sessions.signOut(call.request),
  );
}

function roomForm(call: Call): Response {
  if (call.user === null) return toLogin(call);
  return pageWithToken(call, (token) => addPage(token, null));
}

async function addRoom(call: Call, fields: FormData): Promise<Response> {
  if (call.user === null) return toLogin(call);
  const name = text(fields, "name").trim();
  const room = name === "" || name.length > MAX_ROOM_NAME
    ? null
    : call.store.addRoom(name);
  if (room === null) {
    return pageWithToken(call, (token) => addPage(token, name));
  }
  await call.live?.publish({ type: "room", room });
  return redirect(`${call.ownOrigin}/admin/`, 302);
}

function toLogin({ request, ownOrigin }: Call): Response {
  const next = encodeURIComponent(new URL(request.url).pathname);
  return redirect(`${ownOrigin}/admin/login/?next=${next}`, 302);
}

function redirect(
  location: string,
  status: 301 | 302,
  cookies: readonly string[] = [],
): Response {
  return new Response(null, {
    status,
    headers: [
      ["location", location],
      ...cookies.map((cookie): [string, string] => ["set-cookie", cookie]),
    ],
  });
}

/** A page with forms: its token is the browser's, or a new one. */
function pageWithToken(
  { request }: Call,
  html: (token: string) => string,
): Response {
  const known = readCookie(request, CSRF_COOKIE);
  if (known) return page(html(known), 200);
  const token = randomValue();
  const response = page(html(token), 200);
  const cookie = setCookie(CSRF_COOKIE, token, request);
  response.headers.append("set-cookie", cookie);
  return response;
}

function page(html: string, status: 200 | 403): Response {
  return new Response(html, {
    status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "content-security-policy":
        "default-src 'none'; style-src 'self'; frame-ancestors 'none'",
      "x-content-type-options": "nosniff",
    },
  });
}

/** A field's text; empty where it is missing or a file. */
function text(fields: FormData, name: string): string {
  const value = fields.get(name);
  return typeof value === "string" ? value : "";
}
