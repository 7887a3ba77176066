/**
 * What can be asked of the stack.
 *
 * @module
 */
import type { Surroundings } from "./parts.ts";
import type { Report } from "./report.ts";

/** The users that the backend is seeded with. */
export const USERS = {
  alice: { username: "alice", password: "alice-password" },
  bob: { username: "bob", password: "bob-password" },
  /** A superuser, who may enter Django's admin. */
  admin: { username: "admin", password: "admin-password" },
} as const;

/** What is started, and how. */
export interface StackOptions {
  /**
   * Vite's development server (the default), the frontend as it is built, or
   * none.
   */
  readonly frontend?: "dev" | "preview" | "none";
  /** Whether edits are made in the example itself: no copy. False by default. */
  readonly editInPlace?: boolean;
  /** sameorigin (the default), or none: then something else takes the port. */
  readonly proxy?: "sameorigin" | "none";
  /** The proxy's port; 0, the default, for a free one. */
  readonly port?: number;
  /** sameorigin's config; the example's by default. */
  readonly config?: { readonly path: string } | { readonly text: string };
  /** Options of `sameorigin run`: `--dev`. */
  readonly proxyArgs?: readonly string[];
  /** More of the environment, for some of the parts. */
  readonly env?: Surroundings["env"];
  /**
   * Where the database, secrets and logs are kept. By default a temporary
   * folder, which is removed at the end.
   */
  readonly folder?: string;
  /** Who is told how far it has come; nobody by default. */
  readonly report?: Report;
  /** Ends the start, and whatever is waited for later. */
  readonly signal?: AbortSignal;
}
