/**
 * The system edge against the kernel: two namespaces with a veth pair between them. What was sent is judged by the
 * receiving kernel, tcpdump, `ip` and `chrt`, not by our own reading back.
 *
 * Nothing here depends on speed: every wait ends by what it waits for, or fails after half a minute.
 */

import assert from 'node:assert/strict';
import { type ChildProcess, execFile, fork, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import test, { after, before, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ip } from '../../src/base/address.ts';
import { fromHex, toHex } from '../../src/base/bytes.ts';
import * as arp from '../../src/wire/arp.ts';
import { mac } from '../../src/wire/ethernet.ts';
import * as ndp from '../../src/wire/ndp.ts';
import type { Heard, Verbs } from './system-edge-host.ts';

const PATIENCE = 30_000;
const LEFT = `edge-a-${process.pid}`;
const RIGHT = `edge-b-${process.pid}`;
const MAC = { left: mac('02:00:00:00:0e:01'), right: mac('02:00:00:00:0e:02'), moved: mac('02:00:00:00:0e:99') };
const VRRP4 = '224.0.0.18';
const VRRP6 = 'ff02::12';
/** No advert, so that nobody could take it for one. */
const WORDS = '0011223344556677';

const run = async (...argv: string[]): Promise<string> =>
  (await promisify(execFile)(argv[0] as string, argv.slice(1))).stdout;
const inLeft = (...argv: string[]): Promise<string> => run('ip', 'netns', 'exec', LEFT, ...argv);
const inRight = (...argv: string[]): Promise<string> => run('ip', 'netns', 'exec', RIGHT, ...argv);

async function eventually<T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + PATIENCE;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await sleep(20);
  }
}

/** The program of `system-edge-host.ts` in a namespace. */
type Far = {
  readonly pid: number;
  ask<V extends keyof Verbs>(verb: V, ...args: Parameters<Verbs[V]>): ReturnType<Verbs[V]>;
  readonly heard: Heard[];
  /** The first of what it hears from now on, or has heard and was not taken yet, that fits; it is taken. */
  hear<H extends Heard>(what: string, fits: (heard: Heard) => heard is H): Promise<H>;
  end(): Promise<void>;
};

const running: Far[] = [];

async function start(namespace: string): Promise<Far> {
  const child: ChildProcess = fork(fileURLToPath(new URL('system-edge-host.ts', import.meta.url)), [], {
    execPath: 'ip',
    execArgv: ['netns', 'exec', namespace, process.execPath],
  });
  const answers = new EventEmitter();
  const heard: Heard[] = [];
  let serial = 0;
  await once(child, 'message');
  child.on('message', (message: { id: number } | { heard: Heard }) => {
    if ('heard' in message) heard.push(message.heard);
    else answers.emit(String(message.id), message);
  });
  child.once('exit', (code, signal) => {
    for (const name of answers.eventNames()) answers.emit(name, { failed: `it died: ${code ?? signal}` });
  });
  const far: Far = {
    pid: child.pid as number,
    heard,
    ask: (async (verb: string, ...args: unknown[]) => {
      const id = serial++;
      const answer = once(answers, String(id));
      child.send({ id, verb, args });
      const [{ value, failed }] = await answer;
      if (failed !== undefined) throw new Error(`${verb}: ${failed}`);
      return value;
    }) as Far['ask'],
    hear: (what, fits) =>
      eventually(what, () => {
        const found = heard.find(fits);
        if (found !== undefined) heard.splice(heard.indexOf(found), 1);
        return found;
      }),
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.disconnect();
      await once(child, 'exit');
    },
  };
  running.push(far);
  return far;
}

type Message = Extract<Heard, { message: string }>;
type Frame = Extract<Heard, { frame: string }>;
const message =
  (on: number) =>
  (heard: Heard): heard is Message =>
    'message' in heard && heard.on === on;
const error =
  (on: number) =>
  (heard: Heard): heard is Extract<Heard, { error: string }> =>
    'error' in heard && heard.on === on;

/** tcpdump's reading of what crosses the right end, from when it listens to the end of the test. */
async function capture(t: TestContext, filter: string): Promise<(pattern: RegExp) => Promise<string>> {
  const tcpdump = ['tcpdump', '-nevvl', '--immediate-mode', '-i', 'v0', ...filter.split(' ')];
  const dump = spawn('ip', ['netns', 'exec', RIGHT, ...tcpdump]);
  t.after(() => dump.kill('SIGINT'));
  let text = '';
  createInterface(dump.stdout).on('line', (line) => {
    text += `${line}\n`;
  });
  const complaints = createInterface(dump.stderr);
  await new Promise<void>((resolve) => complaints.on('line', (line) => /listening on/.test(line) && resolve()));
  return (pattern) => eventually(`tcpdump to print ${pattern}`, () => pattern.exec(text)?.[0]);
}

