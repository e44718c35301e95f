/**
 * Every sentence that the config language reports besides those about single options (`base/option-say.ts`), those about
 * [[vrrp]] (`say-vrrp.ts`) and those about the servers of a service taken together (`say-pool.ts`): what is wrong, then what
 * was expected or what to do. Each is seen once in `test/golden/config/`.
 */

import { writeDuration } from '../base/option.ts';
import { quoted } from '../base/option-say.ts';
import type { Duration } from '../base/time.ts';

/** Where the same was said before. */
export const as = (section: string, line: number): string => `as in the ${section} at line ${line}`;

export const say = {
  // The file as TOML
  notUtf8: () => 'a byte that is no UTF-8, expected a file in UTF-8',
  unexpected: (found: string, expected: string) => `unexpected ${found}, expected ${expected}`,
  keyTwice: (key: string) =>
    ['vrrp', 'vrrp.track', 'service', 'service.server', 'alert'].includes(key)
      ? `${quoted(key)} is there twice, expected [[${key}]] in double brackets each time, above what belongs to it`
      : `${quoted(key)} is there twice, expected it once`,
  tableClosed: (key: string) => `table ${quoted(key)} is written out elsewhere, expected all its keys in that place`,
  arrayClosed: (key: string) => `${quoted(key)} is a list written out elsewhere, expected either that or [[${key}]]`,
  integerTooLarge: () => 'a whole number of more than 64 bits, expected a smaller one',
  badEscape: () => 'a backslash that begins no escape, expected \\\\ for a backslash, or text in single quotes',
  tooDeep: (depth: string) => `lists and tables inside each other, expected at most ${depth} deep`,
  badValue: (what: string) => `${what}, expected a value as in TOML`,

  // Between sections
  nothing: () => 'no [[vrrp]] and no [[service]], so there is nothing to do',
  nameTwice: (name: string, section: string, line: number) =>
    `name is ${quoted(name)}, ${as(section, line)}, expected a name of its own`,

  // [director]
  ownPeer: (own: string) => `peers has ${quoted(own)}, where this director itself listens, expected only the others`,
  unseen: (listen: string | undefined) =>
    `peers are asked, and cannot ask back: listen in [metrics] is ${listen === undefined ? 'false' : quoted(listen)}, expected an address that they reach, as in "10.0.0.2:9790"`,

  // [[service]]
  serviceTwice: (key: string, line: number) =>
    `${key} is the service at line ${line} already, expected another address, protocol or mark`,
  serverTwice: (address: string, line: number) =>
    `server ${address} is in this service at line ${line} already, expected it once`,
  notFloated: (address: string) =>
    `${address} is no address of any [[vrrp]], so it does not move to the other director with them`,
  everyPort: () => 'port 0 (every port) needs persistence, expected a port, or persistence = "5m"',
  noListener: () =>
    'missing "address" or "fwmark" in [[service]], expected what clients use, as in address = "192.0.2.10:80", or fwmark = 1',
  noMarks: () => 'fwmark_family has no effect without fwmark',
  tooManyPorts: (many: number, most: number) =>
    `${many} ports and marks, each of which is a service to the kernel, expected at most ${most}: let nftables mark the packets, and use fwmark`,
  tooManyEntries: (most: number) =>
    `each address, port and mark is a service to the kernel, with all the servers: more than ${most} entries with those above, expected fewer: let nftables mark the packets, and use fwmark`,
  strangeFlag: (flag: string, scheduler: string) =>
    `flag ${quoted(flag)}, which scheduler ${quoted(scheduler)} does not have`,
  opsOfStreams: (protocol: string) =>
    `ops with protocol = ${quoted(protocol)}, expected "udp": other packets need their connection`,
  engineOfStreams: (engine: string, protocol: string) =>
    `persistence_engine = ${quoted(engine)} with protocol = ${quoted(protocol)}, expected "udp", the only one that it reads`,
  notPersistent: (key: string) => `${key} without persistence, expected persistence = "5m"`,
  noTunnel: () => 'tunnel has no effect here, expected forward = "tun"',
  guePort: () => 'a "gue" tunnel without a port, expected port, at which the server listens for it',
  notOfTunnel: (key: string, type: string) => `${key} with type ${quoted(type)}, a tunnel that has none`,
  remcsum: () => 'checksum = "remcsum" is of "gue" tunnels alone, expected "csum" or "none"',
  thresholds: (lower: number, upper: number) =>
    `lower_threshold is ${lower}, expected at most ${upper}, the upper_threshold`,
  allZero: () => 'every server has weight 0, so the service gets no connections',
  noCheck: (name: string) => `service ${quoted(name)} has no [service.check]: every server counts as up`,
  noChecks: (names: readonly string[], many: number) =>
    `services ${names.map(quoted).join(', ')} and ${many - names.length} more have no [service.check]: every server counts as up`,
  portKept: (forward: string, port: number | null) =>
    `forward = ${quoted(forward)} leaves the port as it is, expected ${port === null ? 'no port' : `no port, or the service's port ${port}`}`,
  everyPortServer: () => 'the service is for every port (0), expected a server without a port',
  familiesMixed: (forward: string, server: number, service: number) =>
    `an IPv${server} server behind an IPv${service} service, which forward = ${quoted(forward)} cannot do, expected IPv${service}, or forward = "tun"`,

  // masquerade of [[service]]
  masqueradesNat: (forward: string) =>
    `masquerade with forward = ${quoted(forward)}, by which servers answer to clients themselves, expected forward = "nat"`,
  masqueradesNatServer: (server: string, forward: string) =>
    `forward of server ${server} is ${quoted(forward)} in a service with masquerade, expected "nat" of all its servers`,
  masqueradesConnections: () =>
    'masquerade with ops = true, expected one of the two: without a connection there is nothing that an answer could belong to',
  masqueradeFamily: (address: string, server: number) =>
    `masquerade is ${quoted(address)}, expected an IPv${server} address, as the servers have`,
  masqueradeTracked: (service: string) =>
    `conntrack = false with masquerade in service ${quoted(service)}, which needs it, expected no conntrack, or true`,

  // [service.check]
  slowFast: () => 'fast_interval is longer than interval, so it takes longer to see that a server has failed',
  fastBackup: () => 'backup_interval has no effect, since interval is not shorter',
  oneCheck: (checks: number) =>
    `checks_needed has no effect with ${checks === 0 ? 'no check' : 'one check'}: it says how several count`,
  slowTimeout: () => 'timeout is longer than interval: a server that hangs is probed less often, and fails later',
  probedByTcp: (type: string, protocol: string) =>
    `a ${quoted(type)} check probes with TCP the port of a service of ${quoted(protocol)}: add the port that says how the server is`,
  portNeeded: () =>
    'which port to probe cannot be told: the service has several, or none, and so has a server; expected port in [service.check]',
  sourceFamily: (source: string, server: number) =>
    `source is ${quoted(source)}, expected an IPv${server} address, as the servers have`,
  probeFromVirtual: (source: string) =>
    `source is ${quoted(source)}, a virtual address, which the director in backup does not have, expected its own`,
  tlsOnly: (key: string, expected: string) => `${key} has no effect without TLS, expected ${expected}`,
  tlsTwice: () => 'starttls and tls, expected one of them: what is secured from its start needs no STARTTLS',
  halfCertificate: (key: string, other: string) => `${key} without ${other}, expected both, or neither`,
  phaseTooLong: (key: string, limit: Duration, timeout: Duration) =>
    `${key} is ${quoted(writeDuration(limit))}, expected at most ${quoted(writeDuration(timeout))}, the timeout of the whole probe`,
  sendTwice: () => 'send and send_hex in one step, expected one of them, or two steps',
  expectNotAlone: () =>
    'expect_not without expect, expected both: when expect matches, it is clear that expect_not did not come',
  emptyStep: () => 'a step that neither sends nor expects anything, expected send, send_hex or expect',
  caUnused: () => 'ca has no effect with verify = false',
  noBody: (key: string) => `${key} with method = "HEAD", whose answer has no body, expected method = "GET"`,
  weightTwice: () => 'weight_json beside weight_header, expected one of them',
  agentPort: () =>
    'missing "port" in [service.check] with type = "agent", expected the port of the agent, which is not that of the service',
  noConnection: (key: string, type: string) =>
    `${key} has no effect with type = ${quoted(type)}, which opens no connection`,

  // [[alert]]
  programPath: (program: string) => `command runs ${quoted(program)}, expected an absolute path`,
} satisfies Record<string, (...details: never[]) => string>;
