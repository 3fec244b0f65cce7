// A frame as an SVG picture: each piece of text at its own column, so that any monospace font keeps the columns straight. Follows the
// reader's dark or light theme.
import type { Line, Style } from "../../tui/drawing/line.ts";
import { widthOf } from "../../tui/drawing/width.ts";

const CELL = 8.4;
const ROW = 18;
const PAD = 14;

const css = `
text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre;fill:var(--f)}
svg{--b:#16181d;--f:#d6d9df;--dim:#868c98;--good:#6cc377;--warn:#d9a84a;--bad:#ef6b6b;--accent:#58b7c9;--s:#2c3038}
@media (prefers-color-scheme:light){svg{--b:#fbfbfa;--f:#24272d;--dim:#7b818c;--good:#2c7d3a;--warn:#96640b;--bad:#c02d2d;--accent:#16758a;--s:#e4e6ea}}
.strong,.bad{font-weight:700}.dim{fill:var(--dim)}.good{fill:var(--good)}.warn{fill:var(--warn)}.bad{fill:var(--bad)}
.accent{fill:var(--accent)}`.trim();

export function svg(lines: readonly Line[], columns: number, title: string): string {
  const width = Math.round(columns * CELL + 2 * PAD);
  const height = lines.length * ROW + 2 * PAD;
  const body = lines.flatMap((l, row) => {
    const y = PAD + row * ROW;
    const back: string[] = [];
    let column = 0;
    const pieces = l.segments.flatMap(({ text, style, on }) => {
      const at = column;
      const width = widthOf(text);
      column += width;
      if (on === true)
        back.push(
          `<rect x="${round(PAD + at * CELL)}" y="${y}" width="${round(width * CELL + 0.2)}" height="${ROW}" fill="var(--s)"/>`,
        );
      return text.trim() === "" ? [] : [piece(text, at, y, style)];
    });
    return [...back, ...pieces];
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>${escaped(title)}</title>
<style>${css}</style>
<rect width="100%" height="100%" rx="8" fill="var(--b)"/>
${body.join("\n")}
</svg>
`;
}

function piece(text: string, column: number, y: number, style: Style): string {
  const left = text.length - text.trimStart().length;
  const shown = text.trim();
  const x = round(PAD + (column + left) * CELL);
  const look = style === "plain" ? "" : ` class="${style}"`;
  return `<text x="${x}" y="${y + 13}" textLength="${round(widthOf(shown) * CELL)}"${look}>${escaped(shown)}</text>`;
}

const round = (n: number): number => Math.round(n * 10) / 10;
const escaped = (text: string): string => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
