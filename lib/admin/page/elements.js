/**
 * Elements of the page: finding them, making them, filling tables.
 */

export const byId = (id) => document.getElementById(id);

/** An element with attributes and children. Text is never read as HTML. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === false) continue;
    element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/**
 * Fills a table's body row by row. Cells that are the same are left alone, so that
 * what is marked or read aloud stays.
 *
 * @param rows Each a list of texts or elements, the first one the row's header.
 */
export function fill(id, rows) {
  const body = byId(id).tBodies[0];
  while (body.rows.length > rows.length) body.deleteRow(-1);
  for (const [at, cells] of rows.entries()) {
    const row = body.rows[at] ?? body.insertRow();
    for (const [column, content] of cells.entries()) {
      let cell = row.cells[column];
      if (cell === undefined) {
        cell = make(column === 0 ? "th" : "td", {
          scope: column === 0 ? "row" : null,
        });
        row.append(cell);
      }
      if (typeof content !== "string") cell.replaceChildren(content);
      else if (cell.textContent !== content) cell.textContent = content;
    }
  }
}
