/**
 * A pair of directors of ours on a segment, lb1 (.11) before lb2 (.12), with the tape of its wire: for stories of what
 * happens to one of them, and what the other and the network see of it.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Event, EventKind, VrrpState } from '../../src/control/event.ts';
import type { RouterStatus } from '../../src/control/status.ts';
import { type Director, director, writeDirectorConfig } from '../lab/director.ts';
import { eventually, type Output, type Running } from '../lab/process.ts';
import { createSegment, linkLocal, network, type Segment, type Station } from './segment.ts';
import { INTERVAL, VIP4 } from './settings.ts';
import { type Advert, type Family, record, type Tape } from './tape.ts';

export const PRIORITY = { lb1: 150, lb2: 100 } as const;
const COMMAND = join(import.meta.dirname, '../../dist/lvskeeper.js');

/** RFC 9568, 6.1, of a backup with this priority. */
export const skew = (priority: number, interval = INTERVAL): number => ((256 - priority) / 256) * interval;
export const masterDown = (priority: number, interval = INTERVAL): number => 3 * interval + skew(priority, interval);

export type RouterToml = {
  readonly name?: string;
  readonly priority: number;
  readonly interval?: number;
  readonly routerId?: number;
  readonly addresses?: readonly string[];
  /** Further lines of `[[vrrp]]`; tables of its own come last. */
  readonly more?: string;
};

export const vrrpToml = ({ name = 'edge', priority, interval = INTERVAL, ...rest }: RouterToml): string => `
[[vrrp]]
name = "${name}"
interface = "eth0"
router_id = ${rest.routerId ?? 51}
priority = ${priority}
interval = "${interval}ms"
addresses = [${(rest.addresses ?? [VIP4]).map((one) => (one.startsWith('{') ? one : `"${one}"`)).join(', ')}]
${rest.more ?? ''}
`;

export type Start = Parameters<typeof director>[2];

export type Member = {
  readonly station: Station;
  /** As it was started last; throws before that. */
  readonly director: Director;
  /** Its own address on the wire, by which its adverts are known. */
  source(family: Family): string;
  /** `next`: with another config from now on. */
  start(how?: Start, next?: string): Promise<void>;
  /** A new config and a reload, which must be taken; the vrrp process is then on its way to carry it out. */
  reload(toml: string): Promise<void>;
  /** `lvskeeper VERB …` on it, by somebody called anna. */
  lvskeeper(...args: readonly string[]): Promise<Output>;
  router(name?: string, family?: Family): Promise<RouterStatus>;
  /** Waits until the router is in this state by its own words. */
  becomes(state: VrrpState, name?: string): Promise<void>;
  /** Events of a kind, oldest first. */
  events<K extends EventKind>(kind: K): Promise<readonly Extract<Event, { kind: K }>[]>;
  /** Waits for an event that satisfies `is`. */
  told<K extends EventKind>(
    kind: K,
    is?: (event: Extract<Event, { kind: K }>) => boolean,
  ): Promise<Extract<Event, { kind: K }>>;
  /** Which of these addresses its kernel has. */
  held(addresses: readonly string[]): Promise<readonly string[]>;
  /** Its adverts on the tape. */
  adverts(where?: { readonly since?: number; readonly family?: Family; readonly routerId?: number }): readonly Advert[];
};

export type Pair = {
  readonly segment: Segment;
  readonly tape: Tape;
  readonly lb1: Member;
  readonly lb2: Member;
  close(): Promise<void>;
};

/** How long anything may take that the protocol sets no bound to: the start of a process, the words of a status. */
export const PATIENCE = 20_000;

type Making = { readonly lb1: string; readonly lb2?: string; readonly wires?: number; readonly how?: Start };

