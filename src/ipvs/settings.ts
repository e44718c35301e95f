/**
 * What of IPVS belongs to no service: its timeouts, its settings below /proc/sys/net/ipv4/vs, and the daemon of the
 * connection synchronization. What is there, what is wanted, and the way from the one to the other.
 *
 * Ownership: what a setting was before we first changed it is recorded, and is what it shall be again once nobody wants
 * it otherwise. Of the daemons those are ours that we have started; where the config has one, all of them.
 *
 * One daemon runs at a time, as master or as backup, though the kernel would run both: with a backup daemon running
 * `backup_only` turns the whole director off, and a master that took in what another master sends would have its own
 * connections overwritten in a split brain.
 */

import type { Duration } from '../base/time.ts';
import type { DaemonEntry, DaemonState } from '../wire/netlink-ipvs-config.ts';
import { type Sysctls, sameSysctl, writeSysctls } from './sysctls.ts';

/** Values by name: `timeout_tcp` in seconds, `net.ipv4.vs.sync_ports` as it is written there. */
export type Values = ReadonlyMap<string, string>;

/** In the words of `ipvsadm --set`. */
export const TIMEOUTS = ['timeout_tcp', 'timeout_tcp_fin', 'timeout_udp'] as const;
export type TimeoutName = (typeof TIMEOUTS)[number];
export const isTimeout = (name: string): name is TimeoutName => (TIMEOUTS as readonly string[]).includes(name);

const ACCEPT_LOCAL = { head: 'net.ipv4.conf.', tail: '.accept_local' } as const;

/**
 * What the interfaces must be set to by which the answers to probes through IPVS come in: with the virtual address on this
 * machine they bear one of its own addresses as their source, and are dropped without it (IPv4 alone; fib_validate_source).
 */
export const acceptLocal = (interfaces: Iterable<string>): Values =>
  new Map([...interfaces].map((name) => [`${ACCEPT_LOCAL.head}${name}${ACCEPT_LOCAL.tail}`, '1']));

/** The interface that a setting of `acceptLocal` is of; `undefined`: it is another setting. */
export function receiverOf(name: string): string | undefined {
  const { head, tail } = ACCEPT_LOCAL;
  return name.startsWith(head) && name.endsWith(tail) ? name.slice(head.length, -tail.length) : undefined;
}

/** What is wanted, and these values besides. */
export const withValues = (wanted: Wanted, more: Values): Wanted =>
  more.size === 0 ? wanted : { ...wanted, values: new Map([...wanted.values, ...more]) };

export type { DaemonState };
/** A daemon of the connection synchronization. */
export type Daemon = DaemonEntry;

/** As the kernel has it. A setting that this kernel lacks is not there. */
export type Found = { readonly values: Values; readonly daemons: readonly Daemon[] };

/** As it should be. Of a setting that is not there nothing is wanted. */
export type Wanted = {
  readonly values: Values;
  /** `as-it-is`: it cannot be told yet which state it should have; `null`: none of ours. */
  readonly daemon: Daemon | 'as-it-is' | null;
};

/** What outlives the process: what was there before us, and what of the daemons is ours. */
export type Kept = { readonly before: Values; readonly daemons: readonly DaemonState[] };

export const isEmpty = ({ before, daemons }: Kept): boolean => before.size + daemons.length === 0;

/** What of the config it is made from. */
export type SettingsDefinition = {
  /** Whole seconds. */
  readonly timeoutTcp: Duration | null;
  readonly timeoutTcpFin: Duration | null;
  readonly timeoutUdp: Duration | null;
  readonly sysctl: Sysctls;
  readonly sync: SyncDefinition | null;
};
export type SyncDefinition = Omit<Daemon, 'state'>;

export type SettingsOperation =
  | { readonly op: 'set'; readonly name: string; readonly value: string; readonly was: string }
  | { readonly op: 'start-daemon'; readonly daemon: Daemon }
  | { readonly op: 'stop-daemon'; readonly daemon: Daemon };

/** What is wanted of the kernel. `state`: of the daemon; `undefined` while it cannot be told. */
export function wantedSettings(definition: SettingsDefinition, state: DaemonState | undefined): Wanted {
  const { timeoutTcp, timeoutTcpFin, timeoutUdp, sysctl, sync } = definition;
  const values = new Map(writeSysctls(sysctl));
  for (const [name, value] of [
    ['timeout_tcp', timeoutTcp],
    ['timeout_tcp_fin', timeoutTcpFin],
    ['timeout_udp', timeoutUdp],
  ] as const)
    if (value !== null) values.set(name, String(Math.round(value / 1000)));
  if (sync === null) return { values, daemon: null };
  const { interface: on, id, group, port, ttl, maxLength } = sync;
  return {
    values,
    daemon: state === undefined ? 'as-it-is' : { state, interface: on, id, group, port, ttl, maxLength },
  };
}

