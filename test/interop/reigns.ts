/** Who was master when, as the adverts of one virtual router tell. Pure, so that its own test needs no wire. */

import { type Advert, describe } from './tape.ts';

/** From a sender's first advert to the last of a row. */
export type Reign = { readonly source: string; readonly from: number; readonly to: number };

/** So many of its intervals without an advert, and a sender is master no more. */
const SILENT = 2;

/**
 * In the order in which they began. A row ends with priority 0 and when adverts stay out; and when another was master in
 * between, and has resigned or fallen silent: then the next advert is a new claim.
 */
export function reigns(adverts: readonly Advert[]): Reign[] {
  const list: (Reign & { to: number })[] = [];
  const last = new Map<string, { readonly reign: Reign & { to: number }; readonly advert: Advert }>();
  const isOver = (advert: Advert, at: number): boolean =>
    advert.priority === 0 || at - advert.at > SILENT * advert.interval;
  for (const advert of adverts) {
    const { source, at } = advert;
    const mine = last.get(source);
    const others = [...last.values()].filter((one) => one.advert.source !== source);
    const succeeded =
      mine !== undefined && others.some((one) => one.advert.at > mine.advert.at && isOver(one.advert, at));
    const goesOn = mine !== undefined && !isOver(mine.advert, at) && !succeeded;
    const reign = goesOn ? mine.reign : { source, from: at, to: at };
    if (advert.priority > 0) reign.to = at;
    if (!goesOn && advert.priority > 0) list.push(reign);
    last.set(source, { reign, advert });
  }
  return list;
}

export type Overlap = { readonly first: Reign; readonly second: Reign; readonly length: number };

/** Where two senders were master at a time, and for how long, in milliseconds. */
export function overlaps(adverts: readonly Advert[]): Overlap[] {
  const list = reigns(adverts);
  return list.flatMap((first, i) =>
    list.slice(i + 1).flatMap((second) => {
      const length = Math.min(first.to, second.to) - second.from;
      return first.source !== second.source && length >= 0 ? [{ first, second, length }] : [];
    }),
  );
}

/**
 * Throws when two senders were master at a time for longer than `allowed` ms, which is what it takes one advert to cross
 * the wire and be heeded, and shows the adverts around that.
 */
export function assertOneMaster(adverts: readonly Advert[], allowed: number): void {
  for (const { first, second, length } of overlaps(adverts)) {
    if (length <= allowed) continue;
    const around = adverts.filter(({ at }) => at >= second.from - 1000 && at <= second.from + length + 1000);
    throw new Error(
      `${first.source} and ${second.source} were both master for ${length.toFixed(1)} ms:\n${around.map(describe).join('\n')}`,
    );
  }
}
