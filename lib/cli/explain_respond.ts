/**
 * What becomes of a response before it is sent, for `sameorigin explain`.
 *
 * @module
 */
import type { AnswerPlan } from "../config/plan.ts";

/** One thing that is done to it. */
export interface Responding {
  /** The directive, or its family: `add_header`. */
  readonly by: string;
  /** Which fields, codings or page. */
  readonly what: string;
}

/** What is done to an answer; an error page takes its place. */
export function respondOf(
  { errorPages, filters }: AnswerPlan,
  answer: { readonly status: number } | null,
): Responding[] {
  const page = answer === null ? undefined : errorPages?.get(answer.status);
  const done = filters.map((filter) => {
    switch (filter.kind) {
      case "add_header":
        return {
          by: filter.kind,
          what: filter.fields.map(({ name }) => name).join(", "),
        };
      case "compress":
        return {
          by: filter.kind,
          what: filter.codings.map(({ name }) => name).join(", "),
        };
    }
  });
  return page === undefined ? done : [{ by: "error_page", what: page.written }];
}

/** A row for each. */
export function respondRows(responding: readonly Responding[]): string[][] {
  return responding.map(({ by, what }) => ["respond", by, what]);
}
