/** The ways through IPVS that checks ask for: which there are, the mark of each, and the services of the kernel that they go by. */

import { familyOf, type IpAddress } from '../base/address.ts';
import type { ProbeTarget, Through } from '../checkers/probe.ts';
import type { CheckConfig, ServerConfig, ServiceConfig } from '../config/config.ts';
import { viaOf, type Way, waysTo } from '../config/probe-path.ts';
import { probedAt } from '../config/service-words.ts';
import type { ProbeServiceStatus } from '../control/status.ts';
import { assignMarks, isProbeService, type Marks, type Path, pathKey, probeServices } from '../ipvs/probe-services.ts';
import type { ServiceId, Table } from '../ipvs/table.ts';

/** Own addresses by where a probe is to go; without one, or with `null`, the kernel chooses. */
export type Sources = ReadonlyMap<IpAddress, IpAddress | null>;

export type ProbePaths = {
  /** Takes the services over. `first`: the first of the marks. */
  configure(services: readonly ServiceConfig[], first: number): void;
  /** What the kernel is to have for them, given what it has and which of it is ours. */
  wanted(actual: Table, owned: ReadonlySet<string>): Table;
  /** Whether a service of the kernel is one of these. */
  isOne(id: ServiceId): boolean;
  /** Whether there are any. */
  any(): boolean;
  status(): readonly ProbeServiceStatus[];
  /** The virtual addresses, and the servers behind them, that probes go to and by. */
  readonly ends: { readonly addresses: ReadonlySet<IpAddress>; readonly servers: ReadonlySet<IpAddress> };
  /** How a check goes to a server through IPVS; `undefined`: it does not. */
  through(service: ServiceConfig, server: ServerConfig, check: CheckConfig, sources: Sources): Through | undefined;
  /** None is wanted any more. */
  close(): void;
};

export function createProbePaths(): ProbePaths {
  let first = 0;
  let paths: ReadonlyMap<string, Path> = new Map();
  let marks: Marks = new Map();
  let ends = { addresses: new Set<IpAddress>(), servers: new Set<IpAddress>() };

  function assign(actual: Table, owned: ReadonlySet<string>): void {
    marks = assignMarks(paths.values(), first, { before: marks, actual, owned });
  }

  return {
    configure(services, mark) {
      first = mark;
      const ways = services.flatMap((service) => service.servers.flatMap((server) => waysOf(service, server)));
      paths = new Map(ways.map(({ path }) => [pathKey(path), path]));
      ends = {
        addresses: new Set(ways.map(({ to }) => to.address)),
        servers: new Set(ways.map(({ path }) => path.server)),
      };
    },
    wanted(actual, owned) {
      assign(actual, owned);
      return probeServices(paths.values(), marks);
    },
    isOne: (id) => isProbeService(id, first),
    any: () => paths.size > 0,
    status: () =>
      [...paths.values()].flatMap(({ family, server, forward, ...path }) => {
        const fwmark = marks.get(pathKey({ family, server, forward, ...path }));
        return fwmark === undefined ? [] : [{ fwmark, family, server, forward }];
      }),
    get ends() {
      return ends;
    },
    through(service, server, check, sources) {
      const { port } = probedAt(service, check, server.address);
      const via = viaOf(service, check, server, port);
      if (via === 'direct') return undefined;
      // Where the table could not be read yet, they are told apart by it later on.
      if (marks.size === 0) assign(new Map(), new Set());
      const ways = waysTo(service, server, port);
      const [
        {
          path: { forward },
        } = NOWHERE,
      ] = ways;
      const targets = ways.flatMap((way) => targetOf(way, check, marks.get(pathKey(way.path)), sources));
      return targets.length === 0 ? undefined : { forward, both: via === 'both', targets };
    },
    close() {
      paths = new Map();
    },
  };
}

const NOWHERE = { path: { forward: 'dr' } } as const;

/** The ways that some check of the service takes to the server. */
function waysOf(service: ServiceConfig, server: ServerConfig): readonly Way[] {
  for (const check of service.checks) {
    const { port } = probedAt(service, check, server.address);
    // The ways of another check are by the same addresses: its port alone is another.
    if (viaOf(service, check, server, port) !== 'direct') return waysTo(service, server, port);
  }
  return [];
}

/** The answer comes to the source, which must not be a virtual address: the server has that one too, and keeps it. */
function targetOf(
  { to, path }: Way,
  check: CheckConfig,
  mark: number | undefined,
  sources: Sources,
): readonly ProbeTarget[] {
  if (mark === undefined) return [];
  const towards = familyOf(path.server) === path.family ? path.server : to.address;
  const given = check.source !== null && familyOf(check.source) === path.family ? check.source : undefined;
  const source = given ?? sources.get(towards) ?? null;
  // By one source port, probes to one virtual address would be one connection to IPVS, whatever their marks.
  return [{ address: to, source, sourcePort: null, device: check.device, mark }];
}
