/** The data of records as people write it in a config: checked, and in the one form that `dataText` of dns.ts has. */

import { familyOf, type IpAddress, parseIp } from '../base/address.ts';
import { err, ok, type Result } from '../base/result.ts';
import { parseName, type RecordType } from './dns.ts';

/** What the data of a type is, to complete "expected ...". */
const FORMS: Readonly<Record<RecordType, string>> = {
  A: 'an IPv4 address',
  AAAA: 'an IPv6 address',
  NS: 'a name',
  CNAME: 'a name',
  PTR: 'a name',
  MX: 'a preference and a name, as in "10 mail.example.net"',
  SRV: 'priority, weight, port and a name, as in "0 5 443 www.example.net"',
  TXT: 'text',
  SOA: 'two names and the serial, as in "ns1.example.net hostmaster.example.net 2026010100"',
};

/** The canonical form of `written` as data of that type; or what was expected. */
export function parseData(type: RecordType, written: string): Result<string, string> {
  const text = canonical(type, written);
  return text === undefined ? err(FORMS[type]) : ok(text);
}

function canonical(type: RecordType, written: string): string | undefined {
  switch (type) {
    case 'A':
      return addressOf(4, written);
    case 'AAAA':
      return addressOf(6, written);
    case 'NS':
    case 'CNAME':
    case 'PTR':
      return named(written);
    case 'MX':
      return fields(written, [SIXTEEN, named]);
    case 'SRV':
      return fields(written, [SIXTEEN, SIXTEEN, SIXTEEN, named]);
    case 'SOA':
      return fields(written, [named, named, upTo(0xffffffff)]);
    case 'TXT':
      return written;
  }
}

function addressOf(family: 4 | 6, written: string): IpAddress | undefined {
  const address = parseIp(written);
  return address !== undefined && familyOf(address) === family ? address : undefined;
}

type Field = (written: string) => string | undefined;

const named: Field = (written) => {
  const name = parseName(written);
  return name.ok ? name.value : undefined;
};

const upTo =
  (most: number): Field =>
  (written) =>
    /^\d{1,10}$/.test(written) && Number(written) <= most ? String(Number(written)) : undefined;

const SIXTEEN = upTo(0xffff);

/** Fields with white space between them, each in its own form. */
function fields(written: string, forms: readonly Field[]): string | undefined {
  const parts = written.trim().split(/\s+/);
  const read = parts.map((part, i) => forms[i]?.(part));
  return parts.length === forms.length && read.every((part) => part !== undefined) ? read.join(' ') : undefined;
}
