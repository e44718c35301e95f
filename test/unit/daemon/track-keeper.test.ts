import assert from 'node:assert/strict';
import test from 'node:test';
import { ip } from '../../../src/base/address.ts';
import { instant, seconds } from '../../../src/base/time.ts';
import type { GatewayTrack, TrackConfig } from '../../../src/config/config.ts';
import { trackKey } from '../../../src/config/track-key.ts';
import type { Tracked } from '../../../src/daemon/messages.ts';
import { createTrackKeeper } from '../../../src/daemon/track-keeper.ts';
import { down, type Found, refused, unknown, up, type Watched } from '../../../src/trackers/watch.ts';

const gateway: GatewayTrack = {
  ...{ type: 'gateway', gateway: ip('192.0.2.1'), interval: seconds(1), timeout: seconds(1), rise: 2, fall: 3 },
  weight: null,
};
const service = (name: string, weight: number | null = null): TrackConfig => ({
  type: 'service',
  service: name,
  weight,
});
const file: TrackConfig = { type: 'file', file: '/run/prio', weight: 2 };
const number = (factor: number) => ({ ...(factor === 0 ? up : down)(`holds ${factor}`), factor });

/** Watchers that find what they are told to find, and a log of them, of what is told and of what is reported. */
function world() {
  let now = 0;
  const log: string[] = [];
  const begun: Watched[] = [];
  const listeners = new Map<string, Found>();
  const nameOf = (track: TrackConfig): string => String(Object.values(track)[1]);
  const keeper = createTrackKeeper({
    now: () => instant(now),
    date: (at) => `t${at}`,
    watch(track, found) {
      begun.push(track);
      log.push(`watch ${nameOf(track)}`);
      listeners.set(trackKey(track), found);
      return { close: () => log.push(`close ${nameOf(track)}`) };
    },
    changed(tracked) {
      for (const { key, up: isUp, factor, reason, since } of tracked)
        log.push(`${JSON.parse(key)[1]} ${isUp ? 'up' : 'down'} ${factor ?? '-'}: ${reason}, since ${since}`);
    },
    report: (happening) =>
      log.push(`! ${happening.kind === 'trouble' ? `${happening.what}: ${happening.detail}` : happening.kind}`),
  });
  /** What was logged since the last call. */
  const logged = (): string[] => log.splice(0);
  return {
    ...{ keeper, begun, logged },
    configure(...tracks: readonly TrackConfig[]): string[] {
      keeper.configure(tracks, []);
      return logged();
    },
    restarted(known: readonly Tracked[], ...tracks: readonly TrackConfig[]): string[] {
      keeper.configure(tracks, known);
      return logged();
    },
    find(track: TrackConfig, ...findings: readonly Parameters<Found>[0][]): string[] {
      for (const finding of findings) {
        now += 1000;
        listeners.get(trackKey(track))?.(finding);
      }
      return logged();
    },
  };
}

test('each thing is watched once, however many track it, and by whatever weight; interfaces are not', () => {
  const { configure } = world();
  const eth1: TrackConfig = { type: 'interface', interface: 'eth1', address: null, weight: null };
  assert.deepEqual(configure(service('web'), service('web', -20), eth1, service('dns')), ['watch web', 'watch dns']);
});

test('after a restart what was up is not failed by its first bad answer, where several are needed', () => {
  const { restarted, find } = world();
  const known = { key: trackKey(gateway), up: true, factor: null, reason: '', since: 't0' };
  restarted([known], gateway);
  assert.equal(gateway.type === 'gateway' && gateway.fall > 1, true);
  assert.deepEqual(find(gateway, down('has not answered')), []);
  const failed = Array.from({ length: 2 }, () => down('has not answered'));
  assert.match(find(gateway, ...failed).join(), /down/);
});

