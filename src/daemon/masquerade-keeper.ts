/**
 * Keeps the nftables table that masquerades as it should be: reads it, compares, replaces it where it differs, as often as
 * somebody asks and once in a while. The table is ours by its name, so one that a killed process has left is adopted.
 */

import { type Duration, formatDuration, seconds } from '../base/time.ts';
import { onceMore, takingTurns } from '../base/turns.ts';
import type { PlannedChange } from '../control/director.ts';
import type { Happening } from '../control/event.ts';
import { differences, isNoMasquerading, type Masquerading, NO_MASQUERADING } from '../ipvs/masquerade.ts';
import type { NftTable } from '../ipvs/nft-table.ts';
import type { Nft } from '../system/nft.ts';

export type MasqueradeKeeperPorts = {
  readonly nft: Nft;
  /** What should be now. */
  readonly wanted: () => Masquerading;
  readonly report: (happening: Happening) => void;
  /** Says what is wrong, and the same again only once in a while. */
  readonly complain: (what: string, detail: string, severity: 'warning' | 'error') => void;
  readonly later: (after: Duration, work: () => void) => { cancel(): void };
};

export type MasqueradeKeeper = {
  /** Settles when a round that began after this call has ended, well or not. */
  request(): Promise<void>;
  /** What `wanted` would change now. Changes nothing. */
  preview(wanted: Masquerading): Promise<readonly PlannedChange[]>;
  /** Why not all is as it should be; `null` when it is. */
  trouble(): string | null;
  /** Takes the table away where it is not to stay, and ends. */
  end(stays: boolean): Promise<void>;
};

/** How often it is compared though nothing of ours has changed; each time a program runs, for some milliseconds. */
const EVERY: Duration = seconds(30);

const WHAT = 'masquerading';

export function createMasqueradeKeeper(ports: MasqueradeKeeperPorts): MasqueradeKeeper {
  const inTurn = takingTurns();
  const request = onceMore(inTurn, round);
  /** What the last good round made true; what differs from it now was changed by somebody else. */
  let settled: Masquerading | undefined;
  let timer: { cancel(): void } | undefined;
  let trouble: string | null = null;
  let ended = false;

  async function round(): Promise<void> {
    if (ended) return;
    timer?.cancel();
    const wanted = ports.wanted();
    const idle = isNoMasquerading(wanted);
    // Once is enough: what is of our name and not wanted has been left by a process before this one.
    if (idle && settled !== undefined && isNoMasquerading(settled)) return;
    if (idle && settled === undefined) await forget();
    else await attempt(wanted);
    if (!ended && (!idle || trouble !== null)) timer = ports.later(EVERY, () => void request());
  }

  /** A machine that never masquerades needs no nft, and hears nothing of it. */
  async function forget(): Promise<void> {
    const found = await ports.nft.read();
    settled = NO_MASQUERADING;
    trouble = null;
    if (found.ok && found.value !== null) await attempt(NO_MASQUERADING);
  }

  async function attempt(wanted: Masquerading): Promise<void> {
    const found = await ports.nft.read();
    if (!found.ok) return fail(found.error.message);
    const changes = changesFrom(found.value, wanted);
    if (changes.length > 0 && !(await write(wanted))) return;
    if (settled !== undefined && differences(settled, wanted).length === 0)
      for (const { sign, what } of changes) ports.report({ kind: 'drift', object: WHAT, detail: `${sign} ${what}` });
    settled = wanted;
    trouble = null;
  }

  /** Read again, so that what cannot be recognized is told, and not made anew for ever as if somebody changed it. */
  async function write(wanted: Masquerading): Promise<boolean> {
    const written = await ports.nft.write(isNoMasquerading(wanted) ? null : wanted);
    if (!written.ok) return failed(written.error.message);
    const found = await ports.nft.read();
    if (!found.ok) return failed(found.error.message);
    const [left] = changesFrom(found.value, wanted);
    return left === undefined || failed(`the table is not what was asked for: ${left.sign} ${left.what}`);
  }

  function failed(detail: string): false {
    fail(detail);
    return false;
  }

  function fail(detail: string): void {
    settled = undefined;
    trouble = detail;
    ports.complain(
      WHAT,
      `${detail}; servers see the addresses of clients until it works; tried again every ${formatDuration(EVERY)}`,
      'error',
    );
  }

  return {
    request,
    trouble: () => trouble,
    preview: (wanted) =>
      inTurn(async () => {
        if (isNoMasquerading(wanted) && (settled === undefined || isNoMasquerading(settled))) return [];
        return previewMasquerading(ports.nft, wanted);
      }),
    end: (stays) =>
      inTurn(async () => {
        timer?.cancel();
        if (ended) return;
        ended = true;
        // After a failure the table may be there all the same.
        const idle = settled === undefined ? trouble === null : isNoMasquerading(settled);
        if (stays || idle) return;
        await attempt(NO_MASQUERADING);
      }),
  };
}

/** What `wanted` would change now; everything where the table cannot be read, which is told when it is made. */
export async function previewMasquerading(nft: Nft, wanted: Masquerading): Promise<readonly PlannedChange[]> {
  const found = await nft.read();
  return changesFrom(found.ok ? found.value : null, wanted);
}

function changesFrom(found: NftTable | null, wanted: Masquerading): readonly PlannedChange[] {
  const changes = differences(found?.masquerading ?? NO_MASQUERADING, wanted);
  const strange = found !== null && (!found.whole || isNoMasquerading(wanted)) && changes.length === 0;
  return [...changes, ...(strange ? [STRANGE] : [])].map((change) => ({
    ...change,
    ...{ part: 'masquerade', breaks: 0, drains: 0, notes: [] },
  }));
}

const STRANGE = { sign: '~', what: 'table inet lvskeeper of nftables, made anew: it is not as it was made' } as const;
