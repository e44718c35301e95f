/**
 * Services whose table changes by itself, or must be looked at again without a verdict: a server starts slowly, a sorry
 * server leaves. One timer, for the earliest of them.
 */

import { between, type Duration, type Instant } from '../base/time.ts';

export type ChangingServices<Service> = {
  /** When each of these changes next; `undefined`: not by itself. */
  set(next: Iterable<readonly [service: Service, at: Instant | undefined]>): void;
  /** Forgets all of them. */
  clear(): void;
};

export type ChangingPorts<Service> = {
  readonly now: () => Instant;
  readonly later: (after: Duration, work: () => void) => { cancel(): void };
  /** Their time has come. They are forgotten until they are set again. */
  readonly look: (services: readonly Service[]) => void;
};

export function createChangingServices<Service>({
  now,
  later,
  look,
}: ChangingPorts<Service>): ChangingServices<Service> {
  const due = new Map<Service, Instant>();
  let timer: { cancel(): void } | undefined;

  function arm(): void {
    timer?.cancel();
    let first: Instant | undefined;
    for (const at of due.values()) if (first === undefined || at < first) first = at;
    timer = first === undefined ? undefined : later(between(now(), first), ring);
  }

  function ring(): void {
    const at = now();
    const services = [...due].filter(([, when]) => when <= at).map(([service]) => service);
    for (const service of services) due.delete(service);
    arm();
    if (services.length > 0) look(services);
  }

  return {
    set(next) {
      for (const [service, at] of next)
        if (at === undefined) due.delete(service);
        else due.set(service, at);
      arm();
    },
    clear() {
      due.clear();
      arm();
    },
  };
}
