const COLUMNS = 80;

/** The examples at the end of a command's help; a long one continues on the next line, as a shell reads it. */
export const example = (...lines: string[]): string =>
  `\nExample${lines.length > 1 ? "s" : ""}:\n${lines.map((l) => wrapped(l)).join("\n")}`;

function wrapped(line: string): string {
  const rows: string[] = [];
  let row = " ";
  // Before a flag, a pipe or a redirection; a flag keeps its value.
  for (const part of line.split(/ (?=-|\||>|&&)/)) {
    if (row.length + 1 + part.length + 2 > COLUMNS && row.trim() !== "") {
      rows.push(`${row} \\`);
      row = "   ";
    }
    row += ` ${part}`;
  }
  return [...rows, row].join("\n");
}
