/**
 * One discovery of one service as it runs: what its answers make of its list, what is told of that, and what is kept for
 * the next process. A failure changes nothing but what is said of it.
 */

import { isDeepStrictEqual } from 'node:util';
import { compareIp } from '../base/address.ts';
import type { ServiceConfig } from '../config/config.ts';
import { type Target, usable } from '../config/discovered-servers.ts';
import type { DiscoveryConfig } from '../config/discovery-config.ts';
import { familiesFound } from '../config/rules-discovery.ts';
import { describeServer } from '../config/service-words.ts';
import type { DiscoveryWhat, Happening } from '../control/event.ts';
import type { DiscoveryStatus } from '../control/status.ts';
import { type Later, poll } from '../discovery/poll.ts';
import type { Answer, Source, Wanted } from '../discovery/source.ts';
import { accept, exceeds, inForce, missing, take } from '../pool/discovered.ts';
import { type DiscoveryStore, type Kept, keyOf } from './discovery-store.ts';

export type DiscoveryRun = {
  readonly config: DiscoveryConfig;
  /** What is in force of it. */
  targets(): readonly Target[];
  status(): DiscoveryStatus;
  /** For the run after this one. */
  kept(): Kept;
  /** Follows what is held back; the addresses that go by it. `undefined`: nothing is held back. */
  accept(by: string): readonly string[] | undefined;
  close(): void;
};

export type DiscoveryRunTools = {
  readonly createSource: (config: DiscoveryConfig, wanted: Wanted) => Source;
  readonly later: Later;
  readonly now: () => Date;
  readonly store: DiscoveryStore;
  readonly report: (happening: Happening) => void;
  /** What is in force has changed. */
  readonly changed: () => void;
};

/** An answer that changes nothing is written down so often at most, for its time alone. */
const SAVE_AFTER = 60_000;
/** A question may fail; of the second in a row an operator is told. */
const TOLD_AT = 2;
/** Servers, and skipped entries, that are named; of the others the number is. */
const NAMED = 20;

export function runDiscovery(
  service: ServiceConfig,
  config: DiscoveryConfig,
  { createSource, later, now, store, report, changed }: DiscoveryRunTools,
  before?: DiscoveryRun,
): DiscoveryRun {
  const source = createSource(config, { families: familiesFound(service, config) });
  let kept: Kept = before?.kept() ?? store.load(service.name, config.name);
  let saved = 0;
  let skipped: readonly string[] = [];
  let error: { readonly why: string; readonly since: number; readonly times: number } | null = null;
  let [questions, failures] = [0, 0];

  const addressOf = ({ address }: Target): string => describeServer(service, address);

  function tell(what: DiscoveryWhat, names: readonly string[], reason: string): void {
    report({
      ...{ kind: 'discovery', service: service.name, discovery: config.name, what, reason },
      ...{ servers: names.slice(0, NAMED), count: names.length },
    });
  }

  function heard(answer: Answer): void {
    questions += 1;
    if (!answer.ok) return failed(answer.error);
    const found = usable(service, config, answer.value.targets);
    skip([...answer.value.skipped, ...found.skipped]);
    if (found.targets.length === 0) return failed(skipped.length === 0 ? EMPTY : `${EMPTY} that can be used`);
    if (error !== null && error.times >= TOLD_AT) tell('recovered', [], '');
    error = null;
    follow([...found.targets].sort(byAddress));
  }

  function follow(answer: readonly Target[]): void {
    const { state } = kept;
    const confirmed = exceeds(state, answer, config, keyOf);
    const next = take(state, answer, config, keyOf, now().getTime());
    const heldBefore = state.held;
    set({ state: next, answered: now().getTime() });
    if (heldBefore === null && next.held !== null) {
      const out = missing(next.followed, answer, keyOf);
      tell('held', out.map(addressOf), `more than max_removed allows of ${next.followed.length}`);
    }
    if (heldBefore !== null && next.held === null)
      tell('followed', [], confirmed ? `it came ${config.confirmAfter} times in a row` : WITHIN);
  }

  /** Only what changes the servers is worth an event, and writing down at once. */
  function set(next: Kept): void {
    const [before, after] = [inForce(kept.state, keyOf), inForce(next.state, keyOf)];
    const anew = !isDeepStrictEqual(kept.state, next.state);
    kept = next;
    const at = now().getTime();
    if (anew || at - saved >= SAVE_AFTER || at < saved) save(at);
    const [found, lost] = [missing(after, before, keyOf), missing(before, after, keyOf)];
    if (found.length > 0) tell('found', found.map(addressOf), '');
    if (lost.length > 0) tell('lost', lost.map(addressOf), '');
    if (!isDeepStrictEqual(before, after)) changed();
  }

  function save(at: number): void {
    saved = at;
    try {
      store.save(service.name, config.name, kept);
    } catch (problem) {
      const detail = `${service.name}: ${problem instanceof Error ? problem.message : String(problem)}`;
      report({ kind: 'trouble', severity: 'error', what: 'what was discovered cannot be kept', detail });
    }
  }

  function failed(why: string): void {
    failures += 1;
    const times = (error?.times ?? 0) + 1;
    error = { why, since: error?.since ?? now().getTime(), times };
    if (times === TOLD_AT) tell('error', [], why);
  }

  /** Told when there is something new in it. */
  function skip(next: readonly string[]): void {
    const known = new Set(skipped);
    const fresh = next.filter((entry) => !known.has(entry));
    skipped = next;
    if (fresh.length > 0) tell('skipped', [], enumerated(fresh));
  }

  const polling = poll(source, later, heard);
  return {
    config,
    targets: () => inForce(kept.state, keyOf),
    status: () => ({
      ...{ name: config.name, type: config.type, what: source.what, questions, failures },
      servers: inForce(kept.state, keyOf).length,
      answered: dated(kept.answered),
      error: error?.why ?? null,
      errorSince: dated(error?.since ?? null),
      held: heldStatus(kept, config),
      skipped: { count: skipped.length, first: skipped.slice(0, NAMED) },
    }),
    accept(by) {
      const { followed, held } = kept.state;
      if (held === null) return undefined;
      const out = missing(followed, held.answer, keyOf).map(addressOf);
      set({ ...kept, state: accept(kept.state) });
      tell('followed', [], `accepted by ${by}`);
      return out;
    },
    kept: () => kept,
    close() {
      polling.close();
      if (kept.answered !== null) save(now().getTime());
    },
  };
}

const EMPTY = 'it lists no server';
const WITHIN = 'what it lists is within max_removed again';

const dated = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

/** The order does not depend on that of the answer, which may change each time: both directors have the same. */
const byAddress = (a: Target, b: Target): number =>
  compareIp(a.address.address, b.address.address) || a.address.port - b.address.port;

function heldStatus({ state }: Kept, { confirmAfter }: DiscoveryConfig): DiscoveryStatus['held'] {
  const { followed, held } = state;
  if (held === null) return null;
  return {
    removes: missing(followed, held.answer, keyOf).length,
    of: followed.length,
    times: held.times,
    needed: confirmAfter,
    since: new Date(held.since).toISOString(),
  };
}

/** The first few, and how many more. */
function enumerated(entries: readonly string[]): string {
  const shown = entries.slice(0, 3).join('; ');
  return entries.length > 3 ? `${shown}; and ${entries.length - 3} more` : shown;
}
