/**
 * Processes of the master are killed or put to sleep. Whatever dies, somebody goes on with the role within the protocol's
 * own time, and the addresses are never for long on two machines.
 */

import assert from 'node:assert/strict';
import { cpSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, killAll } from '../lab/process.ts';
import {
  claims,
  createPair,
  goneAt,
  holds,
  isRealTime,
  type Member,
  masterDown,
  monitor,
  PATIENCE,
  type Pair,
  PRIORITY,
  reigning,
  skew,
  standBy,
  startPair,
  vrrpToml,
} from './directors.ts';
import { assertOneMaster } from './reigns.ts';
import { CROSSING, GRACE } from './scene.ts';
import { INTERVAL, VIP4, VIP6 } from './settings.ts';
import { type Advert, type Family, tapeTime } from './tape.ts';

const BOTH = [VIP4, ...VIP6];

const SLOW = 2 * INTERVAL;
/** Longer than elsewhere: the supervisor, no real-time process, has its part to do within the protocol's time. */
const SLOWER = 5 * INTERVAL;
/** How long a process that stands by may need until its first advert. */
const SWITCH = GRACE;

/**
 * How long addresses outlive the last advert: by `src/vrrp/timing.ts` a second more than four intervals, in whole ones, which
 * a kernel counts that looks now and then.
 */
const LEASE = 1000 * (Math.ceil((4 * SLOW) / 1000) + 1) + 1500;

const toml = (priority: number, more = '', addresses: readonly string[] = BOTH, interval = SLOW): string =>
  vrrpToml({ priority, interval, addresses, more });
const pairOf = (more = '', addresses = BOTH, interval = SLOW) => ({
  lb1: toml(PRIORITY.lb1, more, addresses, interval),
  lb2: toml(PRIORITY.lb2, more, addresses, interval),
});

/** The longest silence in a row of adverts. */
const longestGap = (adverts: readonly Advert[]): number =>
  Math.max(...adverts.slice(1).map(({ at }, i) => at - (adverts[i]?.at ?? at)));

async function told(pair: Pair, story: () => Promise<void>): Promise<void> {
  try {
    await story();
  } finally {
    await pair.close();
  }
}

/** Of each virtual router on the wire. */
function oneMaster({ tape }: Pair, families: readonly Family[], allowed = CROSSING): void {
  for (const family of families)
    assertOneMaster(
      tape.adverts().filter((one) => one.family === family),
      allowed,
    );
}

/** As a service manager does it. */
async function killedAndStarted(one: Member): Promise<[]> {
  one.director.process.kill('SIGKILL');
  await one.start();
  return [];
}

/** The folder of a bundle that may be damaged. */
function ownCopy({ station }: Member): string {
  const bundle = join(station.directory, 'dist');
  const checkout = join(import.meta.dirname, '../..');
  cpSync(join(checkout, 'dist'), bundle, { recursive: true });
  symlinkSync(join(checkout, 'node_modules'), join(station.directory, 'node_modules'));
  return bundle;
}

