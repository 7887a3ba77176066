/**
 * The form for the token, for browsers.
 *
 * @module
 */
import type { Guard } from "./guard.ts";
import { respond, text } from "./response.ts";

/** Bytes of the longest form that is read. */
const LONGEST_FORM = 4096;

const STYLE = `:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 24rem; margin: 15vh auto; padding: 0 1rem }
input, button { font: inherit; width: 100%; box-sizing: border-box; padding: .5rem; margin-top: .5rem }`;

/** The page with the form. */
export async function loginPage(
  status: number,
  message: string,
): Promise<Response> {
  const bytes = new TextEncoder().encode(STYLE);
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  const hash = new Uint8Array(digest).toBase64();
  const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>sameorigin: sign in</title>
<style>${STYLE}</style>
</head>
<body>
<h1>sameorigin</h1>
<p>${message}</p>
<form method="post" action="/login">
<label>Token <input type="password" name="token" autocomplete="current-password" required autofocus></label>
<button>Sign in</button>
</form>
</body>
</html>
`;
  return respond(status, "text/html; charset=utf-8", page, {
    "content-security-policy":
      `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; ` +
      "form-action 'self'; frame-ancestors 'none'",
  });
}

/** Takes the form. */
export async function signIn(
  request: Request,
  guard: Guard,
): Promise<Response> {
  const form = await readForm(request);
  const token = form?.get("token")?.trim() ?? "";
  if (!await guard.isToken(token)) {
    return await loginPage(401, "This is not the token of the config.");
  }
  return text(303, "Signed in.", {
    "location": "/",
    "set-cookie": await guard.sessionCookie() ?? "",
  });
}

/** Null for a form that is too long. */
async function readForm(request: Request): Promise<URLSearchParams | null> {
  let form = "";
  const decoder = new TextDecoder();
  for await (const piece of request.body ?? []) {
    form += decoder.decode(piece, { stream: true });
    if (form.length > LONGEST_FORM) return null;
  }
  return new URLSearchParams(form);
}
