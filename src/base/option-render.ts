/** What is printed from option tables: the reference page (Markdown), a JSON Schema, and values as a TOML document. */

import {
  isDerived,
  type JsonSchema,
  type Kind,
  type Option,
  type Options,
  type Plain,
  type Section,
} from './option.ts';

/** All tables of a document in the order of the file, each once. */
export function sectionsOf(options: Options): Section[] {
  const out: Section[] = [];
  for (const { is } of Object.values(options))
    for (const section of is.sections ?? []) out.push(section, ...sectionsOf(section.options));
  return out;
}

/** The reference page's part on one table of options. */
export function renderSection({ title, doc, options }: Section): string {
  const rows = Object.entries(options).filter(([, option]) => option.is.layout === undefined);
  const inner = Object.values(options).flatMap(({ is }) => (is.layout && is.sections?.slice(0, 1)) ?? []);
  const table = [
    '| key | value | default | |',
    '|---|---|---|---|',
    ...rows.map(
      ([key, option]) => `| \`${key}\` | ${cell(option.is.expected)} | ${byDefault(option)} | ${escaped(option.doc)} |`,
    ),
  ];
  const has = inner.map((section) => `\`${section.title}\``).join(' and ');
  return [
    `## ${title}`,
    '',
    doc,
    '',
    ...(rows.length > 0 ? table : []),
    ...(has ? ['', `It holds ${has}.`] : []),
    '',
  ].join('\n');
}

const escaped = (text: string): string => text.replace(/\|/g, '\\|');
/** What is written in quotes in an expectation is written so in the file. */
const cell = (text: string): string => escaped(text).replace(/"([^"]+)"/g, '`"$1"`');

function byDefault(option: Option): string {
  if (option.default === undefined) return '**required**';
  if (option.absent !== undefined || option.default === null) return escaped(option.absent ?? 'none');
  return isDerived(option.default) ? escaped(option.default.words) : `\`${inline(option.default as Plain)}\``;
}

/** A table of options as a JSON Schema (draft 2020-12). */
export function tableSchema(options: Options): JsonSchema {
  const properties = Object.entries(options).map(([key, option]) => {
    const value = option.default;
    const literal = value !== undefined && value !== null && !isDerived(value) && option.is.layout === undefined;
    return [key, { ...option.is.schema(), description: option.doc, ...(literal && { default: value }) }] as const;
  });
  return {
    type: 'object',
    properties: Object.fromEntries(properties),
    required: Object.keys(options).filter((key) => options[key]?.default === undefined),
    additionalProperties: false,
  };
}

/** A plain table as TOML, laid out as its options say; `path` is the header it stands under. */
export function renderToml(
  options: Options,
  values: { readonly [key: string]: Plain },
  path: readonly string[] = [],
): string {
  const lines: string[] = [];
  const tables: string[] = [];
  for (const [key, value] of Object.entries(values)) {
    const kind: Kind<unknown> | undefined = options[key]?.is;
    const within = [...path, key];
    const all = Object.assign({}, ...(kind?.sections ?? []).map((s) => s.options)) as Options;
    if (kind?.layout === 'table')
      tables.push(`[${within.join('.')}]\n${renderToml(all, value as { readonly [key: string]: Plain }, within)}`);
    else if (kind?.layout === 'tables')
      for (const item of value as readonly { readonly [key: string]: Plain }[])
        tables.push(`[[${within.join('.')}]]\n${renderToml(all, item, within)}`);
    else lines.push(`${key} = ${inline(value)}\n`);
  }
  return [lines.join(''), ...tables].filter((part) => part !== '').join('\n');
}

/** A plain value in TOML, on one line. */
export function inline(value: Plain): string {
  if (typeof value === 'string') return quote(value);
  if (Array.isArray(value)) return `[${value.map((item: Plain) => inline(item)).join(', ')}]`;
  if (typeof value !== 'object') return String(value);
  const pairs = Object.entries(value).map(
    ([key, inner]) => `${/^[A-Za-z0-9_-]+$/.test(key) ? key : quote(key)} = ${inline(inner)}`,
  );
  return pairs.length === 0 ? '{}' : `{ ${pairs.join(', ')} }`;
}

/** A TOML basic string: JSON's escapes are a part of TOML's, which asks for DEL to be escaped too. */
const quote = (text: string): string => JSON.stringify(text).replace(/\x7f/g, '\\u007f');