test('a reload starts what is new, stops what is gone, and leaves the rest alone', () => {
  const { configure, find } = world();
  configure(service('web'), service('dns'));
  assert.deepEqual(configure(service('web', 5), service('mail')), ['close dns', 'watch mail']);
  assert.deepEqual(find(service('web'), down('has lost its quorum')), ['web down -: has lost its quorum, since t1000']);
  assert.deepEqual(find(service('dns'), down('has lost its quorum')), [], 'a straggler is not listened to');
});

test('the first word decides, then so many in a row; a reason that changes meanwhile is not told', () => {
  const { configure, find } = world();
  configure(gateway);
  assert.deepEqual(find(gateway, up('answers')), ['192.0.2.1 up -: answers, since t1000']);
  assert.deepEqual(find(gateway, down('1'), down('2'), up('answers'), down('1'), down('2')), []);
  assert.deepEqual(find(gateway, down('has not answered 3')), ['192.0.2.1 down -: has not answered 3, since t7000']);
  assert.deepEqual(find(gateway, down('has not answered 4'), up('answers'), down('1'), up('answers')), []);
  assert.deepEqual(find(gateway, up('answers')), ['192.0.2.1 up -: answers, since t12000']);
});

test('every other number in a file is told, though the file is as well or as ill as before', () => {
  const { configure, find } = world();
  configure(file);
  assert.deepEqual(find(file, number(3), number(3)), ['/run/prio down 3: holds 3, since t1000']);
  assert.deepEqual(find(file, number(-4)), ['/run/prio down -4: holds -4, since t3000']);
  assert.deepEqual(find(file, unknown('holds "x"')), ['! tracking: file /run/prio holds "x"']);
  assert.deepEqual(find(file, number(-4)), [], 'the last number had stayed in force');
  assert.deepEqual(find(file, number(0)), ['/run/prio up 0: holds 0, since t6000']);
});

test('what cannot be told changes nothing, and an operator hears of it once until it can', () => {
  const { configure, find } = world();
  configure(gateway);
  assert.deepEqual(find(gateway, unknown('cannot be asked: a'), unknown('cannot be asked: b')), [
    '! tracking: gateway 192.0.2.1 cannot be asked: a',
  ]);
  assert.deepEqual(find(gateway, down('is out of reach')), ['192.0.2.1 down -: is out of reach, since t3000']);
  assert.deepEqual(find(gateway, unknown('cannot be asked: c')), ['! tracking: gateway 192.0.2.1 cannot be asked: c']);
});

test('what is refused fails, and an operator hears of that once too', () => {
  const { configure, find } = world();
  configure(gateway);
  const why = refused('is not run: it can be written by everybody');
  assert.deepEqual(find(gateway, why, why), [
    '! tracking: gateway 192.0.2.1 is not run: it can be written by everybody',
    '192.0.2.1 down -: is not run: it can be written by everybody, since t1000',
  ]);
});

test('a thing that is to be watched in another way stays what it is until more is known', () => {
  const { configure, find, begun } = world();
  configure(gateway);
  find(gateway, down('is out of reach'));
  const slower = { ...gateway, interval: seconds(5), fall: 1 };
  assert.deepEqual(configure(slower), [
    ...['close 192.0.2.1', '192.0.2.1 down -: is out of reach, since t1000', 'watch 192.0.2.1'],
  ]);
  assert.equal(begun.length, 2);
  assert.deepEqual(find(slower, down('is out of reach')), []);
  assert.deepEqual(find(slower, up('answers'), up('answers')), ['192.0.2.1 up -: answers, since t4000']);
  assert.deepEqual(find(gateway, down('is out of reach')), []);
  const other = { ...slower, gateway: ip('192.0.2.2') };
  assert.deepEqual(configure(other), ['close 192.0.2.1', 'watch 192.0.2.2'], 'of another thing nothing is known');
});

test('at the end every watcher is closed, and nothing is told any more', () => {
  const { keeper, configure, find, logged } = world();
  configure(service('web'), gateway);
  keeper.close();
  keeper.close();
  assert.deepEqual(logged(), ['close web', 'close 192.0.2.1']);
  assert.deepEqual(find(gateway, down('is out of reach')), []);
});