let left: Far;
let right: Far;

before(async () => {
  for (const namespace of [LEFT, RIGHT]) await run('ip', 'netns', 'add', namespace);
  await run(
    ...['ip', 'link', 'add', 'v0', 'address', MAC.left, 'netns', LEFT],
    ...['type', 'veth', 'peer', 'name', 'v0', 'address', MAC.right, 'netns', RIGHT],
  );
  await inLeft('ip', 'link', 'add', 'v1', 'type', 'veth', 'peer', 'name', 'v2');
  for (const [namespace, host] of [
    [LEFT, 1],
    [RIGHT, 2],
  ] as const) {
    const at = (...argv: string[]): Promise<string> => run('ip', '-n', namespace, ...argv);
    await at('link', 'set', 'lo', 'up');
    await at('address', 'add', `198.51.100.${host}/24`, 'dev', 'v0');
    await at('address', 'add', `fe80::${host}/64`, 'dev', 'v0', 'nodad');
    await at('address', 'add', `2001:db8:e::${host}/64`, 'dev', 'v0', 'nodad');
    await at('link', 'set', 'v0', 'up');
  }
  await inLeft('ip', 'address', 'add', '198.51.100.9/24', 'dev', 'v0');
  [left, right] = await Promise.all([start(LEFT), start(RIGHT)]);
});

after(async () => {
  await Promise.all(running.map((far) => far.end()));
  await Promise.allSettled([LEFT, RIGHT].map((namespace) => run('ip', 'netns', 'delete', namespace)));
  assert.doesNotMatch(await run('ip', 'netns', 'list'), new RegExp(`${LEFT}|${RIGHT}`));
});

test('a multicast datagram arrives with all that the kernel knows of it', async () => {
  const a = await left.ask('raw', 4, 'v0', [VRRP4]);
  const b = await right.ask('raw', 4, 'v0', [VRRP4]);
  const sent = await left.ask('send', a, WORDS, VRRP4);
  const heard = await right.hear('the datagram', message(b));
  const { receivedAt, ...info } = heard.info;
  assert.equal(sent.result, 'ok');
  assert.equal(heard.message, WORDS);
  assert.deepEqual(info, {
    ...{ address: '198.51.100.1', family: 'IPv4', port: 0, size: 8, destination: VRRP4, ttl: 255 },
    interfaceIndex: await right.ask('interfaceIndex', 'v0'),
  });
  // To a tenth of a millisecond: the stamp is on the wall clock, which may be slewed meanwhile.
  assert.ok(
    receivedAt >= sent.before - 0.1 && receivedAt <= heard.heardAt,
    `${sent.before} ${receivedAt} ${heard.heardAt}`,
  );
  assert.equal(left.heard.length, 0, 'the sender hears itself');
  await left.ask('close', a);
  await right.ask('close', b);
});

test('the date is that of arrival, though the process was stopped meanwhile', async () => {
  const a = await left.ask('raw', 4, 'v0', [VRRP4]);
  const b = await right.ask('raw', 4, 'v0', [VRRP4]);
  process.kill(right.pid, 'SIGSTOP');
  const sent = await left.ask('send', a, WORDS, VRRP4);
  await sleep(200);
  process.kill(right.pid, 'SIGCONT');
  const { info, heardAt } = await right.hear('the datagram', message(b));
  assert.ok(info.receivedAt <= sent.after + (heardAt - sent.after) / 2, `${sent.after} ${info.receivedAt} ${heardAt}`);
  assert.ok(heardAt >= sent.after + 150);
  await left.ask('close', a);
  await right.ask('close', b);
});

