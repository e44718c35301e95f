/**
 * The servers that the operator has added and removed at run time, and the services that result. They are kept in the run
 * directory, so that they outlive a reload and every process (and end with the boot).
 */

import type { Result } from '../base/result.ts';
import type { ServiceConfig } from '../config/config.ts';
import { type Overlay, overlay, type ServerChange } from '../config/server-changes.ts';
import { readServer, writeServer } from '../config/server-table.ts';
import { describeServer } from '../config/service-words.ts';
import type { Happening, ServerChangeEnd } from '../control/event.ts';

export type ServerChangeBook = {
  /** Those in force, the oldest first. */
  current(): readonly ServerChange[];
  /** The services that run: those of the file with the changes laid over. */
  services(): readonly ServiceConfig[];
  /** The services of the file. */
  inFile(): readonly ServiceConfig[];
  /** What `services` would be, were these the file's. */
  over(services: readonly ServiceConfig[]): readonly ServiceConfig[];
  /**
   * Takes the services of the file, the first time also the changes of the run before. `trial`: they may be those of before
   * again soon, so a change that they end only rests.
   */
  configure(services: readonly ServiceConfig[], trial?: boolean): void;
  /** Those that the last `configure` has ended. */
  ceased(): Overlay['ceased'];
  /** Puts in force what has been looked at: it obeys the rules. */
  make(change: ServerChange): void;
  takeBack(change: ServerChange, by: string, reason: string): void;
  /** Drops all. */
  discard(by: string): void;
};

export type ServerChangeTools = {
  /** What `save` was given last, perhaps by a process before this one; `undefined`: nothing. The error says why it is unknown. */
  readonly load: () => Result<unknown, string>;
  readonly save: (changes: readonly object[]) => void;
  readonly report: (happening: Happening) => void;
};

export function createServerChanges({ load, save, report }: ServerChangeTools): ServerChangeBook {
  let file: readonly ServiceConfig[] = [];
  /** What is saved: the changes in force, and those that rest. */
  let kept: readonly ServerChange[] | undefined;
  let laid: Overlay = overlay(file, []);
  let ended: Overlay['ceased'] = [];

  function keep(next: readonly ServerChange[]): void {
    const same = kept === undefined || (next.length === kept.length && next.every((change, i) => change === kept?.[i]));
    kept = next;
    if (same) return;
    try {
      save(next.map(written));
    } catch (error) {
      const detail = `${error instanceof Error ? error.message : String(error)}; a restart of the daemon forgets them`;
      report({ kind: 'trouble', severity: 'error', what: 'the servers changed at run time cannot be kept', detail });
    }
  }

  function set(next: readonly ServerChange[]): void {
    keep(next);
    laid = overlay(file, next);
  }

  function tell(change: ServerChange, what: ServerChangeEnd | 'made', by: string, reason: string): void {
    report(happening(change, namedIn(file, change), what, by, reason));
  }

  return {
    current: () => laid.inForce,
    services: () => laid.services,
    inFile: () => file,
    ceased: () => ended,
    over: (services) => (services === file ? laid.services : overlay(services, kept ?? []).services),
    configure(services, trial = false) {
      const before = file;
      file = services;
      kept ??= readChanges(load(), report);
      laid = overlay(file, kept);
      ended = trial ? [] : laid.ceased;
      if (!trial) keep(laid.inForce);
      for (const { change, why } of ended)
        report(happening(change, namedIn([...file, ...before], change), 'ceased', change.by, why));
    },
    make(change) {
      set([...(kept ?? []), change]);
      tell(change, 'made', change.by, change.reason);
    },
    takeBack(change, by, reason) {
      set((kept ?? []).filter((one) => one !== change));
      tell(change, 'taken-back', by, reason);
    },
    discard(by) {
      const dropped = kept ?? [];
      set([]);
      for (const change of dropped) tell(change, 'discarded', by, '');
    },
  };
}

/** `10.0.0.23:80`, with the port of the service where that is known. */
export function namedIn(services: readonly ServiceConfig[], { service: name, server }: ServerChange): string {
  const service = services.find((one) => one.name === name);
  return describeServer(service ?? { addresses: [] }, server.address);
}

const happening = (
  { what: change, service, server }: ServerChange,
  address: string,
  what: ServerChangeEnd | 'made',
  by: string,
  reason: string,
): Happening => ({
  ...{ kind: 'server-change', service, server: server.name, address, change, what, by, reason },
});

function written({ server, ...change }: ServerChange): object {
  if (change.what === 'added') return { ...change, server: writeServer(server as Added['server']) };
  const { name, address } = writeServer({ ...NO_SETTINGS, ...server });
  return { ...change, server: { name, address } };
}

type Added = Extract<ServerChange, { what: 'added' }>;
const NO_SETTINGS = { weight: 0, forward: null, tunnel: null, upperThreshold: 0, lowerThreshold: 0 } as const;

/** What a file holds, without what is damaged: that is told. */
export function readChanges(
  saved: Result<unknown, string>,
  report: (happening: Happening) => void,
): readonly ServerChange[] {
  const damaged = (detail: string): void =>
    report({ kind: 'trouble', severity: 'error', what: 'servers changed at run time are forgotten', detail });
  if (!saved.ok) {
    damaged(saved.error);
    return [];
  }
  if (saved.value === undefined) return [];
  const entries = Array.isArray(saved.value) ? (saved.value as readonly unknown[]) : [undefined];
  const read = entries.map(changeIn);
  const bad = read.filter((change) => change === undefined).length;
  if (bad > 0) damaged(`${bad} of ${read.length} entries of their file cannot be read`);
  return read.filter((change) => change !== undefined);
}

function changeIn(saved: unknown): ServerChange | undefined {
  const { what, service, server: table, by, reason, since } = (saved ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof service !== 'string' || typeof by !== 'string' || typeof reason !== 'string') return undefined;
  if (typeof since !== 'string' || Number.isNaN(Date.parse(since))) return undefined;
  const { server } = readServer(table);
  if (server === null || (what !== 'added' && what !== 'removed')) return undefined;
  const common = { service, by, reason, since };
  const { name, address } = server;
  return what === 'added' ? { ...common, what, server } : { ...common, what, server: { name, address } };
}
