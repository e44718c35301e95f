/**
 * The services as the checker process is told of them: one that it was told of before is only its number among those. Ten
 * thousand servers take a while to be written, sent and read, and mostly a few are new.
 */

import { invariant } from '../base/invariant.ts';
import type { ServiceConfig } from '../config/config.ts';

/** A service, or the number, from 0, of the same one among those told before. */
export type ToldService = ServiceConfig | number;

/** What there is to tell of `services` to who was told of `before`. */
export function tell(services: readonly ServiceConfig[], before: readonly ServiceConfig[]): readonly ToldService[] {
  if (before.length === 0) return services;
  const numbers = new Map(before.map((service, number) => [service, number]));
  return services.map((service) => numbers.get(service) ?? service);
}

/** The services that `tell` was given. Those told before are the very ones of `before`, which is all where nothing is new. */
export function understand(told: readonly ToldService[], before: readonly ServiceConfig[]): readonly ServiceConfig[] {
  if (told.length === before.length && told.every((one, i) => one === i)) return before;
  return told.map((one) => {
    const service = typeof one === 'number' ? before[one] : one;
    invariant(service !== undefined, `of ${before.length} services told before there is no number ${one}`);
    return service;
  });
}
