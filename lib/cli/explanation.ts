/**
 * What `sameorigin explain` finds out.
 *
 * @module
 */
import type { Field } from "../exchange/fields.ts";
import type { ExplainedCheck } from "./explain_access.ts";
import type { ExplainedFile, ExplainedRedirect } from "./explain_files.ts";
import type { Responding } from "./explain_respond.ts";
import type { Loser } from "../route/losers.ts";

/** The phases of a request, in their order (see lib/request/handler.ts). */
export type Phase = "admit" | "route" | "rewrite" | "access" | "content";

/** What is printed; with `--json` just so. */
export interface Explanation {
  readonly request: { method: string; target: string; host: string };
  /** As the config writes it. */
  readonly listen: string;
  /** Null where the request is refused before that. */
  readonly server: { name: string; why: string } | null;
  readonly location:
    | { key: string; why: string; proxy_pass: string | null }
    | null;
  /** The locations of the server that don't take it, in the file's order, and why. */
  readonly losers: readonly Loser[];
  /** The rules of `rewrite` that have matched, and the target that they lead to. */
  readonly rewrite: { rules: readonly string[]; target: string } | null;
  /** The checks of the access phase, in their order. */
  readonly access: readonly ExplainedCheck[];
  /** The internal redirects that have led to this location, in their order. */
  readonly redirects: readonly ExplainedRedirect[];
  /** The file that is sent; null for none. */
  readonly file: ExplainedFile | null;
  readonly upstream: { name: string; scheme: string; address: string } | null;
  /** What the upstream gets; null where the proxy answers by itself. */
  readonly sent: {
    websocket: boolean;
    method: string;
    target: string;
    headers: Field[];
  } | null;
  /** What is done to the response before it is sent, in order. */
  readonly respond: Responding[];
  /** What the proxy answers by itself, and in which phase; null where it asks the upstream. */
  readonly answer:
    | { phase: Phase; status: number; reason: string; location?: string }
    | null;
}
