/**
 * HAProxy as a witness of the grammar of agents: it and we ask the same agent, and say the same of its server. Where we
 * mean to differ, as the README of the check has it, both views stand here.
 *
 *   npm run lab -- test/interop/haproxy-agent.test.ts
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { accepts, createStage } from '../checkers/places.ts';
import { aim, probe } from '../checkers/row.ts';
import { agent } from '../checkers/servers.ts';
import { eventually, type Running, spawn } from '../lab/process.ts';

/** A server as traffic sees it: whether it gets new connections, its share of the weight in percent, its limit. */
type View = {
  readonly state: 'up' | 'down' | 'drain' | 'maint';
  readonly percent: number;
  readonly limit: number | null;
};

const up = (percent = 100, limit: number | null = null): View => ({ state: 'up', percent, limit });
const down: View = { ...up(), state: 'down' };
const drain = (percent = 100): View => ({ ...up(percent), state: 'drain' });
const maint: View = { ...up(), state: 'maint' };

/** `theirs`, where it is not the same: what HAProxy makes of the line. */
const LINES: readonly (readonly [line: string, ours: View, theirs?: View])[] = [
  ['up\n', up()],
  ['UP\n', up()],
  ['ready\n', up()],
  ['75%\n', up(75)],
  ['up 75%\n', up(75)],
  ['75% up\r\n', up(75)],
  ['up,75%\n', up(75)],
  ['up\t75%\n', up(75)],
  ['200%\n', up(200)],
  ['1%\n', up(1)],
  ['maxconn:30\n', up(100, 30)],
  ['up 50% maxconn:30\n', up(50, 30)],
  ['down\n', down],
  ['Down\n', down],
  ['fail\n', down],
  // A word of its manual, which HAProxy itself does not know.
  ['failed\n', down, up()],
  ['stopped\n', down],
  ['down #disk full\n', down],
  ['fail # 75% of the disk\n', down],
  ['drain\n', drain()],
  ['drain 50%\n', drain(50)],
  ['up drain\n', drain()],
  ['maint\n', maint],
  ['drain ready\n', up()],
  ['up what?\n', up()],
  // A line without a known word is a failure to us; HAProxy leaves the server as it is.
  ['hello\n', down, up()],
  ['\n', down, up()],
  ['75\n', down, up()],
  // The later of two words counts; of HAProxy's, "up".
  ['up down\n', down, down],
  ['down up\n', up(), up()],
  // A "#" that does not stand apart.
  ['down#disk full\n', down, up()],
];

const describeView = ({ state, percent, limit }: View): string =>
  [state, percent === 100 ? '' : ` ${percent} %`, limit === null ? '' : `, at most ${limit}`].join('');

describe('the grammar of agents, beside HAProxy', () => {
  const stage = createStage();
  const files = mkdtempSync('/tmp/haproxy-');
  const socket = join(files, 'stats.sock');
  let haproxy: Running;
  const ports: number[] = [];

  before(async () => {
    for (const [line] of LINES) ports.push(Number((await stage.place(accepts(agent(line)))).port));
    const servers = ports.map(
      (port, i) => `  server s${i} 127.0.0.1:${port} weight 100 agent-check agent-port ${port} agent-inter 100ms`,
    );
    writeFileSync(
      join(files, 'haproxy.cfg'),
      `global\n  stats socket ${socket} level admin\ndefaults\n  mode tcp\n  timeout connect 1s\n  timeout client 1s\n  timeout server 1s\n` +
        `backend agents\n  balance roundrobin\n${servers.join('\n')}\n`,
    );
    haproxy = spawn(
      ['haproxy', '-db', '-f', join(files, 'haproxy.cfg')],
      join(process.env.LAB_OUT ?? files, 'haproxy.log'),
    );
  });
  after(async () => {
    await haproxy.stop();
    stage.end();
    rmSync(files, { recursive: true });
  });

  test('HAProxy has asked every agent', async () => {
    await eventually('every agent to be asked', 20_000, async () => {
      if (haproxy.exit !== null) throw new Error(haproxy.output());
      const rows = await stats(socket).catch(() => []);
      // `*`: being asked for the first time.
      const asked = rows.filter(
        ({ agent_status: status = '' }) => status !== '' && !status.startsWith('*') && status !== 'INI',
      );
      return asked.length === LINES.length ? true : undefined;
    });
  });

  for (const [i, [line, ours, theirs = ours]] of LINES.entries()) {
    test(`${JSON.stringify(line)}: ${describeView(ours)}${theirs === ours ? '' : `, to HAProxy ${describeView(theirs)}`}`, async () => {
      const place = { port: ports[i] as number };
      const { outcome, advice } = await probe(aim('type = "agent"\nport = {port}', place, '10s'));
      const { mode, weight, maxConnections = null } = advice ?? {};
      const state =
        outcome === 'up' && (mode === 'drain' || mode === 'maint') ? mode : outcome === 'up' ? 'up' : 'down';
      const percent = weight !== undefined && 'percent' in weight ? weight.percent : 100;
      assert.deepEqual({ state, percent, limit: maxConnections }, ours);
      const row = (await stats(socket)).find(({ svname }) => svname === `s${i}`);
      assert.deepEqual(viewOf(row ?? {}), theirs, JSON.stringify(row));
    });
  }
});

type Stats = Readonly<Record<string, string>>;

/** As `show stat` has it (HAProxy's management guide, 9.1). A server that drains has weight 0 there: its own is `uweight`. */
function viewOf({ status = '', uweight = '', slim = '' }: Stats): View {
  const state = /^(UP|no check)/.test(status)
    ? 'up'
    : /^DRAIN/.test(status)
      ? 'drain'
      : /^MAINT/.test(status)
        ? 'maint'
        : 'down';
  return { state, percent: Number(uweight), limit: slim === '' ? null : Number(slim) };
}

/** Every server, by the names of the columns. */
async function stats(path: string): Promise<readonly Stats[]> {
  const socket = net.connect(path);
  socket.end('show stat\n');
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  const [names = '', ...lines] = Buffer.concat(chunks).toString().trim().split('\n');
  const columns = names.replace(/^# /, '').split(',');
  return lines
    .map((line): Stats => Object.fromEntries(line.split(',').map((value, i) => [columns[i], value])))
    .filter(({ svname = '' }) => /^s\d/.test(svname));
}
