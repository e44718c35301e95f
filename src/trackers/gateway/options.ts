/** Options of a tracked gateway, besides those of everything tracked. */

import { type IpAddress, parseIp } from '../../base/address.ts';
import { derived } from '../../base/option.ts';
import { duration, integer, parsed } from '../../base/option-kinds.ts';
import { refuseHost } from '../../base/option-net.ts';
import { isLinkLocal } from '../../base/prefix.ts';
import { err, ok } from '../../base/result.ts';
import { type Duration, milliseconds } from '../../base/time.ts';

const gateway = parsed<IpAddress | 'default'>({
  expected: 'an IP address, or "default"',
  parse(written) {
    if (written === 'default') return ok(written);
    const address = parseIp(written);
    if (address === undefined) return err('');
    const why = isLinkLocal(address) ? 'which is on every link, and so on none in particular' : refuseHost(address);
    return why === undefined ? ok(address) : err(why);
  },
  write: (value) => value,
});

export const gatewayOptions = {
  gateway: {
    is: gateway,
    doc: 'Neighbour that must answer ARP, or neighbour solicitations; `"default"`: that of the default route, of IPv4 unless there is none.',
  },
  interval: { is: duration('100ms', '1h'), default: '1s', doc: 'Time between two questions.' },
  timeout: {
    is: duration('10ms', '5m'),
    default: derived<Duration>('`interval`, at most `1s`', ({ interval }) =>
      milliseconds(Math.min((interval as Duration | undefined) ?? 1000, 1000)),
    ),
    doc: 'How long an answer may take.',
  },
  rise: { is: integer(1, 100), default: 1, doc: 'Answers in a row that bring it back.' },
  fall: { is: integer(1, 100), default: 3, doc: 'Questions in a row without an answer that fail it.' },
} as const;
