/**
 * What the role depends on fails and comes back. One pair with a virtual router for each kind of tracked thing, so that
 * each failure moves its own router and leaves the others alone.
 */

import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { eventually, must, type Running } from '../lab/process.ts';
import {
  begin,
  claims,
  createPair,
  holds,
  masterDown,
  PATIENCE,
  type Pair,
  PRIORITY,
  skew,
  vrrpToml,
} from './directors.ts';
import { GRACE } from './scene.ts';
import { tapeTime } from './tape.ts';

const GATEWAY = '10.77.0.20';
const PORT = 8080;
const SERVICE = `
[[service]]
name = "web"
address = "10.77.0.99:80"
forward = "nat"
check = { type = "tcp", interval = "200ms", timeout = "200ms", rise = 1, fall = 1 }
server = [{ address = "10.77.0.10:${PORT}" }]
`;
/** Its time between two looks, where a kind has one. */
const OFTEN = 'interval = "200ms", timeout = "2s"';

type Row = {
  readonly name: string;
  readonly track: string;
  /** What is added to the priority while it fails; `null`: it is a fault. */
  readonly delta: number | null;
  /** What is said of it then. */
  readonly words: RegExp;
  fails(): Promise<unknown> | undefined;
  recovers(): Promise<unknown> | undefined;
};

