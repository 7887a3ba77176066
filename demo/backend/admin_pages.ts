/**
 * The HTML of the admin pages.
 *
 * @module
 */
import { MAX_ROOM_NAME } from "./api.ts";
import { MAX_NAME } from "./sessions.ts";
import { MAX_ROOMS, type Room } from "./store.ts";

/** @param wrong The name with which signing in has failed; null at first. */
export function loginPage(
  token: string,
  next: string,
  wrong: string | null,
): string {
  return layout(
    "Sign in",
    "",
    `${error(wrong, "That name or password will not do.")}
    <form class="card" method="post" action="/admin/login/">
      ${hidden(token)}
      <input type="hidden" name="next" value="${escape(next)}">
      <label for="username">Name</label>
      <input id="username" name="username" required autofocus
        maxlength="${MAX_NAME}" autocomplete="username"
        value="${escape(wrong ?? "")}">
      <label for="password">Password</label>
      <input id="password" name="password" type="password" required
        autocomplete="current-password">
      <p class="hint">Any name will do; the password is <code>demo</code>.</p>
      <button>Sign in</button>
    </form>`,
  );
}

/** All rooms, each with the number of its messages. */
export function roomsPage(
  user: string,
  rooms: readonly (Room & { messages: number })[],
  token: string,
): string {
  const rows = rooms.map(({ id, name, messages }) =>
    `<tr><td>${id}</td><td>${escape(name)}</td><td>${messages}</td></tr>`
  );
  return layout(
    "Rooms",
    `<form class="who" method="post" action="/admin/logout/">
      ${hidden(token)}
      <span>${escape(user)}</span> <button class="quiet">Sign out</button>
    </form>`,
    `<table>
      <thead><tr><th>Id</th><th>Name</th><th>Messages</th></tr></thead>
      <tbody>${rows.join("\n")}</tbody>
    </table>
    <p><a class="button" href="/admin/rooms/add/">Add a room</a>
      <a href="/">To the chat</a></p>`,
  );
}

/** @param wrong The name that won't do; null at first. */
export function addPage(token: string, wrong: string | null): string {
  return layout(
    "Add a room",
    "",
    `${
      error(
        wrong,
        `A name has 1 to ${MAX_ROOM_NAME} letters; ${MAX_ROOMS} rooms are the most.`,
      )
    }
    <form class="card" method="post" action="/admin/rooms/add/">
      ${hidden(token)}
      <label for="name">Name</label>
      <input id="name" name="name" required autofocus
        maxlength="${MAX_ROOM_NAME}" value="${escape(wrong ?? "")}">
      <button>Save</button>
    </form>
    <p><a href="/admin/">Back to the rooms</a></p>`,
  );
}

/** A form that did not come from one of our pages. */
export function refusedPage(reason: string): string {
  return layout(
    "Refused",
    "",
    `<p>CSRF verification failed. Request aborted.</p>
    <p class="error">${escape(reason)}</p>`,
  );
}

function layout(title: string, corner: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>${title} · demo admin</title>
  <link rel="stylesheet" href="/static/admin.css">
</head>
<body>
  <header><a href="/admin/">Demo admin</a>${corner}</header>
  <main>
    <h1>${title}</h1>
    ${body}
  </main>
</body>
</html>
`;
}

function hidden(token: string): string {
  return `<input type="hidden" name="csrfmiddlewaretoken" value="${
    escape(token)
  }">`;
}

function error(wrong: string | null, words: string): string {
  return wrong === null ? "" : `<p class="error" role="alert">${words}</p>`;
}

/** Text for HTML, attributes in double quotes included. */
function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
