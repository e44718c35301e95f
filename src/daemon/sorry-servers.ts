/** The sorry servers of a service, as the kernel is told of them and as it has them. */

import type { ServiceConfig } from '../config/config.ts';
import { describeServer } from '../config/service-words.ts';
import type { SorryStatus } from '../control/status.ts';
import type { ServerDefinition, ServiceDefinition } from '../ipvs/desired.ts';
import type { Table } from '../ipvs/table.ts';
import type { SorryStanding } from '../pool/sorry.ts';
import { destinationIn } from './kernel-view.ts';

const PLAIN = { forward: null, tunnel: null, upperThreshold: 0, lowerThreshold: 0 } as const;

const whole = new WeakMap<ServiceConfig, ServiceDefinition>();

/** The service with its sorry servers behind its servers. Of one service always the same value. */
export function withSorry(service: ServiceConfig): ServiceDefinition {
  const { servers, sorryServers } = service;
  if (sorryServers.length === 0) return service;
  let found = whole.get(service);
  if (found === undefined) {
    const sorry = sorryServers.map((address): ServerDefinition => ({ ...PLAIN, address }));
    found = { ...service, servers: [...servers, ...sorry] };
    whole.set(service, found);
  }
  return found;
}

/** In the order of the config. */
export const sorryIn = (kernel: Table, service: ServiceConfig): readonly SorryStanding[] =>
  service.sorryServers.map((address) => {
    const there = destinationIn(kernel, service, { address });
    const { active = 0, inactive = 0 } = there?.counts ?? {};
    return { present: there?.weight ?? null, connections: active + inactive };
  });

export const sorryStatus = (kernel: Table, service: ServiceConfig): readonly SorryStatus[] =>
  service.sorryServers.map((address) => {
    const there = destinationIn(kernel, service, { address });
    return {
      address: describeServer(service, address),
      weight: there?.weight ?? null,
      connections: there?.counts ?? null,
    };
  });
