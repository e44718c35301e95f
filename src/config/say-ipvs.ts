/** Every sentence about what does not go together in [ipvs], and in `active` of [[service]]. Each is seen once in `test/golden/config/`. */

import type { Family } from '../base/address.ts';
import { quoted } from '../base/option-say.ts';
import { hint } from './say-vrrp.ts';

export const sayIpvs = {
  // Which router is followed
  routerUnknown: (router: string, names: readonly string[]) =>
    `vrrp is ${quoted(router)}, expected the name of a [[vrrp]]${hint(router, names)}`,
  routerUnused: () => 'vrrp has no effect with active = "always"',
  noHome: (what: string) =>
    `active = "master", and ${what} belongs to no [[vrrp]], expected vrrp, the name of the one to follow`,
  noFamily: (router: string, family: Family) =>
    `active = "master" of an IPv${family} service, and [[vrrp]] ${quoted(router)} has no IPv${family} address, so it would never be there`,

  // Checks through IPVS
  viaOfKind: (via: string, type: string) =>
    `via = ${quoted(via)} with type = ${quoted(type)}, which connects to no address and port, expected via = "direct"`,
  viaWithoutAddress: (via: string) =>
    `via = ${quoted(via)} in a service of marks alone, which has no address to probe, expected via = "direct"`,
  viaByNat: (via: string) =>
    `via = ${quoted(via)} with forward = "nat", whose servers answer by way of the director as they do to a direct probe, expected via = "direct"`,
  markOfProbes: (mark: number, first: number, many: number) =>
    `fwmark ${mark} is one of those of checks through IPVS, ${first} to ${first + many - 1}, expected another, or first_probe_mark in [ipvs]`,

  // [ipvs.sync]
  mixedFamilies: (server: Family, service: Family) =>
    `an IPv${server} server behind an IPv${service} service, which the kernel refuses together with [ipvs.sync], expected IPv${service}`,
  portsAbove: (port: number, ports: number) =>
    `port is ${port}, and sync_ports takes ${ports} of them, expected at most ${65536 - ports}`,

  // [ipvs.sysctl]
  thresholdOrder: (threshold: number, period: number) =>
    `threshold is ${threshold}, expected less than period, ${period}`,
  retriesUnused: () => 'sync_retries has no effect with sync_refresh_period = "0s"',
  templatesAlone: (service: string) =>
    `sync_persist_mode = 1 with sloppy_tcp = false: after a failover connections of service ${quoted(service)}, which is persistent, are not known and end`,
  droprateUnused: () => 'am_droprate has no effect, expected drop_packet = "always"',
  connectionsHang: (service: string) =>
    `expire_nodest_conn = false with on_failure = "remove" in service ${quoted(service)}: connections of a server that fails hang until their timeout`,
  clientsStay: (service: string) =>
    `expire_quiescent_template = false with persistence and on_failure = "quiesce" in service ${quoted(service)}: clients of a server that fails are still sent to it`,
} satisfies Record<string, (...details: never[]) => string>;
