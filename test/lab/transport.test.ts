/**
 * Adverts, announcements and conflict probes against the kernel: two namespaces with a veth pair between them, in both
 * families, by protocol 112 and by UDP, to a group and to a peer, with and without a macvlan.
 *
 * Nothing here depends on speed: every wait ends by what it waits for, or fails after half a minute.
 */

import assert from 'node:assert/strict';
import { type ChildProcess, execFile, fork, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';
import test, { after, before, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ip } from '../../src/base/address.ts';
import type { OnLink } from '../../src/daemon/announcer.ts';
import { type MacAddress, mac } from '../../src/wire/ethernet.ts';
import type { Heard, Verbs } from './transport-host.ts';

const PATIENCE = 30_000;
const LEFT = `way-a-${process.pid}`;
const RIGHT = `way-b-${process.pid}`;
const MAC = { left: mac('02:00:00:00:0e:01'), right: mac('02:00:00:00:0e:02'), moved: mac('02:00:00:00:0e:99') };
const VIRTUAL = mac('00:00:5e:00:01:33');
/** No advert, so that nobody could take it for one. */
const WORDS = '0011223344556677';
const PORT = 9112;

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

/** The program of `transport-host.ts` in a namespace. */
type Far = {
  ask<V extends keyof Verbs>(verb: V, ...args: Parameters<Verbs[V]>): ReturnType<Verbs[V]>;
  readonly heard: Heard[];
  /** The first packet on a transport that was not taken yet; it is taken. */
  packet(on: number): Promise<Extract<Heard, { packet: string }>>;
  end(): Promise<void>;
};

const running: Far[] = [];

async function start(namespace: string): Promise<Far> {
  const child: ChildProcess = fork(fileURLToPath(new URL('transport-host.ts', import.meta.url)), [], {
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
    heard,
    ask: (async (verb: string, ...args: unknown[]) => {
      const id = serial++;
      const answer = once(answers, String(id));
      child.send({ id, verb, args });
      const [{ value, failed }] = await answer;
      if (failed !== undefined) throw new Error(`${verb}: ${failed}`);
      return value;
    }) as Far['ask'],
    packet: (on) =>
      eventually(`a packet on transport ${on}`, () => {
        const found = heard.find((h): h is Extract<Heard, { packet: string }> => 'packet' in h && h.on === on);
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
  for (const name of ['v0', 'w0'])
    await run('ip', 'link', 'add', name, 'netns', LEFT, 'type', 'veth', 'peer', 'name', name, 'netns', RIGHT);
  for (const [namespace, host, address] of [
    [LEFT, 1, MAC.left],
    [RIGHT, 2, MAC.right],
  ] as const) {
    const at = (...argv: string[]): Promise<string> => run('ip', '-n', namespace, ...argv);
    await at('link', 'set', 'v0', 'address', address);
    await at('address', 'add', `198.51.100.${host}/24`, 'dev', 'v0');
    await at('address', 'add', `203.0.113.${host}/24`, 'dev', 'w0');
    await at('address', 'add', `fe80::${host}/64`, 'dev', 'v0', 'nodad');
    await at('address', 'add', `2001:db8:e::${host}/64`, 'dev', 'v0', 'nodad');
    for (const name of ['lo', 'v0', 'w0']) await at('link', 'set', name, 'up');
  }
  [left, right] = await Promise.all([start(LEFT), start(RIGHT)]);
});

after(async () => {
  await Promise.all(running.map((far) => far.end()));
  await Promise.allSettled([LEFT, RIGHT].map((namespace) => run('ip', 'netns', 'delete', namespace)));
});

type Way = { readonly family: 4 | 6; readonly transport: 'ip' | 'udp'; readonly port: number };
const way = (family: 4 | 6, transport: 'ip' | 'udp'): Way => ({ family, transport, port: PORT });

async function open(far: Far, device: string, how: Way, destinations: readonly string[]): Promise<number> {
  const on = await far.ask('open', device, how, destinations);
  if (typeof on === 'string') throw new Error(on);
  return on;
}

/** Family, source, the other end's, and the group; `null`: unicast. */
const WAYS: readonly (readonly [4 | 6, string, string, string | null])[] = [
  [4, '198.51.100.1', '198.51.100.2', '224.0.0.18'],
  [4, '198.51.100.1', '198.51.100.2', null],
  [6, 'fe80::1', 'fe80::2', 'ff02::12'],
  [6, 'fe80::1', 'fe80::2', null],
  [6, '2001:db8:e::1', '2001:db8:e::2', null],
];
for (const transport of ['ip', 'udp'] as const)
  for (const [family, source, other, group] of WAYS)
    test(`an advert by ${transport} from ${source} to ${group ?? other} arrives`, async () => {
      const a = await open(left, 'v0', way(family, transport), group === null ? [source] : [source, group]);
      const b = await open(right, 'v0', way(family, transport), group === null ? [other] : [other, group]);
      await left.ask('send', a, WORDS, source, group ?? other);
      const { packet, arrival } = await right.packet(b);
      const { receivedAt, ...rest } = arrival;
      assert.equal(packet, WORDS);
      assert.deepEqual(rest, {
        ...{ source, destination: group ?? other, ttl: transport === 'ip' ? 255 : null },
        interfaceIndex: await right.ask('interfaceIndex', 'v0'),
      });
      assert.ok(receivedAt > 0);
      assert.deepEqual(left.heard, [], 'the sender hears nothing of itself, and nothing is refused');
      await left.ask('close', a);
      await right.ask('close', b);
    });

test('by UDP too an advert has precedence 6 and TTL 255, to a group as to a peer', async (t) => {
  const watched = await capture(t, `udp port ${PORT}`);
  const a = await open(left, 'v0', way(4, 'udp'), ['198.51.100.1']);
  const six = await open(left, 'v0', way(6, 'udp'), ['fe80::1']);
  await left.ask('send', a, WORDS, '198.51.100.1', '224.0.0.18');
  await watched(/02:00:00:00:0e:01 > 01:00:5e:00:00:12.*tos 0xc0, ttl 255/);
  await left.ask('send', a, WORDS, '198.51.100.1', '198.51.100.2');
  await watched(/02:00:00:00:0e:01 > 02:00:00:00:0e:02.*tos 0xc0, ttl 255/);
  await left.ask('send', six, WORDS, 'fe80::1', 'ff02::12');
  await watched(/33:33:00:00:00:12.*class 0xc0.*hlim 255/);
  for (const on of [a, six]) await left.ask('close', on);
});

test('by UDP two routers on two interfaces with one group and port hear their own interface alone', async () => {
  const a = await open(left, 'v0', way(4, 'udp'), ['198.51.100.1']);
  const onV = await open(right, 'v0', way(4, 'udp'), ['198.51.100.2', '224.0.0.18']);
  const onW = await open(right, 'w0', way(4, 'udp'), ['203.0.113.2', '224.0.0.18']);
  const b = await open(left, 'w0', way(4, 'udp'), ['203.0.113.1']);
  await left.ask('send', a, '01', '198.51.100.1', '224.0.0.18');
  await left.ask('send', b, '02', '203.0.113.1', '224.0.0.18');
  assert.equal((await right.packet(onV)).packet, '01');
  assert.equal((await right.packet(onW)).packet, '02');
  assert.deepEqual(right.heard, []);
  for (const on of [onV, onW]) await right.ask('close', on);
  for (const on of [a, b]) await left.ask('close', on);
});

test('UDP needs no right at all; protocol 112 without it says so', async () => {
  const nobody = await start(LEFT);
  await nobody.ask('becomeNobody');
  const a = await open(nobody, 'v0', way(4, 'udp'), ['198.51.100.1', '224.0.0.18']);
  const b = await open(right, 'v0', way(4, 'udp'), ['198.51.100.2', '224.0.0.18']);
  await nobody.ask('send', a, '01', '198.51.100.1', '224.0.0.18');
  assert.equal((await right.packet(b)).packet, '01');
  await right.ask('send', b, '02', '198.51.100.2', '224.0.0.18');
  assert.equal((await nobody.packet(a)).packet, '02');
  assert.match(String(await nobody.ask('open', 'v0', way(4, 'ip'), [])), /EPERM/);
  assert.equal(await nobody.ask('announce', await on('198.51.100.100', MAC.left)), 'EPERM');
  assert.equal(nobody.heard.filter((h) => 'trouble' in h).length, 1, 'one clear trouble');
  await right.ask('close', b);
  await nobody.end();
});

test('a refused send is told, and works again when the reason is gone', async () => {
  const a = await open(left, 'v0', way(4, 'udp'), ['198.51.100.1']);
  const b = await open(right, 'v0', way(4, 'udp'), ['198.51.100.2', '224.0.0.18']);
  await inLeft('ip', 'link', 'set', 'v0', 'down');
  await left.ask('send', a, '01', '198.51.100.1', '224.0.0.18');
  await eventually('the refusal', () => left.heard.find((h) => 'refused' in h));
  await inLeft('ip', 'link', 'set', 'v0', 'up');
  for (const address of ['fe80::1/64', '2001:db8:e::1/64'])
    await inLeft('ip', 'address', 'replace', address, 'dev', 'v0', 'nodad');
  await eventually('the link', async () => {
    await left.ask('send', a, '02', '198.51.100.1', '224.0.0.18');
    return right.heard.some((h) => 'packet' in h && h.packet === '02') || undefined;
  });
  await left.ask('close', a);
  await right.ask('close', b);
  left.heard.length = 0;
  right.heard.length = 0;
});

for (const mode of ['private', 'bridge'] as const)
  test(`by a macvlan (${mode}) adverts have its MAC, and are heard by an end with the same MAC, once`, async (t) => {
    for (const inSpace of [inLeft, inRight]) {
      const made = inSpace(
        ...['ip', 'link', 'add', 'm0', 'link', 'v0', 'address', VIRTUAL],
        ...['type', 'macvlan', 'mode', mode],
      );
      if (
        !(await made.then(
          () => true,
          () => false,
        ))
      )
        return t.skip('this kernel has no macvlan');
      t.after(() => inSpace('ip', 'link', 'delete', 'm0'));
      await inSpace('ip', 'link', 'set', 'm0', 'addrgenmode', 'none');
      await inSpace('sh', '-c', 'for f in all m0; do echo 0 > /proc/sys/net/ipv4/conf/$f/rp_filter; done');
      await inSpace('ip', 'link', 'set', 'm0', 'up');
    }
    const watched = await capture(t, 'ip or ip6');
    for (const transport of ['ip', 'udp'] as const)
      for (const [family, source, other, group] of WAYS) {
        if (group === null) continue;
        const a = await open(left, 'm0', way(family, transport), [source]);
        const above = await open(right, 'm0', way(family, transport), [group]);
        const below = await open(right, 'v0', way(family, transport), [other, group]);
        await left.ask('send', a, WORDS, source, group);
        const where = mode === 'private' ? above : below;
        assert.equal((await right.packet(where)).arrival.source, source);
        // A packet that the other device hears too, if it did: what follows comes after it.
        const plain = await open(left, 'v0', way(family, transport), [source]);
        await left.ask('send', plain, '02', source, group);
        assert.equal((await right.packet(above)).packet, '02', 'a sender with another MAC is heard on both');
        assert.equal((await right.packet(below)).packet, '02');
        assert.deepEqual(right.heard, []);
        for (const on of [a, plain]) await left.ask('close', on);
        for (const on of [above, below]) await right.ask('close', on);
      }
    await watched(/00:00:5e:00:01:33 > 01:00:5e:00:00:12/);
    await watched(/00:00:5e:00:01:33 > 33:33:00:00:00:12/);
  });

/** An address on the interface of an end. */
async function on(address: string, at: MacAddress, end = left): Promise<OnLink> {
  const interfaceIndex = await end.ask('interfaceIndex', 'v0');
  return { address: ip(address), interface: 'v0', interfaceIndex, mac: at };
}

const forwarding = (on: '0' | '1'): Promise<string> =>
  inLeft('sh', '-c', `echo ${on} > /proc/sys/net/ipv6/conf/v0/forwarding`);

test('an announcement moves the address in the neighbour’s cache, in both families', async (t) => {
  const watched = await capture(t, 'icmp6 and ip6[40]=136');
  await forwarding('0');
  for (const address of ['198.51.100.100', '2001:db8:e::100']) {
    await inRight('ip', 'neigh', 'replace', address, 'lladdr', MAC.right, 'dev', 'v0', 'nud', 'stale');
    assert.equal(await left.ask('announce', await on(address, MAC.moved)), 'ok');
    await eventually('the cache to follow', async () =>
      (await inRight('ip', 'neigh', 'show', address)).includes(MAC.moved) ? true : undefined,
    );
  }
  await watched(/2001:db8:e::100 > ff02::1:.*Flags \[override\]/);
});

test('its router flag says whether the machine forwards IPv6', async (t) => {
  const watched = await capture(t, 'icmp6 and ip6[40]=136');
  await forwarding('1');
  const fresh = await start(LEFT);
  assert.equal(await fresh.ask('announce', await on('2001:db8:e::101', MAC.left)), 'ok');
  await watched(/tgt is 2001:db8:e::101, Flags \[router, override\]/);
  await forwarding('0');
  await fresh.end();
});

test('who has an address that we ask for is found, in both families; nobody is where nobody is, nor who announces himself', async () => {
  const addresses = ['198.51.100.2', '2001:db8:e::2', '198.51.100.3', '2001:db8:e::3'];
  const asked = await Promise.all(addresses.map((address) => on(address, MAC.left)));
  const finding = left.ask('probe', asked, ip('fe80::1'), [MAC.left]);
  // Whoever becomes master meanwhile announces it, and answered nobody.
  for (const address of ['198.51.100.3', '2001:db8:e::3'])
    assert.equal(await right.ask('announce', await on(address, MAC.right, right)), 'ok');
  const found = await finding;
  assert.deepEqual(
    [...found].sort((a, b) => a.address.localeCompare(b.address)),
    [
      { address: '198.51.100.2', interface: 'v0', mac: MAC.right },
      { address: '2001:db8:e::2', interface: 'v0', mac: MAC.right },
    ],
  );
  assert.deepEqual(left.heard, []);
});

test('our own address, and that of a director with its virtual MAC, are no conflict', async () => {
  await inRight('ip', 'link', 'set', 'v0', 'address', VIRTUAL);
  const asked = [
    await on('198.51.100.1', MAC.left),
    await on('198.51.100.2', MAC.left),
    await on('2001:db8:e::2', MAC.left),
  ];
  assert.deepEqual(await left.ask('probe', asked, ip('fe80::1'), [MAC.left]), []);
  await inRight('ip', 'link', 'set', 'v0', 'address', MAC.right);
});
