/**
 * `expires`: how long clients may keep a response (ngx_http_headers_module).
 *
 * @module
 */
import type { Expires } from "../../config/plan.ts";
import type { Field } from "../../exchange/fields.ts";
import { formatHttpDate } from "../../exchange/http_date.ts";

/**
 * The fields `Expires` and `Cache-Control`.
 *
 * @param lastModified Of the file, in seconds since 1970.
 * @param now In seconds since 1970.
 */
export function expiryFields(
  expires: NonNullable<Expires>,
  lastModified: number,
  now: number,
): Field[] {
  switch (expires.kind) {
    case "epoch":
      return [
        ["expires", "Thu, 01 Jan 1970 00:00:01 GMT"],
        ["cache-control", "no-cache"],
      ];
    case "max":
      return [
        ["expires", "Thu, 31 Dec 2037 23:55:55 GMT"],
        ["cache-control", "max-age=315360000"],
      ];
    case "access":
      return until(now + expires.seconds, now, expires.seconds < 0);
    case "modified":
      return until(lastModified + expires.seconds, now, expires.seconds < 0);
    case "daily":
      return until(nextTimeOfDay(expires.seconds, now), now, false);
  }
}

function until(time: number, now: number, never: boolean): Field[] {
  const age = time - now;
  return [
    ["expires", formatHttpDate(time)],
    ["cache-control", never || age < 0 ? "no-cache" : `max-age=${age}`],
  ];
}

/** The next time of that many seconds from midnight, by this machine's time zone. */
function nextTimeOfDay(seconds: number, now: number): number {
  const next = new Date(now * 1000);
  next.setHours(0, 0, seconds, 0);
  if (next.getTime() / 1000 <= now) next.setDate(next.getDate() + 1);
  return next.getTime() / 1000;
}