test('the source of a message is the one that was chosen', async () => {
  const a = await left.ask('raw', 4, 'v0', []);
  const b = await right.ask('raw', 4, 'v0', [VRRP4]);
  await left.ask('send', a, WORDS, { address: VRRP4, source: '198.51.100.9' });
  assert.equal((await right.hear('the multicast', message(b))).info.address, '198.51.100.9');
  await left.ask('send', a, WORDS, { address: '198.51.100.2', source: '198.51.100.9' });
  const { info } = await right.hear('the unicast', message(b));
  assert.deepEqual([info.address, info.destination, info.ttl], ['198.51.100.9', '198.51.100.2', 255]);
  const refused = await left.ask('send', a, WORDS, { address: VRRP4, source: '203.0.113.7' });
  assert.notEqual(refused.result, 'ok', 'an address that is not ours is no source');
  await left.ask('close', a);
  await right.ask('close', b);
});

test('the same over IPv6, with link-local source and hop limit', async () => {
  const a = await left.ask('raw', 6, 'v0', [VRRP6]);
  const b = await right.ask('raw', 6, 'v0', [VRRP6]);
  const sent = await left.ask('send', a, WORDS, { address: VRRP6, source: 'fe80::1' });
  assert.equal(sent.result, 'ok');
  const { message: words, info } = await right.hear('the datagram', message(b));
  const { receivedAt, ...rest } = info;
  assert.equal(words, WORDS);
  assert.deepEqual(rest, {
    ...{ address: 'fe80::1', family: 'IPv6', port: 0, size: 8, destination: VRRP6, ttl: 255 },
    interfaceIndex: await right.ask('interfaceIndex', 'v0'),
  });
  assert.ok(receivedAt >= sent.before - 0.1);
  await left.ask('send', a, WORDS, { address: '2001:db8:e::2', source: '2001:db8:e::1' });
  const unicast = await right.hear('the unicast', message(b));
  assert.deepEqual([unicast.info.address, unicast.info.ttl], ['2001:db8:e::1', 255]);
  assert.deepEqual(await left.ask('address', a), { address: '::', family: 'IPv6', port: 0 });
  await left.ask('close', a);
  await right.ask('close', b);
});

test('on the wire an advert has precedence 6, and the multicast hardware address of its group', async (t) => {
  const a = await left.ask('raw', 4, 'v0', []);
  const watched = await capture(t, 'ip proto 112');
  await left.ask('send', a, WORDS, VRRP4);
  await watched(/02:00:00:00:0e:01 > 01:00:5e:00:00:12.*tos 0xc0, ttl 255/);
  await left.ask('close', a);
});

test('a socket hears only the groups that it has joined, and no more after it has left', async () => {
  const OTHER = '224.0.0.99';
  const a = await left.ask('raw', 4, 'v0', []);
  const one = await right.ask('raw', 4, 'v0', [VRRP4]);
  const other = await right.ask('raw', 4, 'v0', [VRRP4, OTHER]);
  await left.ask('send', a, '01', OTHER);
  await left.ask('send', a, '02', VRRP4);
  assert.equal((await right.hear('the first', message(one))).message, '02');
  assert.equal((await right.hear('the first', message(other))).message, '01');
  await right.ask('leave', one, VRRP4);
  await left.ask('send', a, '03', VRRP4);
  await left.ask('send', a, '04', '198.51.100.2');
  assert.equal((await right.hear('what comes after leaving', message(one))).message, '04');
  for (const on of [one, other]) await right.ask('close', on);
  await left.ask('close', a);
  right.heard.length = 0;
});

test('a socket hears nothing of other devices', async () => {
  const a = await left.ask('raw', 4, 'v0', []);
  await inRight('ip', 'link', 'add', 'other', 'type', 'veth', 'peer', 'name', 'rehto');
  await inRight('ip', 'link', 'set', 'other', 'up');
  const onOther = await right.ask('raw', 4, 'other', [VRRP4]);
  const b = await right.ask('raw', 4, 'v0', [VRRP4]);
  await left.ask('send', a, '01', VRRP4);
  await right.hear('the datagram on its device', message(b));
  // A socket reads its own queue within the turn in which it hears; an answer is a turn later.
  await right.ask('address', onOther);
  assert.equal(right.heard.length, 0);
  for (const on of [onOther, b]) await right.ask('close', on);
  await left.ask('close', a);
  await inRight('ip', 'link', 'delete', 'other');
});

test('a burst is kept while nobody reads', async () => {
  const a = await left.ask('raw', 4, 'v0', []);
  const b = await right.ask('raw', 4, 'v0', [VRRP4]);
  process.kill(right.pid, 'SIGSTOP');
  await left.ask('burst', a, 1000, VRRP4);
  process.kill(right.pid, 'SIGCONT');
  for (let n = 0; n < 1000; n++)
    assert.equal((await right.hear(`datagram ${n}`, message(b))).message, n.toString(16).padStart(4, '0'));
  await left.ask('close', a);
  await right.ask('close', b);
});

