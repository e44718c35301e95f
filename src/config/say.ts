/**
 * Every sentence that the config language reports besides those about single options (`base/option-say.ts`) and those about
 * [[vrrp]] (`say-vrrp.ts`): what is wrong, then what was expected or what to do. Each is seen once in `test/golden/config/`.
 */

import { quoted } from '../base/option-say.ts';

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

  // [[service]]
  serviceTwice: (key: string, line: number) =>
    `${key} is the service at line ${line} already, expected another address or protocol`,
  serverTwice: (address: string, line: number) =>
    `server ${address} is in this service at line ${line} already, expected it once`,
  notFloated: (address: string) =>
    `${address} is no address of any [[vrrp]], so it does not move to the other director with them`,
  everyPort: () => 'port 0 (every port) needs persistence, expected a port, or persistence = "5m"',
  quorumTooHigh: (quorum: number, servers: number) =>
    `quorum is ${quorum}, expected at most ${servers}, the number of servers`,
  allZero: () => 'every server has weight 0, so the service gets no connections',
  noCheck: (name: string) => `service ${quoted(name)} has no [service.check]: every server counts as up`,
  portKept: (forward: string, port: number) =>
    `forward = ${quoted(forward)} leaves the port as it is, expected the service's port ${port}`,
  everyPortServer: () => 'port 0 is every port, expected it for both the service and its servers, or for neither',
  familiesMixed: (forward: string, server: number, service: number) =>
    `an IPv${server} server behind an IPv${service} service, which forward = ${quoted(forward)} cannot do, expected IPv${service}, or forward = "tun"`,

  // [service.check]
  slowTimeout: () => 'timeout is longer than interval: a server that hangs is probed less often, and fails later',
  udpProbed: (type: string) =>
    `a ${quoted(type)} check probes with TCP the port of a UDP service: add the port that says how the server is`,
  portNeeded: () => 'a service on every port has no port to probe, expected port in [service.check]',
  sourceFamily: (source: string, server: number) =>
    `source is ${quoted(source)}, expected an IPv${server} address, as the servers have`,
  probeFromVirtual: (source: string) =>
    `source is ${quoted(source)}, a virtual address, which the director in backup does not have, expected its own`,
  tlsOnly: (key: string) => `${key} has no effect with type = "http", expected type = "https"`,
  caUnused: () => 'ca has no effect with verify = false',
  noBody: () => 'body with method = "HEAD", whose answer has none, expected method = "GET"',

  // [[alert]]
  programPath: (program: string) => `command runs ${quoted(program)}, expected an absolute path`,
} satisfies Record<string, (...details: never[]) => string>;
