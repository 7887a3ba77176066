import { useActionState, useRef } from "react";
import { ApiError } from "./api.ts";
import type { Session } from "./session.ts";

export function LoginForm({ session }: { session: Session }) {
  const password = useRef<HTMLInputElement>(null);
  const [{ username, error }, submit, isPending] = useActionState(
    async (_: unknown, form: FormData) => {
      const username = String(form.get("username"));
      try {
        await session.signIn(username, String(form.get("password")));
        return { username, error: null };
      } catch (error) {
        // Of an outage the banner tells.
        session.report(error);
        password.current?.focus();
        const isOutage = error instanceof ApiError && error.isOutage;
        return { username, error: isOutage ? null : (error as Error).message };
      }
    },
    { username: "", error: null },
  );
  return (
    <main className="middle">
      <form
        className="login"
        data-testid="login-form"
        aria-labelledby="login-heading"
        action={submit}
      >
        <h2 id="login-heading">Sign in</h2>
        {session.hasEnded && !error && (
          <p className="hint" role="status">You are signed out.</p>
        )}
        <label>
          Username
          <input
            name="username"
            data-testid="username"
            defaultValue={username}
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            required
            autoFocus
          />
        </label>
        <label>
          Password
          <input
            ref={password}
            name="password"
            type="password"
            data-testid="password"
            autoComplete="current-password"
            required
          />
        </label>
        {error && (
          <p className="error" role="alert" data-testid="login-error">
            {error}
          </p>
        )}
        <button type="submit" data-testid="login-button" disabled={isPending}>
          {isPending ? "Signing in…" : "Sign in"}
        </button>
      </form>
    </main>
  );
}
