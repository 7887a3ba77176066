/**
 * The API of the chat page: JSON in, JSON out, errors as `{"detail": …}` like
 * Django REST framework's.
 *
 * @module
 */
import { CSRF_COOKIE, randomValue, readCookie, setCookie } from "./cookies.ts";
import { csrfFailure } from "./csrf.ts";
import type { Call, Route } from "./route.ts";
import { MAX_ROOMS, type Room } from "./store.ts";

/** The longest room name and message, in UTF-16 units. */
export const MAX_ROOM_NAME = 40;
const MAX_TEXT = 2_000;

/** An error for the client. */
class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(readonly status: number, readonly detail: string) {
    super(detail);
  }
}

/** Everything under `/api/`. */
export const apiRoutes: readonly Route[] = [
  { method: "GET", path: /^\/api\/me$/, answer: me },
  { method: "POST", path: /^\/api\/login$/, answer: guarded(login) },
  { method: "POST", path: /^\/api\/logout$/, answer: guarded(logout) },
  {
    method: "GET",
    path: /^\/api\/connection-token$/,
    answer: guarded(connectionToken),
  },
  { method: "GET", path: /^\/api\/rooms$/, answer: guarded(listRooms) },
  { method: "POST", path: /^\/api\/rooms$/, answer: guarded(addRoom) },
  {
    method: "GET",
    path: /^\/api\/rooms\/(\d{1,15})\/messages$/,
    answer: guarded(listMessages),
  },
  {
    method: "POST",
    path: /^\/api\/rooms\/(\d{1,15})\/messages$/,
    answer: guarded(addMessage),
  },
];

/** Adds the CSRF check, and turns errors into answers. */
function guarded(
  answer: (call: Call) => Response | Promise<Response>,
): (call: Call) => Promise<Response> {
  return async (call) => {
    try {
      const failure = csrfFailure(call.request, null);
      if (failure !== null) {
        throw new ApiError(403, `CSRF Failed: ${failure}`);
      }
      return await answer(call);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return Response.json({ detail: error.detail }, { status: error.status });
    }
  };
}

/** Who is signed in, and for a new browser the CSRF cookie. */
function me({ request, user }: Call): Response {
  const headers = new Headers({ "cache-control": "no-store" });
  if (!readCookie(request, CSRF_COOKIE)) {
    headers.append(
      "set-cookie",
      setCookie(CSRF_COOKIE, randomValue(), request),
    );
  }
  return Response.json({ user: user === null ? null : { name: user } }, {
    headers,
  });
}

async function login({ request, sessions }: Call): Promise<Response> {
  const body = await jsonBody(request);
  const name = textField(body, "name");
  const cookies = sessions.signIn(request, name, textField(body, "password"));
  if (cookies === null) {
    throw new ApiError(400, "That name or password will not do.");
  }
  return Response.json({ user: { name: name.trim() } }, {
    headers: cookies.map((cookie) => ["set-cookie", cookie]),
  });
}

function logout({ request, sessions }: Call): Response {
  return new Response(null, {
    status: 204,
    headers: sessions.signOut(request).map((cookie) => ["set-cookie", cookie]),
  });
}

async function connectionToken(call: Call): Promise<Response> {
  const user = signedIn(call);
  if (call.live === null) {
    throw new ApiError(
      503,
      "CENTRIFUGO is your own: the demo's backend has no secret to sign a " +
        "connection token with.",
    );
  }
  return Response.json({ token: await call.live.connectionToken(user) }, {
    headers: { "cache-control": "no-store" },
  });
}

function listRooms(call: Call): Response {
  signedIn(call);
  return Response.json({ rooms: call.store.rooms() });
}

async function addRoom(call: Call): Promise<Response> {
  signedIn(call);
  const name = textField(await jsonBody(call.request), "name").trim();
  if (name === "" || name.length > MAX_ROOM_NAME) {
    throw new ApiError(400, `A room's name has 1 to ${MAX_ROOM_NAME} letters.`);
  }
  const room = call.store.addRoom(name);
  if (room === null) {
    throw new ApiError(409, `There are ${MAX_ROOMS} rooms already.`);
  }
  await call.live?.publish({ type: "room", room });
  return Response.json(room, { status: 201 });
}

function listMessages(call: Call): Response {
  signedIn(call);
  return Response.json({ messages: call.store.messages(roomOf(call)) });
}

async function addMessage(call: Call): Promise<Response> {
  const user = signedIn(call);
  const room = roomOf(call);
  const text = textField(await jsonBody(call.request), "text").trim();
  if (text === "" || text.length > MAX_TEXT) {
    throw new ApiError(400, `A message has 1 to ${MAX_TEXT} letters.`);
  }
  const message = call.store.addMessage(room, user, text);
  await call.live?.publish({ type: "message", message });
  return Response.json(message, { status: 201 });
}

function signedIn({ user }: Call): string {
  if (user === null) throw new ApiError(401, "Sign in first.");
  return user;
}

function roomOf({ params: [id], store }: Call): Room {
  const room = store.room(Number(id));
  if (room === null) throw new ApiError(404, "No such room.");
  return room;
}

async function jsonBody(request: Request): Promise<Record<string, unknown>> {
  const body: unknown = await request.json().catch(() => null);
  if (typeof body !== "object" || body === null) {
    throw new ApiError(400, "The body is no JSON object.");
  }
  return body as Record<string, unknown>;
}

function textField(body: Record<string, unknown>, name: string): string {
  const value = body[name];
  if (typeof value !== "string") {
    throw new ApiError(400, `"${name}" is missing, or no text.`);
  }
  return value;
}
