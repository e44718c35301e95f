/**
 * The language by example: each file in `test/golden/config/` holds cases, parted by `====`. A case is a document, a rule
 * `----`, and what comes of it: the issues, one a line, then, when none is an error, the effective config with every default
 * written out. `UPDATE=1` writes what comes of it; the difference is the review.
 */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { say as sayOption } from '../../../src/base/option-say.ts';
import { formatIssue, load } from '../../../src/config/load.ts';
import { decodeUtf8 } from '../../../src/config/place.ts';
import { renderConfig } from '../../../src/config/reference.ts';
import { say } from '../../../src/config/say.ts';
import { sayDatagram } from '../../../src/config/say-datagram.ts';
import { sayDiscovery } from '../../../src/config/say-discovery.ts';
import { sayIpvs } from '../../../src/config/say-ipvs.ts';
import { sayPool } from '../../../src/config/say-pool.ts';
import { sayVrrp } from '../../../src/config/say-vrrp.ts';

const folder = new URL('../../golden/config', import.meta.url).pathname;

/** Names of the sentences that were said. */
const said = new Set<string>();
listen('option', sayOption);
listen('config', say);
listen('vrrp', sayVrrp);
listen('ipvs', sayIpvs);
listen('pool', sayPool);
listen('discovery', sayDiscovery);
listen('datagram', sayDatagram);

function listen(group: string, sentences: Record<string, (...details: never[]) => string>): void {
  for (const [name, sentence] of Object.entries(sentences))
    sentences[name] = (...details) => {
      said.add(`${group} ${name}`);
      return sentence(...details);
    };
}

for (const name of readdirSync(folder).filter((f) => f.endsWith('.toml'))) {
  test(`golden ${name}`, () => {
    const file = join(folder, name);
    const cases = readFileSync(file, 'utf8')
      .split(/^====\n/m)
      .map((text) => text.split(/^----\n/m) as [string, string | undefined]);
    const actual = cases.map(([input]) => `${input}----\n${outcome(input)}`).join('====\n');
    if (process.env.UPDATE) writeFileSync(file, actual);
    assert.equal(actual, readFileSync(file, 'utf8'));
  });
}

function outcome(input: string): string {
  const { config, issues } = load(input, { hostName: 'host.example.net' });
  const lines = issues.map((issue) => `${formatIssue('f', issue)}\n`).join('');
  if (config === null) return lines;
  const effective = renderConfig(config);
  const again = load(effective, { hostName: 'another' });
  assert.deepEqual(again.config, config, 'the effective config loads to the same config');
  return `${lines}${lines === '' ? '' : '\n'}${effective}`;
}

test('a file that is no UTF-8 is told with the place of the byte', () => {
  const bytes = Buffer.concat([Buffer.from('a = 1\nb = "\u{1F600}é'), Buffer.from([0xe9]), Buffer.from('"\n')]);
  const { error } = decodeUtf8(bytes) as Extract<ReturnType<typeof decodeUtf8>, { ok: false }>;
  assert.equal(formatIssue('f', error), 'f:2:8: a byte that is no UTF-8, expected a file in UTF-8');
});

after(() => {
  const all = [
    ...Object.keys(sayOption).map((n) => `option ${n}`),
    ...Object.keys(say).map((n) => `config ${n}`),
    ...Object.keys(sayVrrp).map((n) => `vrrp ${n}`),
    ...Object.keys(sayIpvs).map((n) => `ipvs ${n}`),
    ...Object.keys(sayPool).map((n) => `pool ${n}`),
    ...Object.keys(sayDatagram).map((n) => `datagram ${n}`),
    ...Object.keys(sayDiscovery).map((n) => `discovery ${n}`),
  ];
  assert.deepEqual(
    all.filter((sentence) => !said.has(sentence)),
    [],
    'every sentence of the language is in a golden file',
  );
});