describe('hard to kill', { concurrency: 8 }, () => {
  test('kill -9 of the vrrp process: the one that stands by goes on, and no address ever leaves', async () => {
    const pair = await startPair('kill vrrp', pairOf());
    await told(pair, async () => {
      const { lb1, lb2 } = pair;
      const { running, ready } = await standBy(lb1);
      const watch = await monitor(lb1);
      const killed = tapeTime();
      killAll([running]);
      for (const family of [4, 6] as const) await claims(lb1, killed, family);
      await lb1.told('process', ({ what, detail }) => what === 'started' && detail.includes('stood by'));
      // So long that lb2 would have claimed the role if it could.
      await sleep(masterDown(PRIORITY.lb2, SLOW) + GRACE);
      assert.equal(await lb1.director.pid('vrrp'), ready);
      assert.deepEqual(
        (await watch.stop()).filter(({ gone }) => gone),
        [],
      );
      for (const family of [4, 6] as const) {
        const gap = longestGap(lb1.adverts({ family, since: killed - SLOW - 50 }));
        assert.ok(gap <= SLOW + SWITCH, `IPv${family}: no advert for ${gap.toFixed()} ms`);
        assert.deepEqual(lb2.adverts({ family, since: killed }), [], 'lb2 never claims the role');
        assert.ok(lb1.adverts({ family, since: killed }).every(({ priority }) => priority === PRIORITY.lb1));
        const router = await lb1.router('edge', family);
        assert.equal(router.state, 'master');
        assert.match(router.cause, /restarted as master/);
      }
      assert.equal((await lb1.director.status()).processes.find(({ name }) => name === 'vrrp')?.restarts, 1);
      // And the next one stands by again.
      await standBy(lb1);
    });
  });

  /** What is left of the file that a vrrp process starts from. */
  const UNSTARTABLE = {
    'that ends at once': 'process.exit(3);\n',
    'that hangs': 'setInterval(() => {}, 1000);\n',
    'that is gone': null,
  } as const;
  const KEY = `hex:${'5a'.repeat(32)}\n`;

  for (const { name, addresses, families, entry, hmac } of [
    { name: 'IPv4', addresses: [VIP4], families: [4], entry: 'that ends at once', hmac: false },
    { name: 'IPv6', addresses: VIP6, families: [6], entry: 'that hangs', hmac: false },
    { name: 'both, signed', addresses: BOTH, families: [4, 6], entry: 'that is gone', hmac: true },
  ] as const) {
    test(`${name}: kill -9 of vrrp and its stand-by, with a program ${entry}: the supervisor hands over`, async () => {
      const signed = 'auth = { type = "hmac", keys = [{ id = 1, file = "/run/hard-to-kill.key" }] }';
      if (hmac) writeFileSync('/run/hard-to-kill.key', KEY, { mode: 0o600 });
      const pair = await createPair(`hand over ${name}`, pairOf(hmac ? signed : '', [...addresses], SLOWER));
      await told(pair, async () => {
        const { lb1, lb2 } = pair;
        const bundle = ownCopy(lb1);
        await Promise.all([lb1.start({ bundle: join(bundle, 'lvskeeper.js') }), lb2.start()]);
        await reigning(pair);
        const { running, ready } = await standBy(lb1);
        const watch = await monitor(lb1);
        const program = join(bundle, 'vrrp.js');
        renameSync(program, `${program}.good`);
        if (UNSTARTABLE[entry] !== null) writeFileSync(program, UNSTARTABLE[entry]);

        const killed = tapeTime();
        killAll([ready, running]);
        await lb2.becomes('master');
        await holds(lb2, addresses, true);
        await holds(lb1, addresses, false);
        for (const family of families) {
          const last = lb1.adverts({ family }).at(-1);
          const before = lb1.adverts({ family }).at(-2);
          assert.ok(last !== undefined && before !== undefined && last.at >= killed);
          assert.equal(last.priority, 0, `the last word of lb1 on IPv${family} is that it resigns`);
          const waited = last.at - before.at;
          assert.ok(waited < masterDown(PRIORITY.lb2, SLOWER), `priority 0 after ${waited.toFixed()} ms of silence`);
          const taken = await claims(lb2, killed, family);
          const took = taken.at - last.at;
          assert.ok(
            took >= 0 && took <= skew(PRIORITY.lb2, SLOWER) + GRACE,
            `lb2 claims ${took.toFixed()} ms after it`,
          );
          const own = addresses.filter((one) => one.includes(':') === (family === 6));
          const gone = goneAt(watch.changes(), own, killed);
          assert.ok(gone !== undefined && gone <= taken.at + CROSSING, `${own} went at ${gone}, taken at ${taken.at}`);
          const event = await lb1.told('vrrp', (one) => one.to === 'init' && one.family === family);
          assert.match(event.cause, /the supervisor has handed over/);
        }
        // What had died can be started again: the higher priority takes the role back, once.
        rmSync(program, { force: true });
        renameSync(`${program}.good`, program);
        const hung = await lb1.director.status();
        killAll(hung.processes.flatMap((one) => (one.name === 'vrrp' && one.pid !== null ? [one.pid] : [])));
        await lb1.becomes('master');
        await lb2.becomes('backup');
        await holds(lb2, addresses, false);
        assert.deepEqual(await lb1.held(addresses), addresses);
        assert.ok(lb2.adverts({ family: families[0] }).every(({ priority }) => priority > 0));
        oneMaster(pair, families);
      });
    });
  }

  for (const { name, again } of [
    { name: 'restarted by its verb', again: async ({ lvskeeper }: Member) => [await lvskeeper('restart')] },
    { name: 'killed with all its processes and started at once', again: killedAndStarted },
  ])
    test(`the whole daemon, ${name}, goes on as master, and no address ever leaves`, async () => {
      const pair = await startPair('restart', pairOf('', BOTH, SLOWER));
      await told(pair, async () => {
        const { lb1, lb2 } = pair;
        const watch = await monitor(lb1);
        const before = await lb1.director.status();
        const began = tapeTime();
        for (const { code, stdout, stderr } of await again(lb1)) {
          assert.equal(code, 0, stderr);
          assert.match(stdout, /^restarted in .*\n2 virtual routers are what they were\n$/);
        }
        for (const family of [4, 6] as const) await claims(lb1, began + SLOWER / 2, family);
        await lb1.becomes('master');
        // So long that lb2 would have claimed the role if it could.
        await sleep(masterDown(PRIORITY.lb2, SLOWER) + GRACE);
        const after = await lb1.director.status();
        assert.notEqual(after.started, before.started);
        for (const router of after.routers) assert.match(router.cause, /restarted as master/);
        assert.deepEqual(
          (await watch.stop()).filter(({ gone }) => gone),
          [],
        );
        for (const family of [4, 6] as const) {
          assert.deepEqual(lb2.adverts({ family, since: began }), [], 'lb2 never claims the role');
          assert.ok(lb1.adverts({ family, since: began }).every(({ priority }) => priority === PRIORITY.lb1));
        }
        // The processes of the one before are gone, and nobody is left to be reaped.
        const pid = after.processes.find((one) => one.name === 'supervisor')?.pid;
        const states = await lb1.station.must(['ps', '-o', 'stat=', '--ppid', String(pid)]);
        assert.doesNotMatch(states, /Z/);
      });
    });

  test('restarted with intervals too short for that, it hands over first, and takes the role back', async () => {
    const pair = await startPair('restart fast', pairOf('', [VIP4], INTERVAL));
    await told(pair, async () => {
      const { lb1, lb2 } = pair;
      const began = tapeTime();
      assert.equal((await lb1.lvskeeper('restart')).code, 0);
      const taken = await claims(lb2, began);
      const last = lb1.adverts().findLast(({ at }) => at < taken.at);
      assert.equal(last?.priority, 0);
      assert.ok(taken.at - last.at <= skew(PRIORITY.lb2, INTERVAL) + GRACE);
      await lb1.becomes('master');
      await lb2.becomes('backup');
      await holds(lb2, [VIP4], false);
      oneMaster(pair, [4]);
    });
  });

  test('a restart with a file that has an error is refused, and nothing happens', async () => {
    const pair = await startPair('restart refused', { lb1: toml(PRIORITY.lb1) });
    await told(pair, async () => {
      const { lb1 } = pair;
      const before = await lb1.director.status();
      writeFileSync(before.config.file, 'nonsense = 1\n');
      const { code, stdout, stderr } = await lb1.lvskeeper('restart');
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr, /lvskeeper\.toml:1:1: .*nonsense.*\nrestart refused: /);
      await sleep(SLOW);
      const { processes } = await lb1.director.status();
      assert.deepEqual(
        processes.map(({ pid }) => pid),
        before.processes.map(({ pid }) => pid),
      );
    });
  });

  test('a restart is refused when the program that is installed now cannot start, and nothing happens', async () => {
    const pair = await createPair('restart broken', { lb1: toml(PRIORITY.lb1) });
    await told(pair, async () => {
      const { lb1 } = pair;
      const program = join(ownCopy(lb1), 'lvskeeper.js');
      await lb1.start({ bundle: program });
      const before = await lb1.director.status();
      writeFileSync(program, "console.error('this is no program'); process.exit(1);\n");
      const { code, stderr } = await lb1.lvskeeper('restart');
      assert.equal(code, 1);
      assert.match(stderr, /restart refused: .*this is no program/);
      assert.equal((await lb1.director.status()).started, before.started);
    });
  });

  test('a stop that comes during a restart is a stop: the role is handed over', async () => {
    const pair = await startPair('stop in restart', pairOf('', [VIP4], SLOWER));
    await told(pair, async () => {
      const { lb1, lb2 } = pair;
      const began = tapeTime();
      await lb1.director.control('/restart', ['-X', 'POST']);
      assert.deepEqual(await lb1.director.process.stop(), { code: 0, signal: null });
      const taken = await claims(lb2, began);
      const last = lb1.adverts().at(-1);
      assert.equal(last?.priority, 0);
      assert.ok(taken.at - last.at <= skew(PRIORITY.lb2, SLOWER) + GRACE);
      assert.deepEqual(await lb1.held([VIP4]), []);
    });
  });

  test('a restart in the moment after a take-over keeps the role too', async () => {
    const pair = await createPair('restart at once', { lb1: toml(PRIORITY.lb1, '', [VIP4], SLOWER) });
    await told(pair, async () => {
      const { lb1 } = pair;
      await lb1.start();
      const watch = await monitor(lb1);
      await claims(lb1, 0);
      await holds(lb1, [VIP4], true);
      const { code, stderr } = await lb1.lvskeeper('restart');
      assert.equal(code, 0, stderr);
      assert.match((await lb1.router()).cause, /restarted as master/);
      assert.deepEqual(
        (await watch.stop()).filter(({ gone }) => gone),
        [],
      );
    });
  });

  test('a restart while the vrrp process is dead hands over what nobody would resume in time', async () => {
    const pair = await createPair('restart dead', pairOf('', [VIP4], INTERVAL));
    await told(pair, async () => {
      const { lb1, lb2 } = pair;
      const bundle = ownCopy(lb1);
      await Promise.all([lb1.start({ bundle: join(bundle, 'lvskeeper.js') }), lb2.start()]);
      await reigning(pair);
      const { running, ready } = await standBy(lb1);
      rmSync(join(bundle, 'vrrp.js'));
      const watch = await monitor(lb1);
      const killed = tapeTime();
      killAll([ready, running]);
      const answer = JSON.parse(await lb1.director.control('/restart', ['-X', 'POST']));
      assert.equal(answer.outcome, 'restarting', answer.detail);
      const taken = await claims(lb2, killed);
      await holds(lb1, [VIP4], false);
      const gone = goneAt(watch.changes(), [VIP4], killed) ?? Number.POSITIVE_INFINITY;
      assert.ok(gone <= taken.at + CROSSING, `they are on both for ${(gone - taken.at).toFixed()} ms`);
    });
  });

  test('kill -9 of the supervisor: all of it ends, the kernel drops the addresses, and the peer has them alone', async () => {
    const pair = await startPair('kill supervisor', pairOf());
    await told(pair, async () => {
      const { lb1, lb2 } = pair;
      await standBy(lb1);
      const watch = await monitor(lb1);
      lb1.director.process.kill('SIGKILL');
      await eventually('its children to end', PATIENCE, () =>
        lb1.station.processes().some(({ command }) => command.includes('dist/')) ? undefined : true,
      );
      await lb2.becomes('master');
      const last = Math.max(...[4, 6].map((family) => lb1.adverts({ family: family as Family }).at(-1)?.at ?? 0));
      for (const family of [4, 6] as const) {
        const silent = (await claims(lb2, 0, family)).at - (lb1.adverts({ family }).at(-1)?.at ?? 0);
        // A member of a group that is ready waits for the others.
        assert.ok(silent <= masterDown(PRIORITY.lb2, SLOW) + SLOW + GRACE, `lb2 waits for ${silent.toFixed()} ms`);
        assert.ok(lb1.adverts({ family }).every(({ priority }) => priority > 0));
      }
      await holds(lb1, BOTH, false);
      const lives = (goneAt(watch.changes(), BOTH, last) ?? Number.POSITIVE_INFINITY) - last;
      assert.ok(lives <= LEASE, `they outlive the last advert by ${lives.toFixed()} ms`);
      assert.deepEqual(await lb2.held(BOTH), BOTH, 'lb2 alone has them');
      const renewed = (await watch.stop()).filter(
        ({ at, gone, what }) => at > last + CROSSING && !gone && BOTH.some((one) => what.includes(` ${one} `)),
      );
      assert.deepEqual(renewed, [], 'nobody keeps them there');
      // Started again it is no master that goes on: somebody else has the role.
      await lb1.start();
      await lb1.becomes('master');
      await lb2.becomes('backup');
      assert.ok((await lb1.events('vrrp')).some(({ from, to }) => from === 'init' && to === 'backup'));
      await holds(lb2, BOTH, false);
      oneMaster(pair, [4, 6]);
    });
  });

  /** A thing that does not matter, so that there is a checker process. */
  const WATCHED = 'track = [{ process = "nobody-runs-this", weight = -1 }]';
  /** Of /proc/PID/status: what is locked, in KiB. */
  const lockedOf = (pid: number): number =>
    Number(/^VmLck:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

  test('its processes run as they must: the vrrp process, and who stands by for it, in real time and in locked memory', async () => {
    const pair = await createPair('flags', { lb1: toml(PRIORITY.lb1, WATCHED) });
    await told(pair, async () => {
      const { lb1 } = pair;
      await lb1.start();
      const { running, ready } = await standBy(lb1);
      const checker = await lb1.director.pid('checker');
      const commandOf = (wanted: number) => lb1.station.processes().find(({ pid }) => pid === wanted)?.command ?? '';
      for (const pid of [running, ready]) {
        assert.match(commandOf(pid), / --single-threaded --max-semi-space-size=1 \S+\/vrrp\.js$/);
        assert.deepEqual([isRealTime(pid), lockedOf(pid) > 1000], [true, true]);
      }
      assert.match(
        commandOf(checker),
        / --max-semi-space-size=1 --enable-experimental-regexp-engine \S+\/checker\.js$/,
      );
      assert.deepEqual([isRealTime(checker), lockedOf(checker)], [false, 0]);
      assert.deepEqual(await lb1.events('trouble'), []);
    });
  });

  test('where neither is permitted, that is told, and the director works', async () => {
    const rights = '-sys_nice,-ipc_lock';
    const limits = ['prlimit', '--rtprio=0:0', '--memlock=0:0'];
    const prefix = [...limits, 'setpriv', `--bounding-set=${rights}`, `--inh-caps=${rights}`];
    const pair = await startPair('no rights', { ...pairOf('', [VIP4], SLOWER), how: { prefix } });
    await told(pair, async () => {
      const { lb1, lb2 } = pair;
      const pid = await lb1.director.pid('vrrp');
      assert.deepEqual([isRealTime(pid), lockedOf(pid)], [false, 0]);
      for (const [what, need] of [
        ['no real-time priority', /CAP_SYS_NICE or RLIMIT_RTPRIO/],
        ['memory is not locked', /CAP_IPC_LOCK or RLIMIT_MEMLOCK/],
      ] as const) {
        const { severity, detail } = await lb1.told('trouble', (one) => one.what === what);
        assert.equal(severity, 'warning');
        assert.match(detail, need);
      }
      const stopped = tapeTime();
      await lb1.director.stop();
      const taken = await claims(lb2, stopped);
      assert.equal(lb1.adverts().at(-1)?.priority, 0);
      assert.ok(taken.at - stopped <= skew(PRIORITY.lb2, SLOWER) + GRACE);
      await holds(lb2, [VIP4], true);
      assert.deepEqual(await lb1.held([VIP4]), []);
    });
  });

  /** Of the supervisor: how long it waits for a process that is to end. */
  const END_WITHIN = 3000;
  /** So long that no peer gives a master up meanwhile. */
  const PATIENT = 2000;
  const to = (own: number, other: number): string => `source = "10.77.0.${own}"\npeers = ["10.77.0.${other}"]\n`;
  const UDP = 'transport = "udp"\nauth = { type = "hmac", keys = [{ id = 1, file = "/run/hard-to-kill.key" }] }\n';

  for (const { name, addresses, ways, transport } of [
    { name: 'multicast', addresses: BOTH, ways: ['', ''], transport: '' },
    { name: 'unicast', addresses: [VIP4], ways: [to(11, 12), to(12, 11)], transport: '' },
    { name: 'unicast in UDP', addresses: [VIP4], ways: [to(11, 12), to(12, 11)], transport: UDP },
  ] as const)
    test(`stopped while its vrrp process hangs: the supervisor hands over in its place, by ${name}`, async () => {
      writeFileSync('/run/hard-to-kill.key', KEY, { mode: 0o600 });
      const pair = await startPair(`hung ${name}`, {
        lb1: toml(PRIORITY.lb1, transport + ways[0], addresses, PATIENT),
        lb2: toml(PRIORITY.lb2, transport + ways[1], addresses, PATIENT),
      });
      await told(pair, async () => {
        const { lb1, lb2 } = pair;
        process.kill(await lb1.director.pid('vrrp'), 'SIGSTOP');
        const stopped = Date.now();
        await lb1.director.stop();
        assert.deepEqual(await lb1.held(addresses), []);
        await lb2.becomes('master');
        await holds(lb2, addresses, true);
        for (const { family, counters } of (await lb2.director.status()).routers) {
          assert.equal(counters.priorityZeroReceived, 1, `IPv${family}: it is told`);
          const { time } = await lb2.told('vrrp', (one) => one.to === 'master' && one.family === family);
          const took = Date.parse(time) - stopped;
          assert.ok(took <= END_WITHIN + skew(PRIORITY.lb2, PATIENT) + GRACE, `IPv${family}: after ${took} ms`);
        }
        if (transport === '') oneMaster(pair, addresses === BOTH ? [4, 6] : [4]);
      });
    });

  describe('the vrrp process of the master sleeps', { concurrency: false }, () => {
    let pair: Pair;
    before(async () => {
      pair = await startPair('sleep', pairOf('', [VIP4]));
    });
    after(() => pair.close());

    /** It sleeps meanwhile; gives when it began and when it ended. */
    async function sleeper(meanwhile: (stopped: number) => Promise<unknown>) {
      const pid = await pair.lb1.director.pid('vrrp');
      const stopped = tapeTime();
      process.kill(pid, 'SIGSTOP');
      await meanwhile(stopped);
      const woken = tapeTime();
      process.kill(pid, 'SIGCONT');
      return { stopped, woken };
    }

    test('shorter than the peer’s patience: it goes on', async () => {
      const { lb1, lb2 } = pair;
      const watch = await monitor(lb1);
      const { stopped, woken } = await sleeper(() => sleep(1.5 * SLOW));
      await claims(lb1, woken);
      await sleep(masterDown(PRIORITY.lb2, SLOW) + GRACE);
      assert.deepEqual(lb2.adverts({ since: stopped }), []);
      assert.deepEqual(
        (await watch.stop()).filter(({ gone }) => gone),
        [],
      );
      assert.equal((await lb1.router()).counters.becameMaster, 1);
    });

    for (const { name, until, kept } of [
      { name: 'until the peer has taken over', until: (stopped: number) => claims(pair.lb2, stopped), kept: 1 },
      { name: 'until the kernel has dropped its addresses', until: () => holds(pair.lb1, [VIP4], false), kept: 0 },
    ]) {
      test(`${name}: it hears that, gives way at once, and comes back as anybody would`, async () => {
        const { lb1, lb2 } = pair;
        const watch = await monitor(lb1);
        const { stopped, woken } = await sleeper(async (since) => {
          await until(since);
          assert.equal((await lb1.held([VIP4])).length, kept, 'what its kernel has when it wakes up');
        });
        const taken = (await claims(lb2, stopped)).at;
        const silent = taken - (lb1.adverts().findLast(({ at }) => at < taken)?.at ?? 0);
        assert.ok(silent <= masterDown(PRIORITY.lb2, SLOW) + GRACE, `lb2 waits ${silent.toFixed()} ms`);

        const slept = ({ to, cause }: { to: string; cause: string }) => to === 'backup' && /slept too long/.test(cause);
        await lb1.told('vrrp', (event) => slept(event) && Date.parse(event.time) >= Math.floor(woken));
        const dropped = goneAt(watch.changes(), [VIP4], stopped) ?? Number.POSITIVE_INFINITY;
        assert.ok(dropped <= woken + CROSSING, `it lets go ${(dropped - woken).toFixed()} ms after it woke up`);
        await lb1.becomes('master');
        await lb2.becomes('backup');
        const [first] = lb1.adverts({ since: woken });
        // What came while it slept counts as heard, and nothing but the lower priority has been heard since `taken`.
        const listened = (first?.at ?? 0) - taken;
        assert.ok(listened >= masterDown(PRIORITY.lb1, SLOW) - 30, `it speaks ${listened.toFixed()} ms after lb2 did`);
        await holds(lb1, [VIP4], true);
        const back = (await watch.stop()).find(
          ({ at, gone, what }) => at > woken && !gone && what.includes(` ${VIP4} `),
        );
        assert.ok((back?.at ?? 0) >= (first?.at ?? 0) - 1, 'it has no address before it advertises it');
        oneMaster(pair, [4]);
      });
    }
  });
});
