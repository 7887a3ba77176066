/**
 * QR codes in a terminal.
 *
 * @module
 */
import { encode } from "uqr";

/**
 * A code for the terminal; null where that is too narrow. The escapes of colours are
 * left out with `NO_COLOR`.
 */
export function forTerminal(text: string): string | null {
  const coloured = (Deno.env.get("NO_COLOR") ?? "") === "" &&
    Deno.env.get("TERM") !== "dumb";
  const code = qrCode(text, coloured);
  const { columns } = Deno.consoleSize();
  // 0 where the terminal does not know.
  return columns > 0 && code.width > columns ? null : code.text;
}

/**
 * A code as text of half blocks: two modules, one above the other, in a character.
 *
 * @param coloured Black on white, whatever the terminal's colours are. Otherwise the
 * light modules are drawn, as on a dark background.
 */
export function qrCode(
  text: string,
  coloured: boolean,
): { text: string; width: number } {
  // ISO 18004 wants four light modules around it.
  const { data, size } = encode(text, { ecc: "L", border: 4 });
  const lines: string[] = [];
  for (let y = 0; y < size; y += 2) {
    let line = "";
    for (let x = 0; x < size; x++) {
      const upper = data[y]![x]!;
      const lower = data[y + 1]?.[x] ?? false;
      line += coloured ? block(upper, lower) : block(!upper, !lower);
    }
    lines.push(coloured ? `\x1b[30;107m${line}\x1b[0m` : line);
  }
  return { text: lines.join("\n"), width: size };
}

function block(upper: boolean, lower: boolean): string {
  return upper ? lower ? "█" : "▀" : lower ? "▄" : " ";
}
