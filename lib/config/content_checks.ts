/**
 * What a location answers with: one kind of content, and nothing that belongs to
 * another.
 *
 * @module
 */
import type { LocationKey } from "../route/location.ts";
import type { Path, Report } from "./config_error.ts";

/** What a location answers with; it has one of them. */
const CONTENTS = ["proxy_pass", "return", "root", "alias"] as const;

/** What has no effect on anything but files; nginx's `expires` has. */
const OF_FILES = ["try_files", "expires"] as const;

/**
 * A location has one kind of content, whether it could be read or not.
 *
 * @param hasRoot Whether there is a root above it.
 */
export function checkContent(
  location: object,
  key: LocationKey | undefined,
  path: Path,
  report: Report,
  hasRoot: boolean,
): void {
  const [first, ...others] = CONTENTS
    .filter((name) => Object.hasOwn(location, name));
  const rewrites = Object.hasOwn(location, "rewrite");
  if (first === undefined && !hasRoot && !rewrites) {
    report(path, "a location needs proxy_pass, return or root");
  }
  for (const other of others) {
    report(
      [...path, other],
      `a location has either ${first} or ${other}, not both`,
    );
  }
  if (first === "proxy_pass" || first === "return") {
    for (const name of OF_FILES) {
      if (!Object.hasOwn(location, name)) continue;
      report(
        [...path, name],
        `a location with ${first} has no files (give it to one with root)`,
      );
    }
  }
  if (key?.kind === "regex" && Object.hasOwn(location, "alias")) {
    report(
      [...path, "alias"],
      "a location with a regular expression has no prefix that this could " +
        "replace (write root)",
    );
  }
}