/** Nothing runs yet. Without `lb2` there is only one. */
export async function createPair(name: string, { lb1, lb2 = '', wires = 1 }: Making): Promise<Pair> {
  const segment = await createSegment(name, { wires });
  try {
    const recording = await record(segment);
    let stopping: Promise<void> | undefined;
    const tape = {
      ...recording,
      stop() {
        stopping ??= recording.stop();
        return stopping;
      },
    };
    const close = async (): Promise<void> => {
      await tape.stop();
      await segment.close();
    };
    return { segment, tape, lb1: member(segment.us, tape, lb1), lb2: member(segment.peer, tape, lb2), close };
  } catch (error) {
    await segment.close();
    throw error;
  }
}

/** Both run, lb1 is master and lb2 knows it. */
export async function begin({ lb1, lb2 }: Pair, how?: Start): Promise<void> {
  await Promise.all([lb1.start(how), lb2.start(how)]);
  await reigning({ lb1, lb2 });
}

/** lb1 is master, has told so and written it down, which comes a little later; lb2 knows it. */
export async function reigning({ lb1, lb2 }: Pick<Pair, 'lb1' | 'lb2'>): Promise<void> {
  await lb1.becomes('master');
  for (const { name, family } of (await lb1.director.status()).routers)
    await lb1.told('vrrp', (event) => event.to === 'master' && event.router === name && event.family === family);
  await lb2.becomes('backup');
}

export async function startPair(name: string, making: Making): Promise<Pair> {
  const pair = await createPair(name, making);
  try {
    await begin(pair, making.how);
    return pair;
  } catch (error) {
    await pair.close();
    throw error;
  }
}

function member(station: Station, tape: Tape, first: string): Member {
  let toml = first;
  let started: Director | undefined;
  const running = (): Director => {
    if (started === undefined) throw new Error(`${station.name} was not started`);
    return started;
  };
  const source = (family: Family): string =>
    family === 4 ? `${network(4)}${station.number}` : linkLocal(station.number);

  async function events<K extends EventKind>(kind: K): Promise<readonly Extract<Event, { kind: K }>[]> {
    return JSON.parse(await running().control(`/events?kind=${kind}`));
  }

  async function router(name?: string, family?: Family): Promise<RouterStatus> {
    const { routers } = await running().status();
    const found = routers.find((one) => one.name === (name ?? one.name) && one.family === (family ?? one.family));
    if (found === undefined) throw new Error(`${station.name} has no router ${name}`);
    return found;
  }

  return {
    station,
    get director() {
      return running();
    },
    source,
    async start(how, next = toml) {
      toml = next;
      started = await director(station, toml, how);
    },
    async reload(next) {
      toml = next;
      writeDirectorConfig(station, toml);
      const answer = JSON.parse(await running().control('/reload', ['-X', 'POST']));
      if (answer.outcome !== 'applied') throw new Error(`the reload is ${answer.outcome}: ${answer.detail}`);
    },
    lvskeeper: (...args) =>
      station.exec(['env', 'SUDO_USER=anna', process.execPath, COMMAND, ...args, '--socket', running().socket]),
    router,
    async becomes(state, name) {
      let last = '';
      await eventually(`${station.name} to be ${state}`, PATIENCE, async () => {
        const all = (await running().status()).routers.filter((one) => one.name === (name ?? one.name));
        last = all.map((one) => `${one.name} IPv${one.family} ${one.state}: ${one.cause}`).join('; ');
        return all.every((one) => one.state === state) ? true : undefined;
      }).catch((error: Error) => {
        throw new Error(`${error.message}; it says ${last}\n${running().process.output()}`);
      });
    },
    events,
    told: (kind, is = () => true) =>
      eventually(`an event ${kind} on ${station.name}`, PATIENCE, async () => (await events(kind)).find(is)),
    async held(addresses) {
      const text = await station.must(['ip', '-j', 'address', 'show']);
      const links = JSON.parse(text) as { addr_info: { local: string }[] }[];
      const there = new Set(links.flatMap((link) => link.addr_info.map(({ local }) => local)));
      return addresses.filter((one) => there.has(one.split('/')[0] ?? ''));
    },
    adverts: ({ since = 0, family = 4, routerId = 51 } = {}) =>
      tape
        .adverts()
        .filter(
          (one) =>
            one.at >= since && one.family === family && one.routerId === routerId && one.source === source(family),
        ),
  };
}

