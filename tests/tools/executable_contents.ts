/**
 * What `deno compile` has put into an executable: the metadata, as JSON, and
 * the files. The layout is Deno 2.9.6's: `d3n0l4nd`, then sections that begin
 * with their length (64 bits, little-endian), `d3n0l4nd` again at the end.
 *
 * @module
 */

import { Buffer } from "node:buffer";

/** The part of the metadata that is looked at. */
export interface Metadata {
  permissions: Record<string, unknown>;
  v8_flags: string[];
  unstable_config: { features: string[] };
  workspace_resolver: { import_map: { specifier: string; json: string } };
  entrypoint_key: string;
}

/** What is in an executable. */
export interface Contents {
  metadata: Metadata;
  /** The contents of the embedded files by path, from the root of the project. */
  files: Map<string, Uint8Array>;
}

/** An embedded directory or file; others (links) are of no interest. */
interface Entry {
  Dir?: { n: string; e: Entry[] };
  /** `o` is the position and the length in the section of the files' bytes. */
  File?: { n: string; o: [number, number] };
}

const MAGIC = "d3n0l4nd";

/** Reads an executable that `deno compile` made. */
export function executableContents(executable: Uint8Array): Contents {
  const bytes = Buffer.from(executable.buffer);
  const start = bytes.indexOf(`${MAGIC}${MAGIC}`) + 2 * MAGIC.length;
  const section = (at: number): [start: number, end: number] => [
    at + 8,
    at + 8 + Number(bytes.readBigUInt64LE(at)),
  ];
  const [from, to] = section(start);
  const metadata: Metadata = JSON.parse(bytes.toString("utf8", from, to));

  // Between the metadata and the list of files are sections of other forms.
  let list = bytes.indexOf(`[{"Dir":`, to);
  if (list === -1) list = bytes.indexOf(`[{"File":`, to);
  const [listStart, listEnd] = section(list - 8);
  const entries: Entry[] = JSON.parse(
    bytes.toString("utf8", listStart, listEnd),
  );
  const [dataStart, dataEnd] = section(listEnd);
  const data = bytes.subarray(dataStart, dataEnd);
  const files = new Map<string, Uint8Array>();
  const walk = (entries: Entry[], folder: string) => {
    for (const { Dir, File } of entries) {
      if (Dir !== undefined) walk(Dir.e, `${folder}${Dir.n}/`);
      if (File === undefined) continue;
      const [at, length] = File.o;
      files.set(folder + File.n, data.subarray(at, at + length));
    }
  };
  walk(entries, "");
  return { metadata, files };
}
