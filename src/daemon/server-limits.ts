/** The upper thresholds that servers ask for, by an agent. */

import type { ServerDefinition, ServiceDefinition } from '../ipvs/desired.ts';
import type { Place } from '../pool/weights.ts';

/**
 * The service with the thresholds that its servers ask for, by their place in it; the very same when none does. A server that
 * is another one by it has the place of the one that it is.
 */
export function withLimits(
  service: ServiceDefinition,
  limitOf: (index: number) => number | null,
  places: Map<ServerDefinition, Place>,
): ServiceDefinition {
  let limited = false;
  const servers = service.servers.map((server, i) => {
    const upperThreshold = limitOf(i);
    if (upperThreshold === null) return server;
    limited = true;
    const other = { ...server, upperThreshold, lowerThreshold: Math.min(server.lowerThreshold, upperThreshold) };
    places.set(other, places.get(server) ?? 'absent');
    return other;
  });
  return limited ? { ...service, servers } : service;
}
