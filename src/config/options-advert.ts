/** The tables of options of [[vrrp]] about whom adverts are for, and how they are signed. */

import { choice, duration, integer, list } from '../base/option-kinds.ts';
import { absolutePath, hostAddress } from '../base/option-net.ts';
import { inlineTable, textOrTable, variant } from '../base/option-tables.ts';

const PEER = {
  address: { is: hostAddress, doc: 'Address that adverts are sent to, and received from.' },
  min_ttl: {
    is: integer(1, 255),
    default: 255,
    doc: 'Least TTL of an advert from it. 255: from this very network. Each router on the way takes one: 253 lets two of them be between.',
  },
  max_ttl: { is: integer(1, 255), default: 255, doc: 'Greatest TTL of an advert from it.' },
} as const;
export const peer = textOrTable(
  'peers of [[vrrp]]',
  'A unicast peer. An advert whose TTL is outside of the two bounds is refused; by default that is every one that a router has forwarded.',
  'address',
  PEER,
);

const KEY = {
  id: { is: integer(1, 255), doc: 'Number of the key; the same on all directors.' },
  file: {
    is: absolutePath,
    doc: 'File with the key, in hexadecimal or as it is; root alone may be able to read it.',
  },
} as const;
const key = inlineTable(
  'keys of [vrrp.auth]',
  'a table { id, file }',
  'A key. To change keys: add the new one everywhere, then make it `active` everywhere, then take the old one away.',
  KEY,
);

const passOptions = {
  file: { is: absolutePath, doc: 'File with the password, 1 to 8 bytes; root alone may be able to read it.' },
} as const;
const hmacOptions = {
  keys: { is: list(key, 1, 256, false), doc: 'All keys by which an advert may be signed.' },
  active: {
    is: integer(1, 255),
    default: null,
    absent: 'the first',
    doc: 'The `id` of the key that our adverts are signed with.',
  },
  mode: {
    is: choice('receive-only', 'permissive', 'enforce'),
    default: 'enforce',
    doc: '`"enforce"` signs and refuses what is not signed; `"permissive"` signs and accepts what is not; `"receive-only"` signs nothing. A pair that works is moved in the order `"receive-only"`, `"permissive"`, `"enforce"`, each step on all directors.',
  },
  replay: {
    is: choice('time', 'monotonic'),
    default: 'time',
    doc: 'How an advert that was recorded and sent again is known: `"time"`, its date must be near our clock\'s; `"monotonic"`, its date must be after the last one\'s, which asks for no clock.',
  },
  window: {
    is: duration('1s', '5m', '1s'),
    default: null,
    absent: 'three intervals, at least 5s',
    doc: 'How far dates may be apart with `replay = "time"`.',
  },
} as const;
export const auth = variant('[vrrp.auth]', 'How adverts are signed, and whose are accepted.', {
  doc: 'Kind of authentication.',
  common: {},
  branches: { pass: passOptions, hmac: hmacOptions },
  docs: {
    pass: 'The password of VRRP version 2 (RFC 2338): anybody on the network can read it. For old peers only.',
    hmac: "HMAC-SHA256 in a trailer behind each advert: keepalived's `auth_hmac`.",
  },
});
