/** Rules of checks that go through IPVS: what can go there, and which marks are theirs. */

import { placeOf } from '../base/option.ts';
import { PROBE_MARKS, pathKey } from '../ipvs/probe-services.ts';
import type { CheckConfig, ServerConfig, ServiceConfig, Via } from './config.ts';
import { canGoThrough, viaOf, waysTo } from './probe-path.ts';
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

/** There is one for each way, and no service of the file has one of them. */
function checkMarks(services: readonly ServiceConfig[], first: number, rules: Rules): void {
  const paths = new Set<string>();
  for (const service of services) {
    for (const server of service.servers)
      for (const check of service.checks) for (const key of waysOf(service, check, server)) paths.add(key);
    if (paths.size > PROBE_MARKS)
      return rules.error(placeOf(rules, service, 'checks'), sayIpvs.tooManyPaths(PROBE_MARKS));
  }
  if (paths.size === 0) return;
  for (const { fwmarks } of services)
    for (const [i, mark] of fwmarks.entries())
      if (first <= mark && mark < first + PROBE_MARKS)
        rules.error(placeOf(rules, fwmarks, String(i)), sayIpvs.markOfProbes(mark, first, PROBE_MARKS));
}

function waysOf(service: ServiceConfig, check: CheckConfig, server: ServerConfig): readonly string[] {
  const { port } = probedAt(service, check, server.address);
  return viaOf(service, check, server, port) === 'direct'
    ? []
    : waysTo(service, server, port).map(({ path }) => pathKey(path));
}
