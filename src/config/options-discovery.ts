/** The options of [[service.discovery]]. */

import { derived, type Kind, type Same } from '../base/option.ts';
import { integer, wrong } from '../base/option-kinds.ts';
import { name } from '../base/option-net.ts';
import { variant } from '../base/option-tables.ts';
import { dnsOptions } from '../discovery/dns/options.ts';
import { fileOptions } from '../discovery/file/options.ts';
import { httpOptions } from '../discovery/http/options.ts';
import type { Quota } from '../pool/quorum.ts';
import type { DiscoveryConfig } from './discovery-config.ts';
import { percent } from './options-pool.ts';
import { SERVER } from './options-service.ts';

const number = integer(0, 10_000);
const share = percent(0);
const MAX_REMOVED = `${number.expected}, or ${share.expected}`;
const maxRemoved: Kind<Quota> = {
  expected: MAX_REMOVED,
  schema: () => ({ anyOf: [number.schema(), share.schema()] }),
  read(value, key, reading) {
    if (value.type === 'integer') return number.read(value, key, reading);
    if (value.type !== 'string') return wrong(value, key, reading, MAX_REMOVED);
    const read = share.read(value, key, reading);
    return read === undefined ? undefined : { percent: read };
  },
  write: (value) => (typeof value === 'number' ? value : share.write(value.percent)),
};

/** What every discovery has. */
const DISCOVERY = {
  name: {
    is: name,
    default: derived<string>('its type', ({ type }) => type as string | undefined),
    doc: 'Name in `status`, events and metrics, of which no other discovery of the service has the same. What was found last is kept by this name.',
  },
  port: {
    is: integer(1, 65535),
    default: null,
    absent: "the service's",
    doc: 'Port of servers that are found without one.',
  },
  weight: { ...SERVER.weight, doc: 'IPVS weight of servers that are found without one, while up.' },
  forward: { ...SERVER.forward, doc: 'How packets reach the servers that are found.' },
  tunnel: { ...SERVER.tunnel, doc: 'Their tunnel, with `"tun"`.' },
  upper_threshold: SERVER.upper_threshold,
  lower_threshold: SERVER.lower_threshold,
  max_removed: {
    is: maxRemoved,
    default: '50%',
    doc: 'How many of the servers that it has found one answer may take out, a number of them or a share. An answer that would take out more is held back: what is new in it comes in, what is missing stays. One without any server is never followed.',
  },
  confirm_after: {
    is: integer(0, 1000),
    default: 10,
    doc: 'An answer that is held back is followed all the same once it came so often in a row; 0: only when `lvskeeper accept-servers` says so.',
  },
} as const;

export const discovery = variant('[service.discovery]', 'Where servers come from, besides those of the file.', {
  doc: 'Kind of discovery.',
  common: DISCOVERY,
  branches: { dns: dnsOptions, file: fileOptions, http: httpOptions },
  docs: {
    dns: 'Servers are the addresses of a name, or what its SRV records lead to.',
    file: 'Servers are listed in a file, in the form of the file_sd_config of Prometheus.',
    http: 'Servers are listed by a web server, in the form of the http_sd_config of Prometheus.',
  },
});

true satisfies Same<typeof discovery extends Kind<infer T> ? T : never, DiscoveryConfig>;
