/** What is measured, as values, and how it is shown: a table of 80 columns for a terminal, Markdown for the docs. */

export type Unit = 'ms' | 's' | 'µs' | 'MiB' | '%' | '';

/** One line of a table. Every sample is kept; what is shown is the median, and in the docs the range beside it. */
export type Figure = {
  readonly what: string;
  readonly unit: Unit;
  /** Empty: it has no figure; `notes` of the part say why. */
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
};

/** What one part of the bench found. `notes`: what a reader must know to judge the figures. */
export type Findings = { readonly figures: readonly Figure[]; readonly notes: readonly string[] };

/** Findings with their circumstances. `load`: the machine's one-minute load average before and after. */
export type Chapter = Findings & {
  readonly part: string;
  readonly title: string;
  readonly kernel: string;
  /** When, and of which program. */
  readonly measured: string;
  readonly load: readonly [number, number];
  /** Seconds. */
  readonly took: number;
};

export type Report = {
  readonly date: string;
  readonly machine: readonly string[];
  readonly chapters: readonly Chapter[];
};

/** The value below which the share `part` of the samples lies: 0.5 is the median. `NaN` without samples. */
export function quantile(samples: readonly number[], part: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (sorted.length - 1) * part;
  const [low = Number.NaN, high = low] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low + (high - low) * (at - Math.floor(at));
}

/** Three significant digits, and no exponent; a dash for what has no figure. */
export function round(value: number): string {
  if (Number.isNaN(value)) return '-';
  const size = Math.abs(value);
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  return value.toFixed(size >= 0.0995 || size === 0 ? 2 : 3);
}

const median = (samples: readonly number[]): number => quantile(samples, 0.5);

function ratio({ ours, theirs }: Figure): string {
  const [a, b] = [median(ours), median(theirs)];
  return a > 0 && b > 0 ? `${round(a / b)}x` : '-';
}

const name = ({ what, unit }: Figure): string => (unit === '' ? what : `${what}, ${unit}`);

export function renderText({ date, machine, chapters }: Report): string {
  const lines = [`${date}`, ...machine, 'Medians. The ratio is ours to keepalived: below 1 ours is better.'];
  for (const chapter of chapters) {
    lines.push('', `${chapter.title.padEnd(46)} lvskeeper keepalived     ratio`, '-'.repeat(78));
    for (const figure of chapter.figures) {
      const cells = [round(median(figure.ours)), round(median(figure.theirs)), ratio(figure)];
      lines.push(`${name(figure).padEnd(46)} ${cells.map((cell) => cell.padStart(9)).join('  ')}`);
    }
    lines.push(...[...chapter.notes, circumstances(chapter)].flatMap((note) => wrap(`* ${note}`, 78)));
  }
  return `${lines.join('\n')}\n`;
}

/** The page, with the chapters of `before` that were not measured anew. */
export function renderMarkdown({ machine, chapters }: Report, before = ''): string {
  const old = before
    .split(/^## /m)
    .slice(1)
    .map((text) => [text.slice(0, text.indexOf('\n')), `## ${text.trim()}`] as const);
  const measured = chapters.map((chapter) => [chapter.title, renderChapter(chapter)] as const);
  // What is there already keeps its place.
  const all = new Map([...old, ...measured]);
  return `${[...opening(machine), ...all.values()].join('\n\n')}\n`;
}

const opening = (machine: readonly string[]): string[] => [
  [
    '# Benchmarks',
    '',
    '<!-- Made by `npm run bench -- --write`; each chapter is replaced as a whole. -->',
    '',
    'lvskeeper beside keepalived, in one run on one machine, each as it is installed. Every figure is the median, with the',
    'range in parentheses where there is more than one sample. The ratio is ours to keepalived: below 1 ours is better.',
    'Absolute times hold for this machine only, and a run on a machine that does other work is noisy: compare the two',
    'columns of one run, and distrust a difference that is smaller than the range. `npm run bench` repeats all of it.',
  ].join('\n'),
  machine.map((line) => `- ${line}`).join('\n'),
];

function renderChapter(chapter: Chapter): string {
  const lines = [`## ${chapter.title}`, '', '| | lvskeeper | keepalived | ratio |', '|---|---|---|---|'];
  for (const figure of chapter.figures)
    lines.push(`| ${name(figure)} | ${ranged(figure.ours)} | ${ranged(figure.theirs)} | ${ratio(figure)} |`);
  lines.push('', ...[...chapter.notes, circumstances(chapter)].map((note) => `- ${note}`));
  return lines.join('\n');
}

function ranged(samples: readonly number[]): string {
  const middle = round(median(samples));
  if (samples.length < 2) return middle;
  return `${middle} (${round(Math.min(...samples))} to ${round(Math.max(...samples))})`;
}

const circumstances = ({ kernel, measured, load: [before, after], took }: Chapter): string =>
  `${kernel}; ${measured}; load average ${before.toFixed(1)} before, ${after.toFixed(1)} after; took ${Math.round(took)} s.`;

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = ` ${word}`;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