test('a send that the kernel refuses is told, and works again when the reason is gone', async () => {
  const a = await left.ask('raw', 4, 'v0', [VRRP4]);
  const b = await right.ask('raw', 4, 'v0', [VRRP4]);
  await inLeft('ip', 'link', 'set', 'v0', 'down');
  assert.match((await left.ask('send', a, WORDS, VRRP4)).result, /^(ENETDOWN|ENETUNREACH)$/);
  await left.ask('sendUnasked', a, WORDS, VRRP4);
  assert.match((await left.hear('an error event', error(a))).error, /^(ENETDOWN|ENETUNREACH)$/);
  await inLeft('ip', 'link', 'set', 'v0', 'up');
  await eventually('the link', async () => {
    const { result } = await left.ask('send', a, WORDS, VRRP4);
    return result === 'ok' && right.heard.some(message(b)) ? true : undefined;
  });
  await left.ask('close', a);
  await right.ask('close', b);
  right.heard.length = 0;
});

test('a send by a device that has been deleted is told', async () => {
  await inLeft('ip', 'link', 'set', 'v1', 'up');
  const a = await left.ask('raw', 4, 'v1', [VRRP4]);
  await inLeft('ip', 'link', 'delete', 'v1');
  assert.match((await left.ask('send', a, WORDS, VRRP4)).result, /^(ENODEV|ENXIO|ENETUNREACH|EADDRNOTAVAIL)$/);
  await left.ask('close', a);
});

test('binding to a device that is not there is an error event', async () => {
  assert.equal(await left.ask('bindRefused', 'none-such'), 'ENODEV');
});

test('a gratuitous ARP goes out as it was made, and moves the address in the neighbour’s cache', async (t) => {
  const vip = ip('198.51.100.100');
  await inRight('ip', 'neigh', 'replace', vip, 'lladdr', MAC.right, 'dev', 'v0', 'nud', 'stale');
  const sender = await left.ask('packet', 'v0');
  const frame = arp.encode(arp.announcement(MAC.moved, vip));
  const watched = await capture(t, 'arp');
  assert.equal(await left.ask('sendFrame', sender, toHex(frame)), 'ok');
  await watched(
    /02:00:00:00:0e:99 > ff:ff:ff:ff:ff:ff, ethertype ARP.*[Rr]equest who-has 198\.51\.100\.100 .*tell 198\.51\.100\.100/,
  );
  await eventually('the cache to follow', async () =>
    (await inRight('ip', 'neigh', 'show', vip)).includes(MAC.moved) ? true : undefined,
  );
});

test('frames of one EtherType can be heard, and are again after the link was down', async () => {
  const listener = await right.ask('packet', 'v0', 0x0806);
  const sender = await left.ask('packet', 'v0');
  const frame = arp.encode(arp.probe(MAC.left, ip('198.51.100.77')));
  const isFrame = (heard: Heard): heard is Frame => 'frame' in heard && heard.frame.startsWith(toHex(frame));
  await left.ask('sendFrame', sender, toHex(frame));
  const heard = await right.hear('the frame', isFrame);
  assert.deepEqual(arp.decode(fromHex(heard.frame)), { ok: true, value: arp.probe(MAC.left, ip('198.51.100.77')) });
  assert.ok(heard.receivedAt <= heard.heardAt);

  await inRight('ip', 'link', 'set', 'v0', 'down');
  assert.equal((await right.hear('an error', error(listener))).error, 'ENETDOWN');
  await inRight('ip', 'link', 'set', 'v0', 'up');
  await eventually('a frame after the link came back', async () => {
    await left.ask('sendFrame', sender, toHex(frame));
    return right.heard.find(isFrame) && true;
  });
  await inLeft('ip', 'link', 'set', 'v0', 'down');
  assert.equal(await left.ask('sendFrame', sender, toHex(frame)), 'ENETDOWN');
  await inLeft('ip', 'link', 'set', 'v0', 'up');
});

