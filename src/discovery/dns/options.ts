/** Options of the discovery by DNS, besides those of every discovery. */

import type { Endpoint } from '../../base/address.ts';
import { formatEndpoint, parseEndpoint, parseIp } from '../../base/address.ts';
import { derived, type Kind } from '../../base/option.ts';
import { choice, duration, list, parsed } from '../../base/option-kinds.ts';
import { refuseHost } from '../../base/option-net.ts';
import { err, ok } from '../../base/result.ts';
import { parseName } from '../../wire/dns.ts';

const DNS_PORT = 53;

/** `10.0.0.53`, or with a port. */
const resolver: Kind<Endpoint> = parsed({
  expected: 'the address of a resolver, with or without port, as in "10.0.0.53"',
  parse(written) {
    const address = parseIp(written);
    const read = address === undefined ? parseEndpoint(written) : { address, port: DNS_PORT };
    const why = read === undefined ? '' : read.port === 0 ? 'which has port 0' : refuseHost(read.address);
    return read !== undefined && why === undefined ? ok(read) : err(why ?? '');
  },
  write: (at) => (at.port === DNS_PORT ? at.address : formatEndpoint(at)),
});

const query: Kind<string> = parsed({
  expected: 'a whole name, as in "web.example.net" or "_http._tcp.web.example.net"',
  parse(written) {
    if (parseIp(written) !== undefined) return err('which is an address');
    return written === '' || written === '.' ? err('') : parseName(written);
  },
  write: (name) => name,
});

export const dnsOptions = {
  query: {
    is: query,
    doc: 'Name that is asked for, always from the root: no search list is used.',
  },
  record: {
    is: choice('address', 'A', 'AAAA', 'SRV'),
    default: derived<'SRV' | 'address'>('`"SRV"` where `query` begins with `_`, else `"address"`', ({ query }) =>
      typeof query === 'string' && query.startsWith('_') ? 'SRV' : 'address',
    ),
    doc: 'Records that are asked for: `"address"` is A and AAAA, of the families that the service can reach; `"SRV"` gives port and weight too.',
  },
  resolvers: {
    is: list(resolver, 1, 8),
    default: null,
    absent: 'those of `/etc/resolv.conf`, read anew each time',
    doc: 'Who is asked, the first that answers.',
  },
  timeout: { is: duration('50ms', '30s'), default: '2s', doc: 'Time for the answer of one resolver.' },
  ttl_min: {
    is: duration('1s', '1d'),
    default: '5s',
    doc: 'It is asked again when the TTL of the answer is over, but not before this. After a failure too: so soon first, then less and less often.',
  },
  ttl_max: { is: duration('1s', '1d'), default: '5m', doc: 'It is asked again after this, however long the TTL.' },
} as const;