describe('a tracked thing fails', { concurrency: 10 }, () => {
  // Others may go in, as whoever runs a script must.
  const files = mkdtempSync('/run/tracking-');
  chmodSync(files, 0o755);
  const file = (name: string): string => join(files, name);
  let pair: Pair;
  let helper: Running;
  let server: Running;

  const write = (name: string, text: string): void => writeFileSync(file(name), text);
  const client = (...argv: readonly string[]): Promise<string> => must(['ip', '-n', pair.segment.client.name, ...argv]);
  const cable = (device: string, state: 'up' | 'down') => pair.lb1.station.cable(device, state);
  function startHelper(): undefined {
    helper = pair.lb1.station.spawn([file('edge-helper'), '3600']);
  }
  /** The real server of the service, which is checked though this kernel may have no IPVS to send anybody there. */
  function startServer(): undefined {
    const program = `require('node:net').createServer((socket) => socket.on('error', () => {}).end()).listen(${PORT})`;
    server = pair.segment.client.spawn([process.execPath, '-e', program]);
  }
  /** A program that is well while its flag is there, if nobody runs it. */
  function program(name: string, mode = 0o755): string {
    write(name, `#!/bin/sh\n[ "$(id -un)" = nobody ] && [ -e ${file(name)}.flag ] || { echo no flag; exit 2; }\n`);
    chmodSync(file(name), mode);
    write(`${name}.flag`, '');
    return file(name);
  }
  const flag = {
    goes: (name: string): undefined => void rmSync(file(`${name}.flag`)),
    comes: (name: string): undefined => write(`${name}.flag`, '') as undefined,
  };

  const ROWS: readonly Row[] = [
    {
      name: 'interface-weight',
      track: 'interface = "eth1", weight = -60',
      delta: -60,
      words: /^interface eth1 (has no carrier|is down)$/,
      fails: () => cable('eth1', 'down'),
      recovers: () => cable('eth1', 'up'),
    },
    {
      name: 'interface-fault',
      track: 'interface = "eth2"',
      delta: null,
      words: /^interface eth2 (has no carrier|is down)$/,
      fails: () => cable('eth2', 'down'),
      recovers: () => cable('eth2', 'up'),
    },
    {
      name: 'script-weight',
      track: `script = ["${program('one')}"], ${OFTEN}, weight = -60`,
      delta: -60,
      words: /^script \S+\/one exited with 2: "no flag"$/,
      fails: () => flag.goes('one'),
      recovers: () => flag.comes('one'),
    },
    {
      name: 'script-fault',
      track: `script = ["${program('two')}"], ${OFTEN}`,
      delta: null,
      words: /^script \S+\/two exited with 2: "no flag"$/,
      fails: () => flag.goes('two'),
      recovers: () => flag.comes('two'),
    },
    {
      name: 'script-unsafe',
      track: `script = ["${program('three')}"], ${OFTEN}, weight = -60`,
      delta: -60,
      words: /^script \S+\/three is not run: \S+\/three can be written by everybody$/,
      fails: () => void chmodSync(file('three'), 0o757),
      recovers: () => void chmodSync(file('three'), 0o755),
    },
    {
      name: 'file',
      track: `file = "${file('number')}", weight = 2`,
      delta: -60,
      words: /^file \S+\/number holds -30$/,
      fails: () => write('number', '-30\n') as undefined,
      recovers: () => write('number', '0\n') as undefined,
    },
    {
      name: 'process',
      track: 'process = "edge-helper"',
      delta: null,
      words: /^process edge-helper does not run$/,
      fails: () => helper.stop(),
      recovers: startHelper,
    },
    {
      name: 'gateway',
      track: `gateway = "${GATEWAY}", interval = "200ms", timeout = "500ms", fall = 2, weight = -60`,
      delta: -60,
      words: new RegExp(`^gateway ${GATEWAY} has not answered \\d+ ARP requests$`),
      fails: () => client('address', 'delete', `${GATEWAY}/32`, 'dev', 'wire'),
      recovers: () => client('address', 'add', `${GATEWAY}/32`, 'dev', 'wire'),
    },
    {
      name: 'service',
      track: 'service = "web", weight = -60',
      delta: -60,
      words: /^service web has lost its quorum/,
      fails: () => server.stop(),
      recovers: startServer,
    },
  ];
  const id = (row: Row): number => 51 + ROWS.indexOf(row);
  const address = (row: Row): string => `10.77.0.${100 + ROWS.indexOf(row)}/24`;
  const toml = (priority: number, tracks: boolean): string =>
    ROWS.map((row) =>
      vrrpToml({
        ...{ name: row.name, priority, routerId: id(row), addresses: [address(row)] },
        more: tracks ? `track = [{ ${row.track} }]` : '',
      }),
    ).join('');

  before(async () => {
    write('number', '0\n');
    copyFileSync('/bin/sleep', file('edge-helper'));
    chmodSync(file('edge-helper'), 0o755);
    pair = await createPair('tracking', {
      lb1: toml(PRIORITY.lb1, true) + SERVICE,
      lb2: toml(PRIORITY.lb2, false),
      wires: 3,
    });
    startHelper();
    startServer();
    await client('address', 'add', `${GATEWAY}/32`, 'dev', 'wire');
    await begin(pair);
    await eventually('every tracked thing to be well', PATIENCE, async () => {
      const { routers } = await pair.lb1.director.status();
      return routers.every(({ tracks }) => tracks[0]?.up === true) ? true : undefined;
    });
  });
  after(() => pair.close());

  for (const row of ROWS) {
    test(row.name, async () => {
      const { lb1, lb2 } = pair;
      const { name, delta } = row;
      const where = { routerId: id(row) };
      assert.equal((await lb1.router(name)).priority, PRIORITY.lb1);

      const failed = tapeTime();
      await row.fails();
      const taken = await claims(lb2, failed, 4, id(row));
      const before = lb1.adverts({ ...where, since: failed }).filter(({ at }) => at <= taken.at);
      if (delta === null) {
        const last = before.at(-1);
        assert.equal(last?.priority, 0, 'a fault resigns');
        const took = taken.at - last.at;
        assert.ok(took <= skew(PRIORITY.lb2) + GRACE, `lb2 takes over ${took.toFixed()} ms after priority 0`);
      } else {
        const lower = before.find(({ priority }) => priority === PRIORITY.lb1 + delta);
        assert.ok(lower !== undefined, 'it advertises the lower priority');
        const took = taken.at - lower.at;
        assert.ok(took <= masterDown(PRIORITY.lb2) + GRACE, `lb2 takes over ${took.toFixed()} ms after that`);
      }
      await lb1.becomes(delta === null ? 'fault' : 'backup', name);
      await holds(lb1, [address(row)], false);
      await holds(lb2, [address(row)], true);

      const { stdout } = await lb1.lvskeeper('status', '--json');
      const router = (JSON.parse(stdout) as { routers: Awaited<ReturnType<typeof lb1.router>>[] }).routers.find(
        (one) => one.name === name,
      );
      assert.ok(router !== undefined);
      assert.equal(router.priority, PRIORITY.lb1 + (delta ?? 0), 'the effective priority');
      const [configured, part] = router.priorityParts;
      assert.deepEqual(configured, { what: 'configured', delta: PRIORITY.lb1 });
      if (delta === null) assert.match(router.cause, row.words);
      else {
        assert.equal(part?.delta, delta);
        assert.match(part.what, row.words);
      }
      const [track] = router.tracks;
      // A file's number is no failure and no health: it is a number.
      if (name !== 'file') assert.equal(track?.up, false);
      assert.match(`${track?.what} ${track?.reason}`, row.words);

      const mended = tapeTime();
      await row.recovers();
      const back = await claims(lb1, mended, 4, id(row));
      assert.equal(back.priority, PRIORITY.lb1);
      await lb1.becomes('master', name);
      await lb2.becomes('backup', name);
      await holds(lb2, [address(row)], false);
      assert.deepEqual((await lb1.router(name)).priorityParts, [{ what: 'configured', delta: PRIORITY.lb1 }]);

      const said = (await lb1.events('track')).filter(({ what }) => what === track?.what);
      if (name !== 'file') assert.deepEqual(said.map(({ up }) => up).slice(-2), [false, true], 'two events say so');
      if (name === 'script-unsafe') {
        const trouble = await lb1.told('trouble', ({ detail }) => row.words.test(detail));
        assert.equal(trouble.what, 'tracking');
      }
    });
  }
});
