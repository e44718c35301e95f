/**
 * Stands between the probes through IPVS and the verdicts: what this director itself does wrong on that way must condemn no
 * server. Only a failure is looked into, so what is well costs nothing.
 */

import { familyOf } from '../base/address.ts';
import { type Duration, type Instant, instant } from '../base/time.ts';
import type { ProbeResult, ProbeTarget } from '../checkers/probe.ts';
import { createTakeoverGuard } from '../health/takeover-guard.ts';
import { type ServiceId, serviceKey, type Table } from '../ipvs/table.ts';

export type PathGuardPorts = {
  readonly now: () => Instant;
  /** Those services of the kernel; `undefined`: they cannot be read. */
  readonly read: (ids: readonly ServiceId[]) => Promise<Table | undefined>;
  /** The addresses that this machine has now. */
  readonly own: () => Promise<ReadonlySet<string>>;
  /** Why IPVS directs nothing here at all now; `null`: it does. */
  readonly idle: () => string | null;
  /** Why answers from an address of this machine would not be taken; `null`: they are. */
  readonly deaf: () => string | null;
  /** A service that a probe goes by, or a setting that it needs, was taken away: it is to be put back. */
  readonly restore: (what: 'service' | 'setting') => void;
  /** Says what is wrong, and the same again only once in a while. */
  readonly complain: (what: string, detail: string) => void;
};

export type PathGuard = {
  /** The result, or a local error in its place where the failure is this director's. */
  vouch(target: ProbeTarget, result: ProbeResult): Promise<ProbeResult>;
  /** This director became master of these virtual addresses. */
  became(addresses: readonly string[]): void;
};

/** What is known of a failed probe's surroundings, as they are after it. */
type Seen = { readonly table: Table | undefined; readonly own: ReadonlySet<string> };

export function createPathGuard(ports: PathGuardPorts): PathGuard {
  const takeover = createTakeoverGuard();
  let asked = new Map<string, ServiceId>();
  let running: Promise<Seen> | undefined;
  let next: Promise<Seen> | undefined;

  async function look(): Promise<Seen> {
    const ids = [...asked.values()];
    asked = new Map();
    const [table, own] = await Promise.all([ports.read(ids), ports.own()]);
    return { table, own };
  }

  /** Read after this call: one look serves all that fail while another one is under way. */
  function see(id: ServiceId): Promise<Seen> {
    asked.set(serviceKey(id), id);
    next ??= (running ?? Promise.resolve()).then(() => {
      next = undefined;
      running = look();
      return running;
    });
    return next;
  }

  async function faultOf(target: ProbeTarget, began: Instant): Promise<string | null> {
    const { address } = target.address;
    const id = idOf(target);
    const { table, own } = await see(id);
    if (table === undefined) return 'the IPVS table cannot be read';
    if (!table.get(serviceKey(id))?.destinations.length) {
      ports.restore('service');
      return `the kernel has lost its service, ${serviceKey(id)}`;
    }
    const deaf = own.has(address) && id.family === 4 ? ports.deaf() : null;
    if (deaf !== null) {
      ports.restore('setting');
      return deaf;
    }
    if (takeover.heard(address, id.fwmark, false, began))
      return `nothing by ${address} comes back since this director became master`;
    return null;
  }

  async function vouch(target: ProbeTarget, result: ProbeResult): Promise<ProbeResult> {
    const idle = target.source === null ? 'this director has no address of its own to probe from' : ports.idle();
    if (idle !== null) return ours(result, idle);
    if (result.outcome === 'local-error') return result;
    const began = instant(ports.now() - result.took);
    if (result.outcome === 'up') {
      takeover.heard(target.address.address, idOf(target).fwmark, true, began);
      return result;
    }
    const fault = await faultOf(target, began);
    if (fault === null) return result;
    ports.complain('probes through IPVS say nothing about servers', fault);
    return ours(result, fault);
  }

  return {
    vouch,
    became(addresses) {
      for (const address of addresses) takeover.became(address, ports.now());
    },
  };
}

const idOf = ({ address: { address }, mark }: ProbeTarget) => ({ fwmark: mark ?? 0, family: familyOf(address) });

const ours = ({ took }: { readonly took: Duration }, fault: string): ProbeResult => ({
  outcome: 'local-error',
  reason: `cannot probe through IPVS: ${fault}`,
  took,
});
