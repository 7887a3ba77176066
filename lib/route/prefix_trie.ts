/**
 * Longest-prefix search among many strings for one array read per character,
 * whatever their number.
 *
 * @module
 */

/**
 * A trie as one transition table. A state is the index of its row in `next`. A row
 * has one column for each byte that occurs in any of the strings (`columns` maps
 * to it); column 0 is for all other bytes. State 0 is the dead state. The states
 * in which a string ends come last, so that one comparison identifies them and no
 * second table is read.
 */
export interface PrefixTrie {
  readonly columns: Uint8Array;
  readonly next: Int32Array;
  /** Columns of a row. A state divided by it is the row's number. */
  readonly width: number;
  readonly root: number;
  /** The first state in which one of the strings ends. */
  readonly firstEnd: number;
}

/**
 * Builds the trie.
 *
 * @param ends Byte strings to find as prefixes.
 * @param others Byte strings whose states must exist too, without being found.
 */
export function compileTrie(ends: string[], others: string[]): PrefixTrie {
  const columns = new Uint8Array(256);
  let width = 1;
  for (const text of [...ends, ...others]) {
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i) & 0xff;
      if (columns[code] === 0) columns[code] = width++;
    }
  }
  const rows: Map<number, number>[] = [];
  const grow = (text: string): number => {
    let row = 0;
    for (let i = 0; i < text.length; i++) {
      const column = columns[text.charCodeAt(i) & 0xff] ?? 0;
      const from = rows[row] ?? new Map<number, number>();
      let to = from.get(column);
      if (to === undefined) {
        to = rows.push(new Map()) - 1;
        from.set(column, to);
      }
      row = to;
    }
    return row;
  };
  rows.push(new Map());
  const endRows = new Set(ends.map(grow));
  others.forEach(grow);

  const order = [...rows.keys()];
  const sorted = [
    ...order.filter((row) => !endRows.has(row)),
    ...order.filter((row) => endRows.has(row)),
  ];
  const states = new Map(sorted.map((row, i) => [row, (i + 1) * width]));
  const next = new Int32Array((rows.length + 1) * width);
  for (const [row, columnsOfRow] of rows.entries()) {
    const state = states.get(row) ?? 0;
    for (const [column, to] of columnsOfRow) {
      next[state + column] = states.get(to) ?? 0;
    }
  }
  return {
    columns,
    next,
    width,
    root: states.get(0) ?? 0,
    firstEnd: (rows.length - endRows.size + 1) * width,
  };
}

/** The state that `text` leads to; 0 if it is not in the trie. */
export function stateOf(trie: PrefixTrie, text: string): number {
  let state = trie.root;
  for (let i = 0; i < text.length && state !== 0; i++) {
    const column = trie.columns[text.charCodeAt(i)] ?? 0;
    state = trie.next[state + column] ?? 0;
  }
  return state;
}
