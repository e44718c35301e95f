/** CHANGELOG.md (keepachangelog.com) in the forms that packages have: deb-changelog(5) and the RPM's %changelog. */

/** Who signs the entries, and whom the packages name. */
export const MAINTAINER = 'lvskeeper maintainers <maintainers@lvskeeper.example>';

export type Entry = {
  readonly version: string;
  /** Seconds since 1970. */
  readonly at: number;
  /** Each under the heading it stood below, as `Added, VRRP`. */
  readonly groups: readonly { readonly heading: string; readonly items: readonly string[] }[];
};

/**
 * The entries, newest first. What stands under `[Unreleased]` is the entry of `version` as of `now` while that has none
 * of its own. Throws when `version` has nothing to say, or a heading has no date.
 */
export function parseChangelog(text: string, version: string, now: number): readonly Entry[] {
  const [, ...sections] = text.split(/^## /m);
  const entries = sections.flatMap((section) => {
    const [title = '', ...lines] = section.split('\n');
    const groups = parseGroups(lines);
    if (/^\[Unreleased\]/i.test(title)) {
      const released = sections.some((other) => other.startsWith(`[${version}]`));
      return released || groups.length === 0 ? [] : [{ version, at: now, groups }];
    }
    const heading = /^\[([^\]]+)\] - (\d{4}-\d\d-\d\d)/.exec(title);
    if (heading === null) throw new Error(`CHANGELOG.md: "## ${title}" is not "## [version] - YYYY-MM-DD"`);
    return [{ version: heading[1] ?? '', at: Date.parse(heading[2] ?? '') / 1000, groups }];
  });
  if (entries[0]?.version !== version) throw new Error(`CHANGELOG.md: its newest entry is not of version ${version}`);
  return entries;
}

function parseGroups(lines: readonly string[]): Entry['groups'] {
  const groups: { heading: string; items: string[] }[] = [];
  let kind = '';
  let area = '';
  for (const line of lines) {
    const heading = /^### (.+)/.exec(line)?.[1];
    const bold = /^\*\*(.+)\*\*$/.exec(line)?.[1];
    const item = /^- (.+)/.exec(line)?.[1];
    const more = /^\s+(\S.*)/.exec(line)?.[1];
    if (heading !== undefined) {
      kind = heading;
      area = '';
    } else if (bold !== undefined) area = bold;
    else if (item !== undefined) {
      const name = area === '' ? kind : `${kind}, ${area}`;
      if (groups.at(-1)?.heading !== name) groups.push({ heading: name, items: [] });
      groups.at(-1)?.items.push(item);
    } else if (more !== undefined) {
      const items = groups.at(-1)?.items;
      if (items !== undefined) items.push(`${items.pop()} ${more}`);
    }
  }
  return groups;
}

export function renderDebianChangelog(changes: readonly Entry[]): string {
  return changes
    .map(({ version, at, groups }) => {
      const body = groups.map(({ heading, items }) =>
        [`  [ ${heading} ]`, ...items.flatMap((item) => wrap(item, '  * ', '    '))].join('\n'),
      );
      const date = new Date(at * 1000).toUTCString().replace('GMT', '+0000');
      return `lvskeeper (${version}) unstable; urgency=medium\n\n${body.join('\n\n')}\n\n -- ${MAINTAINER}  ${date}\n`;
    })
    .join('\n');
}

export function renderRpmChangelog(changes: readonly Entry[]): string {
  return changes
    .map(({ version, at, groups }) => {
      const [day, date, month, year] = new Date(at * 1000).toUTCString().replace(',', '').split(' ');
      const items = groups.flatMap(({ heading, items }) =>
        items.flatMap((item) => wrap(`${heading}: ${item}`, '- ', '  ')),
      );
      return `* ${day} ${month} ${date} ${year} ${MAINTAINER} - ${version}-1\n${items.join('\n')}\n`;
    })
    .join('\n')
    .replaceAll('%', '%%');
}

/** Lines of at most 80 columns; a longer word has a line of its own. */
function wrap(text: string, first: string, rest: string): string[] {
  const lines: string[] = [];
  let line = first.trimEnd();
  for (const word of text.split(/\s+/)) {
    if (line.length + 1 + word.length > 80 && line.trim() !== first.trim()) {
      lines.push(line);
      line = rest + word;
    } else line = `${line} ${word}`;
  }
  return [...lines, line];
}
