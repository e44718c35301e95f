/** Options of the DNS check, besides those of every check. */

import { choice, oneOrMore, parsed, text, yesNo } from '../../base/option-kinds.ts';
import { parseName, RCODE_NAMES, type RecordType, TYPE } from '../../wire/dns.ts';

const dnsName = parsed({
  expected: 'a DNS name, as in "www.example.net"',
  parse: parseName,
  write: (name) => name,
});

export const dnsOptions = {
  query: { is: dnsName, doc: 'Name that is asked for; `.` is the root.' },
  query_type: {
    is: choice(...(Object.keys(TYPE) as RecordType[])),
    default: 'A',
    doc: 'Type of record that is asked for.',
  },
  transport: {
    is: choice('udp', 'tcp'),
    default: 'udp',
    doc: 'What carries the query. An answer that does not fit into UDP is asked for again over TCP, in the same probe.',
  },
  recursion: { is: yesNo, default: true, doc: 'Whether the server is to ask others when it does not know (RD).' },
  rcode: {
    is: oneOrMore(choice(...RCODE_NAMES), RCODE_NAMES.length, 1),
    default: 'NOERROR',
    as: 'rcodes',
    doc: 'Code, or list of codes, that the answer may have.',
  },
  answer: {
    is: oneOrMore(text('text of 1 to 4,096 characters', /^[^\0]{1,4096}$/), 64, 1),
    default: null,
    absent: 'whatever is answered, even that there is no record',
    as: 'answers',
    doc: 'Record, or list of records, that must be among the answers, each as in a zone file: `"10.0.0.21"`, `"10 mail.example.net"`.',
  },
} as const;
