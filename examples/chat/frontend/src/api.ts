/** The backend's API, as it is seen under this page's own origin. */

export interface User {
  id: number;
  username: string;
}

export interface Room {
  id: number;
  name: string;
}

export interface Message {
  id: number;
  room: number;
  /** The name of the author. */
  user: string;
  text: string;
  /** ISO 8601. */
  created_at: string;
}

/** Whether what came over a channel is a message: others may publish there. */
export function isMessage(data: unknown): data is Message {
  const { id, room, user, text, created_at }: Partial<Record<string, unknown>> =
    typeof data === "object" ? { ...data } : {};
  return typeof id === "number" && typeof room === "number" &&
    typeof user === "string" && typeof text === "string" &&
    typeof created_at === "string";
}

/** A call that was not answered with what was asked for. */
export class ApiError extends Error {
  override name = "ApiError";
  /** The status of HTTP; 0 if there was no response. */
  readonly status: number;

  constructor(status: number, message: string, cause?: unknown) {
    super(message, { cause });
    this.status = status;
  }

  /** Nobody is behind the proxy, or not even the proxy answers. */
  get isOutage(): boolean {
    return [0, 502, 503, 504].includes(this.status);
  }

  /** The session has ended: the API refuses everything until the next login. */
  get isSignedOut(): boolean {
    return this.status === 403;
  }
}

/** Calls the API; throws {@linkcode ApiError}, or what `signal` aborts with. */
async function call<T>(
  method: "GET" | "POST",
  path: string,
  { body, signal }: { body?: unknown; signal?: AbortSignal } = {},
): Promise<T> {
  const headers = new Headers({ Accept: "application/json" });
  if (method === "POST") {
    // Django compares this header with the cookie it has set.
    headers.set("X-CSRFToken", cookie("csrftoken"));
    headers.set("Content-Type", "application/json");
  }
  try {
    const response = await fetch(`/api/${path}`, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal ?? null,
    });
    if (!response.ok) throw await failure(response);
    return (response.status === 204 ? undefined : await response.json()) as T;
  } catch (error) {
    if (error instanceof ApiError || signal?.aborted) throw error;
    throw new ApiError(0, "The server can’t be reached.", error);
  }
}

/** What the API says of a failure; a proxy or a crash says it in HTML. */
async function failure(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => null);
  const said = typeof body === "object" && body !== null && "detail" in body &&
    typeof body.detail === "string";
  return new ApiError(
    response.status,
    said ? body.detail as string : `The server answered ${response.status}.`,
  );
}

function cookie(name: string): string {
  const found = document.cookie.split("; ")
    .find((pair) => pair.startsWith(`${name}=`));
  return found?.slice(name.length + 1) ?? "";
}

/** Who is signed in; null if nobody is. */
export async function getUser(signal: AbortSignal): Promise<User | null> {
  return (await call<{ user: User | null }>("GET", "session/", { signal }))
    .user;
}

export async function login(
  username: string,
  password: string,
): Promise<User> {
  const body = { username, password };
  return (await call<{ user: User }>("POST", "login/", { body })).user;
}

export function logout(): Promise<void> {
  return call("POST", "logout/");
}

export async function getRooms(signal: AbortSignal): Promise<Room[]> {
  return (await call<{ rooms: Room[] }>("GET", "rooms/", { signal })).rooms;
}

/** The newest messages of a room, oldest first. */
export async function getMessages(
  room: number,
  signal: AbortSignal,
): Promise<Message[]> {
  const path = `rooms/${room}/messages/`;
  return (await call<{ messages: Message[] }>("GET", path, { signal }))
    .messages;
}

export function sendMessage(room: number, text: string): Promise<Message> {
  return call("POST", `rooms/${room}/messages/`, { body: { text } });
}

/** What Centrifugo is shown; good for some minutes. */
export async function getToken(): Promise<string> {
  return (await call<{ token: string }>("GET", "centrifugo/token/")).token;
}
