/** Text in columns. */

import { printable } from '../base/printable.ts';
import type { Paint, Style } from './verb.ts';

/** Who looks, and when. */
export type View = { readonly now: Date; readonly width: number; readonly paint: Paint };

/** A text, painted after it has been measured. */
export type Cell = string | { readonly text: string; readonly style: Style };
export type Column = { readonly title: string; readonly align?: 'left' | 'right' };

const GAP = 2;
/** The last column is not made narrower than this; the table then is wider than asked. */
const NARROWEST = 12;

const textOf = (cell: Cell): string => (typeof cell === 'string' ? cell : cell.text);
/** In code points: what we print has no wide or combining characters. */
const widthOf = (text: string): number => [...text].length;

/** A table at most `width` wide: columns as wide as their texts, the last one wrapped where it must be. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  { width, paint, indent = 0 }: { readonly width: number; readonly paint: Paint; readonly indent?: number },
): string {
  const widths = columns.map(({ title }, i) =>
    Math.max(widthOf(title), ...rows.map((row) => widthOf(textOf(row[i] ?? '')))),
  );
  const before = indent + widths.slice(0, -1).reduce((sum, w) => sum + w + GAP, 0);
  const last = Math.max(NARROWEST, width - before);

  const lineOf = (cells: readonly Cell[]): string => {
    const parts = cells.slice(0, -1).map((cell, i) => {
      const room = ' '.repeat((widths[i] ?? 0) - widthOf(textOf(cell)));
      return columns[i]?.align === 'right' ? room + painted(cell, paint) : painted(cell, paint) + room;
    });
    const tail = cells.at(-1) ?? '';
    const [first = '', ...further] = wrap(textOf(tail), last);
    const restyle = (text: string): string => painted(typeof tail === 'string' ? text : { ...tail, text }, paint);
    const lead = ' '.repeat(indent) + parts.map((part) => part + ' '.repeat(GAP)).join('');
    const lines = [lead + restyle(first), ...further.map((text) => ' '.repeat(before) + restyle(text))];
    return lines.map((line) => `${line.trimEnd()}\n`).join('');
  };

  const head = lineOf(columns.map(({ title }) => ({ text: title, style: 'dim' })));
  return head + rows.map(lineOf).join('');
}

const painted = (cell: Cell, paint: Paint): string =>
  typeof cell === 'string' || cell.text === '' ? textOf(cell) : paint(cell.style, cell.text);

/** Breaks at spaces into lines of at most `width`; a longer word is cut. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > width) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
    while (widthOf(line) > width) {
      lines.push([...line].slice(0, width).join(''));
      line = [...line].slice(width).join('');
    }
  }
  return [...lines, line];
}

/** `text` behind `lead`, wrapped, the further lines under the first. */
export function hanging(lead: string, text: string, { width, paint }: Omit<View, 'now'>, style?: Style): string[] {
  return wrap(printable(text), width - lead.length).map((line, i) => {
    const whole = (i === 0 ? lead : ' '.repeat(lead.length)) + line;
    return `${style === undefined ? whole : paint(style, whole)}\n`;
  });
}
