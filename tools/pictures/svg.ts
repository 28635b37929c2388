/** Colours of every picture, for a light and a dark page. The background is drawn, so a picture is readable anywhere. */
const style = `
  svg { color-scheme: light dark; }
  .paper { fill: #fbfbfa; } .ink { fill: #20242b; } .quiet { fill: #5f6672; }
  .box { fill: #ffffff; stroke: #9aa1ac; } .step { fill: #e8eef8; stroke: #4a6fa5; } .choice { fill: #fdf3dc; stroke: #b98a1f; }
  .wait { fill: #f0ecf8; stroke: #7d64b5; } .store { fill: #e4f2e9; stroke: #3c8d5a; } .band { fill: #eef1ee; stroke: none; }
  .line { fill: none; stroke: #6b7280; stroke-width: 1.4; } .dashed { stroke-dasharray: 5 4; } .head { fill: #6b7280; }
  .good { fill: #2e7d4c; } .bad { fill: #c2483d; } .rule { stroke: #d5d8dc; } .bar { stroke: #4a6fa5; } .dot { fill: #4a6fa5; }
  text { font: 13px system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; fill: #20242b; }
  text.quiet { fill: #5f6672; } text.small { font-size: 11px; } text.title { font-size: 17px; font-weight: 600; }
  text.strong { font-weight: 600; } text.good { fill: #2e7d4c; } text.bad { fill: #c2483d; }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #17191d; } .ink, text { fill: #e5e7eb; } .quiet, text.quiet { fill: #a3aab5; }
    .box { fill: #22252b; stroke: #6b7280; } .step { fill: #22304a; stroke: #7fa3da; } .choice { fill: #3a3018; stroke: #d6a83c; }
    .wait { fill: #2c2640; stroke: #a58fd8; } .store { fill: #1d3527; stroke: #5fb17f; } .band { fill: #1e2320; }
    .line { stroke: #9ca3af; } .head { fill: #9ca3af; } .rule { stroke: #3b3f46; } .bar { stroke: #7fa3da; } .dot { fill: #7fa3da; }
    .good, text.good { fill: #5fb17f; } .bad, text.bad { fill: #e5796f; }
  }`;

const escape = (text: string): string =>
  text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');

/** A complete picture of this size in pixels; `label` is its text for screen readers. */
export const picture = (
  width: number,
  height: number,
  label: string,
  parts: readonly string[],
): string =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escape(label)}">`,
    `<style>${style}</style>`,
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="head" d="M0 0 8 4 0 8z"/></marker></defs>',
    `<rect class="paper" width="${width}" height="${height}" rx="8"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n');

/** One line of text whose baseline is at y. */
export const text = (
  x: number,
  y: number,
  content: string,
  className = '',
  anchor: 'start' | 'middle' | 'end' = 'start',
): string =>
  `<text x="${x}" y="${y}" text-anchor="${anchor}"${className === '' ? '' : ` class="${className}"`}>${escape(content)}</text>`;

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export const rectangle = ({ x, y, width, height }: Box, className: string, radius = 5): string =>
  `<rect class="${className}" x="${x}" y="${y}" width="${width}" height="${height}" rx="${radius}"/>`;

/** A box with its lines of text in the middle; lines after the first are small. */
export function labelled(
  box: Box,
  className: string,
  lines: readonly string[],
  radius = 5,
): string {
  const lineHeight = 15;
  const top = box.y + box.height / 2 - ((lines.length - 1) * lineHeight) / 2 + 4.5;
  return [
    rectangle(box, className, radius),
    ...lines.map((line, index) =>
      text(
        box.x + box.width / 2,
        top + index * lineHeight,
        line,
        index === 0 ? 'strong' : 'small quiet',
        'middle',
      ),
    ),
  ].join('');
}

/** An arrow from (x, y) that runs along one axis after the other; `turns` are the coordinates it runs to. */
const arrow = (x: number, y: number, turns: readonly number[], isVertical: boolean): string => {
  const points = [[x, y]];
  for (const [index, turn] of turns.entries()) {
    const [lastX = x, lastY = y] = points.at(-1) ?? [];
    points.push((index % 2 === 0) === isVertical ? [lastX, turn] : [turn, lastY]);
  }
  return `<polyline class="line" marker-end="url(#arrow)" points="${points.map((point) => point.join(',')).join(' ')}"/>`;
};

/** An arrow from (x, y) to a y, then to an x, and so on. */
export const vertical = (x: number, y: number, ...turns: number[]): string =>
  arrow(x, y, turns, true);

/** An arrow from (x, y) to an x, then to a y, and so on. */
export const horizontal = (x: number, y: number, ...turns: number[]): string =>
  arrow(x, y, turns, false);

/** Breaks a text between words into lines of at most `length` characters; a longer word gets its own line. */
export function wrapped(content: string, length: number): string[] {
  const lines: string[] = [];
  for (const word of content.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= length)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