/** Waits until the member has advertised with more than priority 0 since then, and gives the first that it sent. */
export const claims = (who: Member, since: number, family: Family = 4, routerId = 51): Promise<Advert> =>
  eventually(`${who.station.name} to advertise`, PATIENCE, () =>
    who.adverts({ since, family, routerId }).find(({ priority }) => priority > 0),
  );

/** Waits until one of these addresses, or none, is on the member. */
export const holds = (who: Member, addresses: readonly string[], all: boolean): Promise<true> =>
  eventually(`${addresses} ${all ? 'on' : 'to leave'} ${who.station.name}`, PATIENCE, async () =>
    (await who.held(addresses)).length === (all ? addresses.length : 0) ? true : undefined,
  );

export type Change = { readonly at: number; readonly gone: boolean; readonly what: string };

/** All that comes and goes of addresses, routes and rules on a host, however briefly, by ip-monitor(8). */
export type Monitor = { changes(): readonly Change[]; stop(): Promise<readonly Change[]> };

export async function monitor({ station }: Member): Promise<Monitor> {
  const running: Running = station.spawn(['ip', '-o', '-ts', 'monitor', 'address', 'route', 'rule']);
  const changes = (): Change[] =>
    running
      .output()
      .split('\n')
      .flatMap((line) => {
        const [, time, gone, what] = /^\[(\S+)\] ?(Deleted )?(.*)$/.exec(line) ?? [];
        return time === undefined ? [] : [{ at: Date.parse(time), gone: gone !== undefined, what: what ?? '' }];
      });
  // It says nothing when it listens, so something is made that it must see.
  await eventually('ip monitor to listen', PATIENCE, async () => {
    await station.exec(['ip', 'address', 'replace', MARK, 'dev', 'lo']);
    await station.exec(['ip', 'address', 'delete', MARK, 'dev', 'lo']);
    return changes().some(({ what, gone }) => gone && what.includes(MARK)) ? true : undefined;
  });
  const ours = (): Change[] => changes().filter(({ what }) => !what.includes('198.18.0.1'));
  return {
    changes: ours,
    async stop() {
      await running.stop();
      return ours();
    },
  };
}

const MARK = '198.18.0.1/32';

/** When the last of these addresses went from the monitored host since then; `undefined`: not all have. */
export function goneAt(changes: readonly Change[], addresses: readonly string[], since: number): number | undefined {
  const times = addresses.map(
    (one) =>
      changes.find(({ at, gone, what }) => gone && at >= since && what.includes(` inet`) && what.includes(` ${one} `))
        ?.at,
  );
  return times.some((at) => at === undefined) ? undefined : Math.max(...times.map((at) => at ?? 0));
}

/** `SCHED_FIFO` of sched(7), as field 41 of /proc/PID/stat says it (proc(5)); the third is the state. */
const FIFO = '1';

/** The vrrp process, and the one that stands by, once that is loaded and idle: its last act of loading is to be real-time. */
export const standBy = ({ director: one }: Member): Promise<{ readonly running: number; readonly ready: number }> =>
  eventually('a vrrp process to stand by', PATIENCE, async () => {
    const running = await one.pid('vrrp');
    const ready = one.host
      .processes()
      .find(({ pid, command }) => pid !== running && / \S*\bvrrp\.js$/.test(command) && isIdleRealTime(pid));
    return ready === undefined ? undefined : { running, ready: ready.pid };
  });

const isIdleRealTime = (pid: number): boolean => statOf(pid)[0] === 'S' && isRealTime(pid);

/** Whether the process is of the class SCHED_FIFO. */
export const isRealTime = (pid: number): boolean => statOf(pid)[38] === FIFO;

/** Fields of /proc/PID/stat, from the third on. */
function statOf(pid: number): readonly string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}
