/** People are told: of a failover, of servers and of a quorum, in order, though the sink fails half of the time. */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { type Director, director } from './director.ts';
import { becomes, servicesToml, vrrpToml } from './pair.ts';
import { eventually, type Running } from './process.ts';
import { createTopology, type Server, type Topology } from './topology.ts';

type Alert = {
  seq: number;
  director: string;
  kind: string;
  summary: string;
  to?: string;
  held?: boolean;
  server?: string;
};

describe('alerts', () => {
  let lab: Topology;
  let lb1: Director;
  let hook: Running;
  let heard: string;
  before(async () => {
    lab = await createTopology({ servers: 2 });
    hook = lab.client.node(join(import.meta.dirname, 'hook.ts'), ['8080']);
    await hook.printed(/listening/);
    heard = join(lab.lb1.directory, 'heard');
    writeFileSync(heard, '');
    const script = join(lab.lb1.directory, 'tell.sh');
    writeFileSync(script, `#!/bin/sh\necho "$LVSKEEPER_KIND" "$(cat)" >>${heard}\n`, { mode: 0o755 });
    const toml = `
[[alert]]
type = "webhook"
url = "http://${lab.client.address}:8080/"

[[alert]]
type = "exec"
command = ["${script}"]
on = ["quorum"]
`;
    const [one, two] = lab.servers.map((s) => s.host.address) as [string, string];
    const web = servicesToml('nat', [one, two], 'quorum = 2').split('[[service]]').slice(0, 2).join('[[service]]');
    lb1 = await director(lab.lb1, vrrpToml(150) + web + toml);
    await becomes(lb1, 'master');
  });
  after(() => lab.close());

  const taken = (): Alert[] =>
    hook
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line));

  test('a failover, a server and a quorum are told by webhook, in order, each once it was taken', async () => {
    const [rs1] = lab.servers as [Server];
    await rs1.kill();
    await eventually('the lost quorum to be told', 30_000, () =>
      taken().some((a) => a.kind === 'quorum' && a.held === false) ? true : undefined,
    );
    await rs1.start();
    const all = await eventually('the held quorum to be told', 30_000, () =>
      taken().some((a) => a.kind === 'quorum' && a.held) ? taken() : undefined,
    );
    // A slow machine may fail a server once more; what is told must be this story all the same, from its beginning.
    const story = all.map((a) => a.to ?? (a.held ? 'held' : 'lost')).filter((what) => what !== 'up');
    assert.deepEqual(story.slice(0, 5), ['backup', 'master', 'down', 'lost', 'held']);
    const numbers = all.map((a) => a.seq);
    assert.deepEqual(
      numbers,
      [...numbers].sort((a, b) => a - b),
    );
    assert.ok(all.every((a) => a.director === 'lb1' && a.summary.length > 0));
  });

  test('an exec sink gets what it asked for, and no more', async () => {
    const lines = await eventually('both to be heard', 10_000, () => {
      const all = readFileSync(heard, 'utf8').trim().split('\n');
      return all.length >= 2 ? all : undefined;
    });
    assert.deepEqual(new Set(lines.map((line) => line.split(' ')[0])), new Set(['quorum']));
    assert.deepEqual(
      lines.slice(0, 2).map((line) => JSON.parse(line.slice('quorum '.length)).held),
      [false, true],
    );
  });
});