/** Whether the config wants anything of all this. */
export const wantsOfIpvs = (definition: SettingsDefinition): boolean =>
  !isNothing(wantedSettings(definition, undefined));

/** When we end: everything as it was before us. */
export const NOTHING_WANTED: Wanted = { values: new Map(), daemon: null };
export const isNothing = ({ values, daemon }: Wanted): boolean => values.size === 0 && daemon === null;

/** What must be kept before `wanted` is made true. Of what is kept already nothing is forgotten. */
export function keep(kept: Kept, found: Found, { values, daemon }: Wanted): Kept {
  const before = new Map(kept.before);
  for (const name of values.keys()) {
    const value = found.values.get(name);
    if (value !== undefined && !before.has(name)) before.set(name, value);
  }
  const ours = daemon === null || daemon === 'as-it-is' ? [] : [daemon.state];
  return { before, daemons: [...new Set([...kept.daemons, ...ours])].sort() };
}

/** What is still to be kept once `wanted` is true. */
export function release(kept: Kept, { values, daemon }: Wanted): Kept {
  const before = new Map([...kept.before].filter(([name]) => values.has(name)));
  if (daemon === 'as-it-is') return { before, daemons: kept.daemons };
  return { before, daemons: daemon === null ? [] : [daemon.state] };
}

/** The operations, in their order: a daemon counts its threads and ports by the settings when it starts. `[]`: all is well. */
export function planSettings(found: Found, wanted: Wanted, kept: Kept): readonly SettingsOperation[] {
  const set = [...new Map([...kept.before, ...wanted.values])].flatMap(([name, value]): SettingsOperation[] => {
    const was = found.values.get(name);
    return was === undefined || sameSysctl(name, was, value) ? [] : [{ op: 'set', name, value, was }];
  });
  const { daemon } = wanted;
  if (daemon === 'as-it-is') return set;
  const again = set.some((operation) => operation.op === 'set' && operation.name === SYNC_PORTS);
  const stays = (there: Daemon): boolean => daemon !== null && !again && sameDaemon(there, daemon);
  const stop = found.daemons
    .filter((there) => (daemon !== null || kept.daemons.includes(there.state)) && !stays(there))
    .map((there): SettingsOperation => ({ op: 'stop-daemon', daemon: there }));
  const start: SettingsOperation[] =
    daemon === null || found.daemons.some(stays) ? [] : [{ op: 'start-daemon', daemon }];
  return [...stop, ...set, ...start];
}

const SYNC_PORTS = 'net.ipv4.vs.sync_ports';

/** What one of the two leaves open is the same. */
export const sameDaemon = (a: Daemon, b: Daemon): boolean =>
  a.state === b.state &&
  a.interface === b.interface &&
  a.id === b.id &&
  (['group', 'port', 'ttl', 'maxLength'] as const).every(
    (name) => a[name] === null || b[name] === null || a[name] === b[name],
  );

/** What an operation does: adds, changes, takes away. */
export const SETTINGS_SIGN: Readonly<Record<SettingsOperation['op'], '+' | '~' | '-'>> = {
  'start-daemon': '+',
  set: '~',
  'stop-daemon': '-',
};

/** One line for people: `timeout_tcp 900 s → 600 s`, `sync daemon master on eth0 id 0 started`. */
export function describeSetting(operation: SettingsOperation): string {
  if (operation.op !== 'set')
    return `sync daemon ${describeDaemon(operation.daemon)} ${operation.op === 'stop-daemon' ? 'stopped' : 'started'}`;
  const { name, value, was } = operation;
  const words = (text: string): string => {
    if (isTimeout(name)) return `${text} s`;
    return text === '' ? 'nothing' : text.replace(/\s+/g, ' ');
  };
  return `${name} ${words(was)} → ${words(value)}`;
}

/** `master on eth0, id 0, group 224.0.0.81, port 8848, ttl 1` */
export function describeDaemon({ state, interface: on, id, group, port, ttl, maxLength }: Daemon): string {
  const more = { group, port, ttl, 'max length': maxLength };
  const words = Object.entries(more).flatMap(([name, value]) => (value === null ? [] : [`${name} ${value}`]));
  return [`${state} on ${on}`, `id ${id}`, ...words].join(', ');
}