test('a neighbour advertisement is accepted: checksum, hop limit and source are right, and the cache follows', async (t) => {
  const vip = ip('2001:db8:e::100');
  // IPv6 addresses are lost when a link goes down, as it did above.
  await inLeft('ip', 'address', 'replace', `${vip}/64`, 'dev', 'v0');
  await inRight('ip', 'address', 'replace', '2001:db8:e::2/64', 'dev', 'v0', 'nodad');
  await inRight('ip', 'neigh', 'replace', vip, 'lladdr', MAC.right, 'dev', 'v0', 'nud', 'stale');
  const interfaceIndex = await left.ask('interfaceIndex', 'v0');
  const path = { source: vip, destination: ndp.ALL_NODES, interfaceIndex };
  const hex = toHex(ndp.encode(ndp.announcement(MAC.moved, vip, true)));
  const watched = await capture(t, 'icmp6 and ip6[40]=136');
  assert.equal(await left.ask('advertise', hex, path), 'ok', 'while the address is still being checked for duplicates');
  const line = await watched(/hlim 255.*2001:db8:e::100 > ff02::1:.*\n.*02:00:00:00:0e:99/);
  assert.match(line, /\[icmp6 sum ok\]/);
  assert.match(line, /tgt is 2001:db8:e::100, Flags \[router, override\]/);
  await eventually('the cache to follow', async () =>
    (await inRight('ip', 'neigh', 'show', vip)).includes(MAC.moved) ? true : undefined,
  );
});

test('a neighbour advertisement on a link that is down is refused with a code', async () => {
  await inLeft('ip', 'link', 'add', 'v3', 'type', 'veth', 'peer', 'name', 'v4');
  const interfaceIndex = await left.ask('interfaceIndex', 'v3');
  const hex = toHex(ndp.encode(ndp.announcement(MAC.moved, ip('fe80::77'), false)));
  const result = await left.ask('advertise', hex, {
    source: ip('fe80::77'),
    destination: ndp.ALL_NODES,
    interfaceIndex,
  });
  assert.match(result, /^E[A-Z]+$/);
  await inLeft('ip', 'link', 'delete', 'v3');
});

test('a TCP connection bears its mark, its source, and its device', async (t) => {
  const listening = spawn('ip', [
    ...['netns', 'exec', RIGHT, process.execPath, '-e'],
    "require('net').createServer((s) => s.on('error', () => {})).listen(8080, () => console.log('listening'))",
  ]);
  t.after(() => listening.kill());
  await once(listening.stdout, 'data');
  const connect = (options: Parameters<Verbs['connect']>[2]): Promise<string> =>
    left.ask('connect', '198.51.100.2', 8080, options);
  assert.equal(await connect({}), 'from 198.51.100.1');
  assert.equal(await connect({ source: ip('198.51.100.9') }), 'from 198.51.100.9');
  assert.equal(await connect({ device: 'v0', source: ip('198.51.100.9'), mark: 7 }), 'from 198.51.100.9');
  assert.equal(await connect({ device: 'none-such' }), 'ENODEV');
  assert.equal(await connect({ source: ip('203.0.113.7') }), 'EADDRNOTAVAIL');

  // Only a packet with the mark meets the rule.
  await inLeft('ip', 'rule', 'add', 'fwmark', '0xfffffff7', 'unreachable');
  assert.equal(await connect({ mark: 0xfffffff7 }), 'ENETUNREACH');
  assert.equal(await connect({ mark: 8 }), 'from 198.51.100.1');
  await inLeft('ip', 'rule', 'delete', 'fwmark', '0xfffffff7');

  // Only a socket that is bound to the device meets this one, whose route has another source.
  await inLeft('ip', 'route', 'add', '198.51.100.0/24', 'dev', 'v0', 'src', '198.51.100.9', 'table', '100');
  await inLeft('ip', 'rule', 'add', 'oif', 'v0', 'table', '100');
  assert.equal(await connect({ device: 'v0' }), 'from 198.51.100.9');
  assert.equal(await connect({}), 'from 198.51.100.1');
});

test('the real-time class is set, and marked as not to be inherited', async () => {
  assert.equal(await left.ask('realTime', 50), 'fifo');
  const told = await run('chrt', '-p', String(left.pid));
  assert.match(told, /SCHED_FIFO\|SCHED_RESET_ON_FORK/);
  assert.match(told, /priority: 50/);
});

test('locked memory stays small: only touched pages are locked', async () => {
  const status = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${right.pid}/status`, 'utf8'))?.[1]);
  const resident = status('VmRSS');
  assert.equal(await right.ask('lock'), 'ok');
  assert.ok(status('VmLck') > 0, 'nothing is locked');
  assert.ok(status('VmRSS') < resident * 1.5, `${resident} kB became ${status('VmRSS')} kB`);
});
