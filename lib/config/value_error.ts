/**
 * What the parsers of single values throw.
 *
 * @module
 */

/**
 * A value that can't be used. The message stands after the place of the value
 * (`listen: expected a port, got "x"`), so it names no place itself.
 */
export class ValueError extends Error {
  override readonly name = "ValueError";
}
