/** The kinds of value that name things: ours, those of a host, those of its networks. */

import { familyOf, formatPrefix, type IpAddress, type Prefix, parseIp, parsePrefix } from './address.ts';
import type { Kind } from './option.ts';
import { list, parsed, text } from './option-kinds.ts';
import { say } from './option-say.ts';
import { isMulticast, networkOf } from './prefix.ts';
import { err, ok } from './result.ts';

/** Names go into paths of the control API, metric labels and command lines. */
export const name = text(
  'a name of 1 to 64 letters, digits and . _ - : @ [ ]',
  /^[\p{L}\p{N}._:@[\]-]{1,64}$/u,
  // It is a part of file names, where each byte beyond ASCII takes three characters, of 255 (NAME_MAX).
  (value) => (encodeURIComponent(value).length > 200 ? 'which is too long in UTF-8' : undefined),
);

/** IFNAMSIZ is 16 with the final zero; the kernel refuses `/`, `:` and white space (dev_valid_name). */
export const interfaceName = text('the name of an interface, 1 to 15 characters', /^(?!\.{1,2}$)[^\s/:]{1,15}$/);

export const absolutePath = text('an absolute path', /^\/[^\0]*$/);

/** As useradd(8) has them. */
export const userName = text('the name of a user', /^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/);

const words = list(text('text in quotes', /^[^\0]*$/), 1, 1000, false);
/** A program by its absolute path, and its arguments. */
export const command: Kind<readonly string[]> = {
  ...words,
  expected: 'a list: a program by its absolute path, and its arguments',
  read(value, key, reading) {
    const [first] = value.type === 'array' ? value.items : [];
    if (first?.type !== 'string' || first.value.startsWith('/')) return words.read(value, key, reading);
    reading.error(first.at, say.wrong(key, first, 'a program by its absolute path'));
    return undefined;
  },
};

/** Why an address is not that of one host; `undefined`: it is. */
export function refuseHost(address: IpAddress): string | undefined {
  // The first number of IPv4: what follows it is not read.
  const first = familyOf(address) === 4 ? Number.parseInt(address, 10) : undefined;
  if (address === '::' || first === 0) return 'which is no host';
  const many = first === undefined ? isMulticast(address) : first >= 224;
  return many ? 'which is multicast, broadcast or reserved' : undefined;
}

const addressThat = (expected: string, refuse: (address: IpAddress) => string | undefined): Kind<IpAddress> =>
  parsed({
    expected,
    parse(written) {
      const address = parseIp(written);
      if (address === undefined) return err(written.includes('/') ? 'which has a prefix length' : '');
      const why = refuse(address);
      return why === undefined ? ok(address) : err(why);
    },
    write: (value) => value,
  });

export const hostAddress = addressThat('an IP address', refuseHost);
export const multicastGroup = addressThat('a multicast address', (address) =>
  isMulticast(address) ? undefined : 'which is not multicast',
);

/** A host's address in its network. */
export const hostPrefix: Kind<Prefix> = parsed({
  expected: 'an address with its prefix length, as in "192.0.2.10/24" or "2001:db8::10/64"',
  parse(written) {
    const prefix = parsePrefix(written);
    if (prefix === undefined) return err('');
    const whole = familyOf(prefix.address) === 4 ? '/32' : '/128';
    if (!written.includes('/')) return err(`which has no prefix length ("${whole}" adds the address alone)`);
    const why = refuseHost(prefix.address);
    return why === undefined ? ok(prefix) : err(why);
  },
  write: formatPrefix,
});

/** A network: an address whose bits behind the prefix are zero. */
export const network: Kind<Prefix> = parsed({
  expected: 'a network, as in "10.0.0.0/8" or "2001:db8::/32"',
  parse(written) {
    if (written === 'default') return err('which is of no family: "0.0.0.0/0" or "::/0"');
    const prefix = parsePrefix(written);
    if (prefix === undefined) return err('');
    const base = networkOf(prefix);
    if (base !== prefix.address) return err(`which is a host in ${base}/${prefix.length}`);
    return ok(prefix);
  },
  write: formatPrefix,
});
