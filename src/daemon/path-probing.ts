/**
 * Probes through IPVS, as the checker process has them: the services that they go by, what the machine must be set to for their
 * answers to be taken, and whose fault it is when one does not come back.
 */

import type { Result } from '../base/result.ts';
import type { Instant } from '../base/time.ts';
import type { Prober, ProbeTarget } from '../checkers/probe.ts';
import { createThroughProber } from '../checkers/through.ts';
import type { Homes } from '../config/active.ts';
import type { CheckConfig, IpvsConfig, ServiceConfig } from '../config/config.ts';
import { acceptLocal, type Values } from '../ipvs/settings.ts';
import type { Ipvs } from '../system/ipvs.ts';
import type { Rtnetlink } from '../system/rtnetlink.ts';
import type { Sysctl } from '../system/sysctl.ts';
import { createPathGuard } from './path-guard.ts';
import { createProbePaths, type ProbePaths, type Sources } from './probe-paths.ts';
import { receiversAt } from './probe-receivers.ts';
import { probeSources } from './probe-source.ts';
import { isMaster, isMasterOfAny, type RouterRole } from './roles.ts';
import type { ProbeWish } from './shared-probes.ts';

export type PathProbingPorts = {
  readonly now: () => Instant;
  readonly rtnetlink: Pick<Rtnetlink, 'addresses' | 'links' | 'routesTo'>;
  readonly openIpvs: () => Promise<Result<Ipvs, { readonly message: string }>>;
  readonly sysctl: Sysctl;
  readonly createProber: (check: CheckConfig, target: ProbeTarget) => Prober;
  /** The config's part in it, and the roles, as they are now. */
  readonly ipvs: () => IpvsConfig | undefined;
  readonly roles: () => readonly RouterRole[];
  /** Has the kernel's table looked at, or its settings. */
  readonly restore: (what: 'service' | 'setting') => void;
  readonly complain: (what: string, detail: string) => void;
};

export type PathProbing = Pick<ProbePaths, 'configure' | 'wanted' | 'isOne' | 'any' | 'status' | 'close'> & {
  /** The addresses to probe these services from. Virtual ones, be they of routers or of the services, are none. */
  sources(services: readonly ServiceConfig[], virtual: readonly string[]): Promise<Sources>;
  /** The wish, with its ways through IPVS where the check goes there. */
  withWays(wish: ProbeWish, of: Parameters<ProbePaths['through']>): ProbeWish;
  /** What the machine must be set to, for these probes. */
  settingsFor(wishes: readonly ProbeWish[]): Promise<Values>;
  createProber(check: CheckConfig, target: ProbeTarget): Prober;
  /** Roles have changed from `before` to those that are now. */
  rolesChanged(before: readonly RouterRole[], homes: Homes): void;
};

export function createPathProbing(ports: PathProbingPorts): PathProbing {
  const { rtnetlink, sysctl } = ports;
  const paths = createProbePaths();
  let receivers: readonly string[] = [];
  let kernel: Ipvs | undefined;

  const guard = createPathGuard({
    now: ports.now,
    async read(ids) {
      if (kernel === undefined) {
        const opened = await ports.openIpvs();
        if (!opened.ok) return undefined;
        kernel = opened.value;
      }
      const read = await kernel.read(ids);
      if (read.ok) return read.value;
      // The module may have been loaded anew, and then answers to another number.
      kernel.close();
      kernel = undefined;
      return undefined;
    },
    async own() {
      const read = await rtnetlink.addresses();
      return new Set(read.ok ? read.value.map(({ prefix }) => prefix.address) : []);
    },
    idle,
    deaf,
    restore: ports.restore,
    complain: ports.complain,
  });

  /** With `backup_only` what is sent here goes to the master, and that one answers for any of its servers. */
  function idle(): string | null {
    const ipvs = ports.ipvs();
    if (ipvs === undefined || ipvs.sync === null) return null;
    if (isMasterOfAny(ports.roles(), ipvs.sync.vrrp) === true) return null;
    const only = sysctl.read(['ipv4', 'vs', 'backup_only']);
    return only.ok && only.value !== '0' ? 'this director is backup, and directs nothing (backup_only)' : null;
  }

  function deaf(): string | null {
    const isOff = (name: string): boolean => {
      const read = sysctl.read(['ipv4', 'conf', name, 'accept_local']);
      return read.ok && read.value === '0';
    };
    // Of the two the greater counts.
    const [off] = isOff('all') ? receivers.filter(isOff) : [];
    return off === undefined
      ? null
      : `answers from a virtual address are dropped: net.ipv4.conf.${off}.accept_local is 0`;
  }

  return {
    configure: paths.configure,
    wanted: paths.wanted,
    isOne: paths.isOne,
    any: paths.any,
    status: paths.status,
    close() {
      paths.close();
      kernel?.close();
      kernel = undefined;
    },
    sources: (services, virtual) => {
      const { addresses } = paths.ends;
      const servers = services.flatMap((service) => service.servers.map(({ address }) => address.address));
      return probeSources(rtnetlink, [...servers, ...addresses], new Set<string>([...virtual, ...addresses]));
    },
    withWays(wish, of) {
      const through = paths.through(...of);
      return through === undefined ? wish : { ...wish, target: { ...wish.target, through } };
    },
    async settingsFor(wishes) {
      const sources = wishes.flatMap(({ target }) =>
        (target.through?.targets ?? []).flatMap(({ source }) => source ?? []),
      );
      receivers = await receiversAt(rtnetlink, new Set(sources));
      return acceptLocal(receivers);
    },
    createProber(check, target) {
      const create = (at: ProbeTarget): Prober => ports.createProber(check, at);
      if (target.through === undefined) return create(target);
      return createThroughProber(target, target.through, { create, vouch: guard.vouch });
    },
    rolesChanged(before, homes) {
      const now = ports.roles();
      const fresh = now.filter(({ router, family, master }) => master && isMaster(before, router, family) !== true);
      const routers = new Set(fresh.map(({ router }) => router));
      guard.became([...homes].flatMap(([address, router]) => (routers.has(router) ? [address] : [])));
    },
  };
}
