/**
 * A config that takes the place of another has most of its sections in common with it. They are made the very same values,
 * so that whoever compares, tells or keeps them has work with what is new, and with nothing else.
 */

import type { Config } from './config.ts';

/** `next`, in which every service, virtual router and alert that is as in `before` is the very one of `before`; all of `before` where nothing differs. */
export function share(before: Config, next: Config): Config {
  const shared = {
    ...next,
    vrrp: sections(before.vrrp, next.vrrp),
    services: sections(before.services, next.services),
    alerts: sections(before.alerts, next.alerts),
  };
  const keys = Object.keys(next) as (keyof Config)[];
  return keys.every((key) => isSame(before[key], shared[key])) ? before : Object.freeze(shared);
}

/** Two with the same name, or in the same place, may be the same. */
function sections<T extends { readonly name: string }>(before: readonly T[], next: readonly T[]): readonly T[] {
  const byName = new Map(before.map((item) => [item.name, item]));
  const all = next.map((item) => {
    const old = byName.get(item.name);
    return old !== undefined && isSame(old, item) ? old : item;
  });
  return all.length === before.length && all.every((item, i) => item === before[i]) ? before : Object.freeze(all);
}

/** Whether two values of a config, which are data and patterns, say the same. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b))
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, i) => isSame(item, b[i]));
  if (a instanceof RegExp || b instanceof RegExp)
    return a instanceof RegExp && b instanceof RegExp && String(a) === String(b);
  return sameFields(a as Fields, b as Fields);
}

type Fields = { readonly [key: string]: unknown };

function sameFields(a: Fields, b: Fields): boolean {
  let count = 0;
  for (const key in a) {
    if (!isSame(a[key], b[key])) return false;
    count++;
  }
  for (const _ in b) count--;
  return count === 0;
}
