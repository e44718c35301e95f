/** Rules of [service.check]: what a probe can reach, what its options have to do with each other and with the service. */

import { familyOf } from '../base/address.ts';
import { isGiven, placeOf } from '../base/option.ts';
import type {
  CheckConfig,
  DnsCheckConfig,
  FileCheckConfig,
  HttpCheckConfig,
  PingCheckConfig,
  SmtpCheckConfig,
  TcpCheckConfig,
  UdpCheckConfig,
} from './config.ts';
import { type CheckDraft, checkNames, type Draft, type Rules, type ServiceDraft, type Virtual } from './rules.ts';
import { checkConnection } from './rules-connection.ts';
import { checkDns, checkPing, checkUdp } from './rules-datagram.ts';
import { checkSmtp, checkTcp } from './rules-dialogue.ts';
import { checkFile, hasFileAPort } from './rules-local.ts';
import { say } from './say.ts';
import { commonPort } from './service-words.ts';

/** The kinds that connect over TCP: of a service that is not TCP they see another thing than its clients do. */
const OVER_TCP: ReadonlySet<string> = new Set<CheckConfig['type']>(['tcp', 'http', 'https', 'smtp', 'grpc']);
/** The kinds that probe no port. */
const WITHOUT_PORT: ReadonlySet<string> = new Set<CheckConfig['type']>(['exec', 'file', 'ping']);

export function checkChecks(service: ServiceDraft, virtual: Virtual, rules: Rules): void {
  const { checks = [] } = service;
  checkNames(checks, '[[service.check]]', rules);
  for (const check of checks) {
    checkTimes(check, rules);
    checkPort(service, check, rules);
    checkSource(service, check, virtual, rules);
    checkConnection(check, rules);
    checkKind(check, rules);
  }
  if (checks.length < 2 && isGiven(rules, service, 'checksNeeded'))
    rules.warn(placeOf(rules, service, 'checksNeeded'), say.oneCheck(checks.length));
}

function checkTimes(check: CheckDraft, rules: Rules): void {
  const { timeout, interval } = check;
  const at = (name: string): number => placeOf(rules, check, name);
  if (timeout !== undefined && interval !== undefined && timeout > interval)
    rules.warn(at('timeout'), say.slowTimeout());
  if (interval === undefined) return;
  const { fastInterval: fast, backupInterval: backup } = check;
  if (fast && fast > interval) rules.warn(at('fastInterval'), say.slowFast());
  if (backup && backup <= interval) rules.warn(at('backupInterval'), say.fastBackup());
}

function checkPort(service: ServiceDraft, check: CheckDraft, rules: Rules): void {
  const { addresses, fwmarks, protocol, servers = [] } = service;
  if (check.type === undefined || check.port !== null) return;
  if (check.type === 'agent') return rules.error(placeOf(rules, check), say.agentPort());
  if (WITHOUT_PORT.has(check.type) && !hasFileAPort(check)) return;
  const byTcp = protocol === undefined || protocol === 'tcp' || addresses?.length === 0;
  if (!byTcp && OVER_TCP.has(check.type))
    rules.warn(placeOf(rules, check, 'type'), say.probedByTcp(check.type, protocol));
  if (addresses === undefined || fwmarks === undefined || commonPort(service) !== undefined) return;
  if (servers.some(({ address }) => address?.port === 0)) rules.error(placeOf(rules, check), say.portNeeded());
}

function checkSource(service: ServiceDraft, check: CheckDraft, virtual: Virtual, rules: Rules): void {
  const { source } = check;
  if (!source) return;
  const at = placeOf(rules, check, 'source');
  const stranger = service.servers?.find((s) => s.address && familyOf(s.address.address) !== familyOf(source));
  if (stranger?.address) rules.error(at, say.sourceFamily(source, familyOf(stranger.address.address)));
  if (virtual.has(source)) rules.error(at, say.probeFromVirtual(source));
}

/** What only one kind has. */
function checkKind(check: CheckDraft, rules: Rules): void {
  switch (check.type) {
    case 'tcp':
      return checkTcp(check as Draft<TcpCheckConfig>, rules);
    case 'udp':
      return checkUdp(check as Draft<UdpCheckConfig>, rules);
    case 'dns':
      return checkDns(check as Draft<DnsCheckConfig>, rules);
    case 'ping':
      return checkPing(check as Draft<PingCheckConfig>, rules);
    case 'smtp':
      return checkSmtp(check as Draft<SmtpCheckConfig>, rules);
    case 'file':
      return checkFile(check as Draft<FileCheckConfig>, rules);
    case 'http':
    case 'https':
      return checkHttp(check as Draft<HttpCheckConfig>, rules);
  }
}

function checkHttp(check: Draft<HttpCheckConfig>, rules: Rules): void {
  const at = (name: string): number => placeOf(rules, check, name);
  const { body, bodyAbsent, json = {}, weightHeader, weightJson } = check;
  const reading = [
    ['body', 'body', body],
    ['bodyAbsent', 'body_absent', bodyAbsent],
    ['json', 'json', Object.keys(json).length > 0],
    ['weightJson', 'weight_json', typeof weightJson === 'string'],
  ] as const;
  for (const [name, key, wanted] of reading)
    if (wanted && check.method === 'HEAD') rules.error(at(name), say.noBody(key));
  if (weightHeader && typeof weightJson === 'string') rules.error(at('weightJson'), say.weightTwice());
}
