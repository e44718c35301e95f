/** Rules of checks that go through IPVS: what can go there, and which marks are theirs. */

import { ip } from '../base/address.ts';
import { placeOf } from '../base/option.ts';
import { PROBE_MARKS } from '../ipvs/probe-services.ts';
import type { ServiceConfig, Via } from './config.ts';
import { canGoThrough, viaOf } from './probe-path.ts';
import type { CheckDraft, IpvsDraft, Rules, ServiceDraft } from './rules.ts';
import { sayIpvs } from './say-ipvs.ts';
import { probedAt } from './service-words.ts';

export function checkPaths(services: readonly ServiceDraft[], ipvs: IpvsDraft, rules: Rules): void {
  for (const service of services) for (const check of service.checks ?? []) checkVia(service, check, rules);
  if (!rules.sound) return;
  // All of the file could be read, so nothing is missing.
  checkMarks(services as readonly ServiceConfig[], ipvs.firstProbeMark ?? 0, rules);
}

function checkVia(service: ServiceDraft, check: CheckDraft, rules: Rules): void {
  const { type, via } = check;
  if (!via || via === 'direct') return;
  const why = refusal(service, type, via);
  if (why !== undefined) rules.error(placeOf(rules, check, 'via'), why);
}

function refusal(service: ServiceDraft, type: string | undefined, via: Via): string | undefined {
  const { addresses, forward, servers = [] } = service;
  if (type !== undefined && !canGoThrough(type)) return sayIpvs.viaOfKind(via, type);
  if (addresses?.length === 0) return sayIpvs.viaWithoutAddress(via);
  const nat = servers.some((server) => (server.forward ?? forward) === 'nat') || forward === 'nat';
  return nat ? sayIpvs.viaByNat(via) : undefined;
}

/** No service of the file has one of them. */
function checkMarks(services: readonly ServiceConfig[], first: number, rules: Rules): void {
  if (!services.some(goesThrough)) return;
  for (const { fwmarks } of services)
    for (const [i, mark] of fwmarks.entries())
      if (first <= mark && mark < first + PROBE_MARKS)
        rules.error(placeOf(rules, fwmarks, String(i)), sayIpvs.markOfProbes(mark, first, PROBE_MARKS));
}

/** A server that is still to be found, as far as it is known. */
const ANY = { address: { address: ip('0.0.0.0'), port: 0 }, forward: null, tunnel: null } as const;

const goesThrough = (service: ServiceConfig): boolean =>
  service.checks.some((check) =>
    [...service.servers, ...(service.discovery.length > 0 ? [ANY] : [])].some((server) => {
      const { port } = probedAt(service, check, server.address);
      return viaOf(service, check, server, port) !== 'direct';
    }),
  );
