/**
 * How the stack tells what it is doing.
 *
 * @module
 */

/** Who is told. */
export interface Report {
  /** Does work that may take long, and shows that it goes on. */
  step<T>(what: string, work: () => Promise<T>): Promise<T>;
  /** What people should know, in one line. */
  note(line: string): void;
}

/** Nobody is told. */
export const SILENT: Report = {
  step: (_, work) => work(),
  note: () => {},
};
