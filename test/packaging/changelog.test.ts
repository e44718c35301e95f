import assert from 'node:assert/strict';
import test from 'node:test';
import { parseChangelog, renderDebianChangelog, renderRpmChangelog } from '../../packaging/changelog.ts';

const NOW = Date.UTC(2026, 10, 24, 7, 48, 57) / 1000;

const TEXT = `# Changelog

Some words about it.

## [Unreleased]

### Added

**VRRP**
- Virtual routers, and words that go on
  on the next line.
- 100 % of it.

## [0.1.0] - 2026-11-02

### Fixed

- A thing.
`;

test('what is unreleased is the entry of the next version, and each item stands below its headings', () => {
  assert.deepEqual(parseChangelog(TEXT, '0.2.0', NOW), [
    {
      version: '0.2.0',
      at: NOW,
      groups: [
        { heading: 'Added, VRRP', items: ['Virtual routers, and words that go on on the next line.', '100 % of it.'] },
      ],
    },
    { version: '0.1.0', at: Date.UTC(2026, 10, 2) / 1000, groups: [{ heading: 'Fixed', items: ['A thing.'] }] },
  ]);
});

test('what is unreleased is left out once the version has an entry', () => {
  const versions = parseChangelog(TEXT, '0.1.0', NOW).map(({ version }) => version);
  assert.deepEqual(versions, ['0.1.0']);
});

test('a version that the changelog does not speak of is refused, and a heading without a date', () => {
  assert.throws(() => parseChangelog(TEXT.replace(/^- .*\n( {2}.*\n)?/gm, ''), '0.2.0', NOW), /not of version 0\.2\.0/);
  assert.throws(() => parseChangelog(TEXT.replace(' - 2026-11-02', ''), '0.2.0', NOW), /YYYY-MM-DD/);
});

test("Debian's form", () => {
  assert.equal(
    renderDebianChangelog(parseChangelog(TEXT, '0.2.0', NOW)),
    `lvskeeper (0.2.0) unstable; urgency=medium

  [ Added, VRRP ]
  * Virtual routers, and words that go on on the next line.
  * 100 % of it.

 -- lvskeeper maintainers <maintainers@lvskeeper.example>  Tue, 24 Nov 2026 07:48:57 +0000

lvskeeper (0.1.0) unstable; urgency=medium

  [ Fixed ]
  * A thing.

 -- lvskeeper maintainers <maintainers@lvskeeper.example>  Mon, 02 Nov 2026 00:00:00 +0000
`,
  );
});

test("the RPM's form, in which a % is doubled", () => {
  assert.equal(
    renderRpmChangelog(parseChangelog(TEXT, '0.2.0', NOW)),
    `* Tue Nov 24 2026 lvskeeper maintainers <maintainers@lvskeeper.example> - 0.2.0-1
- Added, VRRP: Virtual routers, and words that go on on the next line.
- Added, VRRP: 100 %% of it.

* Mon Nov 02 2026 lvskeeper maintainers <maintainers@lvskeeper.example> - 0.1.0-1
- Fixed: A thing.
`,
  );
});

test('a long item is wrapped at 80 columns', () => {
  const text = TEXT.replace('A thing.', 'word '.repeat(40));
  const lines = renderDebianChangelog(parseChangelog(text, '0.1.0', NOW)).split('\n');
  assert.ok(lines.filter((line) => line.includes('word')).every((line) => line.length <= 80));
  assert.equal(lines.filter((line) => line.startsWith('    word')).length, 2);
});
