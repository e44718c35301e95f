/**
 * Keeps what of the kernel's IPVS belongs to no service as it should be: reads it, plans, applies, as often as somebody
 * asks and once in a while. What was there before is written down before it is changed; where it cannot be, nothing is
 * changed.
 */

import { isDeepStrictEqual } from 'node:util';
import type { Result } from '../base/result.ts';
import { type Duration, formatDuration, seconds } from '../base/time.ts';
import { onceMore, takingTurns } from '../base/turns.ts';
import type { PlannedChange } from '../control/director.ts';
import type { Happening } from '../control/event.ts';
import {
  describeSetting,
  type Found,
  isEmpty,
  isNothing,
  type Kept,
  keep,
  NOTHING_WANTED,
  planSettings,
  release,
  SETTINGS_SIGN,
  type SettingsOperation,
  type Wanted,
} from '../ipvs/settings.ts';
import type { IpvsSettings } from '../system/ipvs-settings.ts';

export type IpvsSettingsPorts = {
  readonly open: () => Promise<Result<IpvsSettings, { readonly message: string }>>;
  /** What should be, as far as it can be told now. */
  readonly wanted: () => Wanted;
  readonly kept: { load(): Kept; save(kept: Kept): void };
  readonly report: (happening: Happening) => void;
  /** Says what is wrong, and the same again only once in a while. */
  readonly complain: (what: string, detail: string, severity: 'warning' | 'error') => void;
  readonly later: (after: Duration, work: () => void) => { cancel(): void };
};

export type IpvsSettingsKeeper = {
  /** Settles when a round that began after this call has ended, well or not. */
  request(): Promise<void>;
  /** What `wanted` would change now; `undefined` when the kernel cannot be read. Changes nothing. */
  preview(wanted: Wanted): Promise<readonly PlannedChange[] | undefined>;
  /** The kernel's, read anew; `undefined` when it cannot be read. */
  read(): Promise<Found | undefined>;
  /** Why not all is as it should be; `null` when it is. */
  trouble(): string | null;
  /** Puts everything back as it was before us but what is to stay, and ends. */
  end(staying?: Wanted): Promise<void>;
};

/** How often it is compared though nothing of ours has changed. */
const EVERY: Duration = seconds(30);
const RETRY_AFTER: Duration = seconds(5);

const WHAT = 'the settings of IPVS';

export function createIpvsSettingsKeeper(ports: IpvsSettingsPorts): IpvsSettingsKeeper {
  const inTurn = takingTurns();
  const request = onceMore(inTurn, round);
  let kernel: IpvsSettings | undefined;
  let kept: Kept | undefined;
  /** What the last good round made true; what differs from it now was changed by somebody else. */
  let settled: Wanted | undefined;
  let timer: { cancel(): void } | undefined;
  let trouble: string | null = null;
  let lacking = '';
  let ended = false;

  const ours = (): Kept => {
    kept ??= ports.kept.load();
    return kept;
  };

  async function round(): Promise<void> {
    if (ended) return;
    timer?.cancel();
    const wanted = ports.wanted();
    if (nothingToDo(wanted, ours())) {
      trouble = null;
      return;
    }
    const good = await attempt(wanted);
    if (!ended) timer = ports.later(good ? EVERY : RETRY_AFTER, () => void request());
  }

  async function attempt(wanted: Wanted): Promise<boolean> {
    const found = await look(wanted.values.keys());
    if (found === undefined) return false;
    sayLacking(wanted, found);
    if (!remember(keep(ours(), found, wanted))) return false;
    const operations = planSettings(found, wanted, ours());
    const drifted = settled !== undefined && isDeepStrictEqual(settled, wanted);
    if (!(await apply(operations, drifted))) return false;
    settled = wanted;
    trouble = null;
    return remember(release(ours(), wanted));
  }

  async function apply(operations: readonly SettingsOperation[], drifted: boolean): Promise<boolean> {
    if (operations.length === 0) return true;
    const answers = (await kernel?.apply(operations)) ?? [];
    const refused = answers.flatMap((answer) => (answer.ok ? [] : [answer.error.message]));
    if (refused.length > 0) fail(refused.join('; '));
    if (drifted)
      for (const operation of operations)
        ports.report({ kind: 'drift', object: WHAT, detail: describeSetting(operation) });
    return refused.length === 0;
  }

  /** `more`: settings that are looked at besides those of IPVS, and those that we have changed. */
  async function look(more: Iterable<string> = []): Promise<Found | undefined> {
    if (kernel === undefined) {
      const opened = await ports.open();
      if (!opened.ok) return fail(opened.error.message);
      kernel = opened.value;
    }
    const read = await kernel.read([...ours().before.keys(), ...more]);
    if (read.ok) return read.value;
    // The module may have been loaded anew, and then answers to another number.
    kernel.close();
    kernel = undefined;
    return fail(read.error.message);
  }

  function fail(detail: string): undefined {
    trouble = detail;
    ports.complain(WHAT, `${detail}; tried again every ${formatDuration(RETRY_AFTER)}`, 'error');
  }

  function sayLacking({ values }: Wanted, found: Found): void {
    const names = [...values.keys()].filter((name) => !found.values.has(name)).join(', ');
    if (names !== lacking && names !== '')
      ports.complain('this kernel has not every setting of [ipvs]', names, 'warning');
    lacking = names;
  }

  function remember(now: Kept): boolean {
    if (isDeepStrictEqual(now, ours())) return true;
    try {
      ports.kept.save(now);
      kept = now;
      return true;
    } catch (error) {
      fail(`what was there before cannot be written down, so nothing is changed: ${error}`);
      return false;
    }
  }

  return {
    request,
    read: () => inTurn(() => look()),
    trouble: () => trouble,
    preview: (wanted) =>
      inTurn(async () => {
        if (nothingToDo(wanted, ours())) return [];
        const found = await look(wanted.values.keys());
        return found && planSettings(found, wanted, keep(ours(), found, wanted)).map(changeOfSetting);
      }),
    end: (staying = NOTHING_WANTED) =>
      inTurn(async () => {
        timer?.cancel();
        if (ended) return;
        ended = true;
        settled = undefined;
        if (!nothingToDo(staying, ours())) await attempt(staying);
        kernel?.close();
        kernel = undefined;
      }),
  };
}

/** Then IPVS need not even be there. */
const nothingToDo = (wanted: Wanted, kept: Kept): boolean => isNothing(wanted) && isEmpty(kept);

export const changeOfSetting = (operation: SettingsOperation): PlannedChange => ({
  part: 'setting',
  sign: SETTINGS_SIGN[operation.op],
  what: describeSetting(operation),
  ...{ breaks: 0, drains: 0, notes: [] },
});
