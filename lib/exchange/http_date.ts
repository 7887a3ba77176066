/**
 * HTTP-date (RFC 9110 section 5.6.7).
 *
 * @module
 */

const MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec";

/** IMF-fixdate and RFC 850's form: `Sun, 06 Nov 1994 08:49:37 GMT`. */
const FIXDATE =
  /^[A-Z][a-z]+, (\d\d)[ -]([A-Z][a-z]{2})[ -](\d{4}|\d\d) (\d\d):(\d\d):(\d\d) GMT$/;

/** ANSI C's asctime: `Sun Nov  6 08:49:37 1994`. */
const ASCTIME =
  /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d) (\d{4})$/;

/**
 * Reads a date in any of its three forms. `Date.parse` would take much else for
 * one.
 *
 * @returns Seconds since 1970; NaN for what is no date.
 */
export function parseHttpDate(text: string): number {
  const fixed = FIXDATE.exec(text);
  if (fixed !== null) {
    const [, day, month, year = "", hour, minute, second] = fixed;
    return seconds(fullYear(year), month, day, hour, minute, second);
  }
  const [, month, day, hour, minute, second, year] = ASCTIME.exec(text) ?? [];
  return seconds(Number(year), month, day, hour, minute, second);
}

/** nginx's reading of two digits: 1970 to 2069. */
function fullYear(year: string): number {
  const number = Number(year);
  if (year.length === 4) return number;
  return number < 70 ? 2000 + number : 1900 + number;
}

function seconds(
  year: number,
  month = "",
  day = "",
  hour = "",
  minute = "",
  second = "",
): number {
  const place = MONTHS.indexOf(month);
  const time = Date.UTC(year, place / 3, +day, +hour, +minute, +second) / 1000;
  const valid = month.length === 3 && place >= 0 && place % 3 === 0 &&
    +hour < 24 && +minute < 60 && +second < 61 &&
    +day > 0 && +day <= new Date(Date.UTC(year, place / 3 + 1, 0)).getUTCDate();
  return valid ? time : NaN;
}

/**
 * Writes a date as IMF-fixdate.
 *
 * @param seconds Since 1970.
 */
export function formatHttpDate(seconds: number): string {
  return new Date(seconds * 1000).toUTCString();
}
