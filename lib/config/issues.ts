/**
 * From the schema library's issues to problems in our words.
 *
 * @module
 */
import type * as v from "valibot";
import type { Path, Report } from "./config_error.ts";
import { unknownKey } from "./hints.ts";

type Issue = v.BaseIssue<unknown>;

/** Reports each issue once, under the branch of a union that was meant. */
export function reportIssues(issues: readonly Issue[], report: Report): void {
  for (const issue of issues) {
    for (
      const { path, issue: { type, requirement, message } } of leaves(issue)
    ) {
      const key = path.at(-1);
      // Only `block` gives a schema that refuses everything a requirement.
      if (type === "never" && Array.isArray(requirement)) {
        report(path, unknownKey(String(key), requirement));
      } else {
        report(path, message);
      }
    }
  }
}

interface Leaf {
  path: Path;
  issue: Issue;
}

/**
 * The issues that say something: for a union not "neither of these", but what
 * is wrong with the branch whose type fits, if one fits.
 */
function leaves(issue: Issue, above: Path = []): Leaf[] {
  const path = [...above, ...keys(issue)];
  if (issue.type === "union" && issue.issues !== undefined) {
    const meant = issue.issues.flatMap((inner) => leaves(inner, path))
      .filter((leaf) =>
        leaf.path.length > path.length || !isOfType(leaf.issue)
      );
    if (meant.length > 0) return meant;
  }
  return [{ path, issue }];
}

/** Whether the issue is that a value has another type altogether. */
function isOfType(issue: Issue): boolean {
  return issue.kind === "schema";
}

function keys(issue: Issue): Path {
  return (issue.path ?? []).map(({ key }) =>
    typeof key === "number" ? key : String(key)
  );
}
