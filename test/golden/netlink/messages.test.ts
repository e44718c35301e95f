import assert from 'node:assert/strict';
import test from 'node:test';
import { ip } from '../../../src/base/address.ts';
import { toHex } from '../../../src/base/bytes.ts';
import { ok, type Result } from '../../../src/base/result.ts';
import { mac } from '../../../src/wire/ethernet.ts';
import {
  type Attributes,
  decodeAttributes,
  decodeMessages,
  type Message,
  NLMSG_HEADER,
  type Table,
  writeAttributes,
  writeMessage,
} from '../../../src/wire/netlink.ts';
import { decodeAddress, IFA, writeAddress } from '../../../src/wire/netlink-address.ts';
import { raw } from '../../../src/wire/netlink-codec.ts';
import { decodeDone, decodeError, describeMessage } from '../../../src/wire/netlink-error.ts';
import { CTRL_ATTRS, decodeFamily, writeGetFamily } from '../../../src/wire/netlink-generic.ts';
import {
  decodeIpvs,
  describeIpvs,
  destinationEntry,
  IPVS_CMD_ATTRS,
  IPVS_STATS64,
  type ServiceEntry,
  serviceAttributes,
  serviceEntry,
  serviceKeyAttributes,
  writeIpvs,
} from '../../../src/wire/netlink-ipvs.ts';
import {
  type DaemonEntry,
  daemonAttributes,
  daemonEntry,
  daemonKeyAttributes,
  writeIpvsConfig,
} from '../../../src/wire/netlink-ipvs-config.ts';
import { decodeLink, describeLink, IFLA, writeMacvlan, writeSetLink } from '../../../src/wire/netlink-link.ts';
import { decodeRoute, decodeTableRoute, RTA, writeGetRoute, writeRoute } from '../../../src/wire/netlink-route.ts';
import { decodeRule, FRA, writeRule } from '../../../src/wire/netlink-rule.ts';
import { newSink, type Sink, written } from '../../../src/wire/netlink-sink.ts';
import { goldenMessages } from './messages.ts';

const WEB = { protocol: 'tcp', address: { address: ip('192.0.2.10'), port: 80 } } as const;

/** How each kind of message is read, the length of its fixed header, and the table of what follows. */
type Kind = {
  decode: (message: Message) => Result<unknown, string>;
  header?: number;
  table?: Table<never>;
};
const KINDS: Readonly<Record<string, Kind>> = {
  ctrl: { decode: (m) => decodeFamily(m.payload), header: 4, table: CTRL_ATTRS as Table<never> },
  ipvs: { decode: decodeEntry, header: 4, table: IPVS_CMD_ATTRS as Table<never> },
  daemon: { decode: decodeDaemon, header: 4, table: IPVS_CMD_ATTRS as Table<never> },
  config: { decode: decodeTimeouts, header: 4, table: IPVS_CMD_ATTRS as Table<never> },
  address: { decode: (m) => decodeAddress(m.payload), header: 8, table: IFA as Table<never> },
  route: { decode: (m) => decodeRoute(m.payload), header: 12, table: RTA as Table<never> },
  link: { decode: (m) => decodeLink(m.payload), header: 16, table: IFLA as Table<never> },
  // What iproute2 writes without the NUL that the kernel writes: compared with ours, not read.
  linkrequest: { decode: () => ok(null) },
  entry: { decode: (m) => decodeTableRoute(m.payload), header: 12, table: RTA as Table<never> },
  rule: { decode: (m) => decodeRule(m.payload), header: 12, table: FRA as Table<never> },
  error: { decode: withoutText(decodeError) },
  done: { decode: withoutText(decodeDone) },
};

function decodeEntry({ payload }: Message): Result<unknown, string> {
  const read = decodeIpvs(payload);
  if (!read.ok) return read;
  const { IPVS_CMD_ATTR_SERVICE: service, IPVS_CMD_ATTR_DEST: destination } = read.value;
  return destination === undefined ? serviceEntry(service ?? {}) : destinationEntry(destination, WEB);
}

function decodeDaemon({ payload }: Message): Result<unknown, string> {
  const read = decodeIpvs(payload);
  return read.ok ? daemonEntry(read.value.IPVS_CMD_ATTR_DAEMON ?? {}) : read;
}

function decodeTimeouts({ payload }: Message): Result<unknown, string> {
  const read = decodeIpvs(payload);
  if (!read.ok) return read;
  const {
    IPVS_CMD_ATTR_TIMEOUT_TCP: tcp,
    IPVS_CMD_ATTR_TIMEOUT_TCP_FIN: fin,
    IPVS_CMD_ATTR_TIMEOUT_UDP: udp,
  } = read.value;
  return ok({ tcp, fin, udp });
}

function withoutText(decode: typeof decodeError) {
  return (message: Message): Result<unknown, string> => {
    const read = decode(message);
    return read.ok ? ok({ errno: read.value.errno }) : read;
  };
}

const goldens = goldenMessages();
const golden = (name: string): Uint8Array => goldens.find((one) => one.name === name)?.bytes ?? new Uint8Array(0);

function only(bytes: Uint8Array): Message {
  const messages = decodeMessages(bytes);
  assert.ok(messages.ok, JSON.stringify(messages));
  assert.equal(messages.value.length, 1);
  return messages.value[0] as Message;
}

const bytesOf = (write: (sink: Sink) => void): Uint8Array => {
  const sink = newSink(16);
  write(sink);
  return written(sink);
};

/** Attributes as they lie, without the flag for nests, which requests have and the kernel's own messages do not. */
function split(bytes: Uint8Array): string[] {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
    const part = Uint8Array.from(bytes.subarray(at, at + length));
    part[3] = (part[3] as number) & 0x3f;
    parts.push(toHex(part));
    at += (length + 3) & ~3;
  }
  return parts.sort();
}

test('the golden file has messages of every kind', () => {
  assert.deepEqual(new Set(goldens.map((one) => one.kind)), new Set(Object.keys(KINDS)));
  assert.equal(goldens.length, 45);
});

for (const { name, kind, value, bytes } of goldens) {
  const { decode, header = 0, table } = KINDS[kind] as Kind;

  if (value !== undefined)
    test(`${name} decodes to what the command said`, () => {
      assert.deepEqual(decode(only(bytes)), { ok: true, value: value ?? undefined });
    });

  test(`${name} is framed as it was`, () => {
    const { payload, ...rest } = only(bytes);
    assert.equal(toHex(bytesOf((sink) => writeMessage(sink, rest, (s) => raw().write(s, payload)))), toHex(bytes));
  });

  if (table !== undefined)
    test(`${name} read and written again has the same attributes, known and unknown`, () => {
      const attributes = only(bytes).payload.subarray(header);
      const read = decodeAttributes(table, attributes);
      assert.ok(read.ok, JSON.stringify(read));
      const again = bytesOf((sink) => writeAttributes(sink, table, read.value as Attributes<never>));
      assert.deepEqual(split(again), split(attributes));
    });

  test(`${name} cut short at any length is refused, and never throws`, () => {
    for (let length = 1; length < bytes.length; length++)
      assert.deepEqual(decodeMessages(bytes.subarray(0, length)), { ok: false, error: 'truncated' });
    const message = only(bytes);
    for (let length = 0; length < message.payload.length; length++)
      decode({ ...message, payload: message.payload.subarray(0, length) });
  });
}

test('what we ask for, ipvsadm and ip ask for with the same bytes', () => {
  const payload = (name: string): string => toHex(golden(name).subarray(NLMSG_HEADER));
  const service = (name: string) => goldens.find((one) => one.name === name)?.value as ServiceEntry;
  const requests: Readonly<Record<string, (sink: Sink) => void>> = {
    'service-added': (sink) => writeIpvs(sink, 'NEW_SERVICE', serviceAttributes(service('service-added'))),
    'service-added-ipv6': (sink) => writeIpvs(sink, 'NEW_SERVICE', serviceAttributes(service('service-added-ipv6'))),
    'servers-asked': (sink) => writeIpvs(sink, 'GET_DEST', serviceKeyAttributes(WEB)),
  };
  for (const [name, write] of Object.entries(requests)) assert.equal(toHex(bytesOf(write)), payload(name), name);

  const family = golden('family-asked').subarray(NLMSG_HEADER + 4);
  assert.deepEqual(split(bytesOf((sink) => writeGetFamily(sink, 'IPVS')).subarray(4)), split(family));
  const route = golden('route-asked').subarray(NLMSG_HEADER + 12);
  assert.deepEqual(split(bytesOf((sink) => writeGetRoute(sink, ip('203.0.113.7'))).subarray(12)), split(route));
  for (const name of [
    ...['address-added', 'address-added-ipv6', 'address-labelled', 'address-with-a-peer', 'address-deprecated'],
  ]) {
    const read = decodeAddress(only(golden(name)).payload);
    assert.ok(read.ok && read.value !== undefined);
    const { value } = read;
    const ours = bytesOf((sink) => writeAddress(sink, value));
    assert.equal(toHex(ours.subarray(0, 8)), payload(name).slice(0, 16), name);
    for (const attribute of split(golden(name).subarray(NLMSG_HEADER + 8)))
      assert.ok(split(ours.subarray(8)).includes(attribute), `${name}: ${attribute}`);
  }
});

test('what we ask for of timeouts and sync daemons, ipvsadm asks for with the same bytes', () => {
  const payload = (name: string): string => toHex(golden(name).subarray(NLMSG_HEADER));
  const daemon = (name: string) => ({
    IPVS_CMD_ATTR_DAEMON: daemonAttributes(goldens.find((one) => one.name === name)?.value as DaemonEntry),
  });
  const timeouts = {
    ...{ IPVS_CMD_ATTR_TIMEOUT_TCP: 600, IPVS_CMD_ATTR_TIMEOUT_TCP_FIN: 60, IPVS_CMD_ATTR_TIMEOUT_UDP: 30 },
  };
  const requests: Readonly<Record<string, (sink: Sink) => void>> = {
    'timeouts-set': (sink) => writeIpvsConfig(sink, 'SET_CONFIG', timeouts),
    'timeouts-asked': (sink) => writeIpvsConfig(sink, 'GET_CONFIG'),
    'daemon-started': (sink) => writeIpvsConfig(sink, 'NEW_DAEMON', daemon('daemon-started')),
    'daemon-started-ipv6': (sink) => writeIpvsConfig(sink, 'NEW_DAEMON', daemon('daemon-started-ipv6')),
  };
  for (const [name, write] of Object.entries(requests)) assert.equal(toHex(bytesOf(write)), payload(name), name);
  // ipvsadm says two things more, with nothing in them.
  const ours = bytesOf((sink) =>
    writeIpvsConfig(sink, 'DEL_DAEMON', { IPVS_CMD_ATTR_DAEMON: daemonKeyAttributes('master') }),
  );
  const theirs = golden('daemon-stopped').subarray(NLMSG_HEADER);
  assert.equal(toHex(ours.subarray(0, 4)), toHex(theirs.subarray(0, 4)));
  assert.deepEqual(split(ours.subarray(8)), ['0800010001000000']);
  assert.ok(split(theirs.subarray(8)).includes('0800010001000000'));
});

test('what we ask for of routes, rules and the macvlan, ip asks for with the same attributes', () => {
  const route = (name: string) => decoded(name, decodeTableRoute);
  const rule = (name: string) => decoded(name, decodeRule);
  const requests: Readonly<Record<string, readonly [header: number, write: (sink: Sink) => void]>> = {
    'route-added': [12, (sink) => writeRoute(sink, route('route-added'))],
    'rule-added': [12, (sink) => writeRule(sink, rule('rule-added'))],
    'macvlan-marked': [16, (sink) => writeSetLink(sink, 4, { alias: 'lvskeeper arp_ignore=0' })],
    'macvlan-up': [16, (sink) => writeSetLink(sink, 4, { up: true })],
    'macvlan-added': [16, (sink) => writeMacvlan(sink, { name: 'vrrp4-51', parent: 3, mac: mac('00:00:5e:00:01:33') })],
  };
  for (const [name, [header, write]] of Object.entries(requests)) {
    const theirs = golden(name).subarray(NLMSG_HEADER);
    const ours = bytesOf(write);
    assert.equal(toHex(ours.subarray(0, header)), toHex(theirs.subarray(0, header)), name);
    assert.deepEqual(withoutNul(split(ours.subarray(header))), withoutNul(split(theirs.subarray(header))), name);
  }
  // Here ip leaves out what it leaves to the kernel, and we say it.
  for (const [name, write] of [
    ['route-added-ipv6', (sink: Sink) => writeRoute(sink, { ...route('route-added-ipv6'), metric: null })],
    ['rule-added-ipv6', (sink: Sink) => writeRule(sink, rule('rule-added-ipv6'))],
  ] as const) {
    const theirs = split(golden(name).subarray(NLMSG_HEADER + 12));
    const ours = split(bytesOf(write).subarray(12));
    const said = ours.filter((attribute) => !theirs.includes(attribute));
    assert.deepEqual([ours.length - said.length, said.length], [theirs.length, 1], name);
    assert.match(said[0] ?? '', /^08000f00/, `${name}: the table`);
  }
});

function decoded<T>(name: string, decode: (payload: Uint8Array) => Result<T | undefined, string>): T {
  const read = decode(only(golden(name)).payload);
  assert.ok(read.ok && read.value !== undefined, name);
  return read.value;
}

/** Strings of links end with a NUL in what we write and what the kernel tells, and without one in what iproute2 writes. */
const withoutNul = (attributes: readonly string[]): string[] =>
  attributes.map((hex) =>
    hex.replace(/^1b00(1400.*)00$/, '1a00$1').replace('0c0001006d6163766c616e00', '0b0001006d6163766c616e00'),
  );

test('the statistics of a service, kept as bytes, are counters when asked for', () => {
  const read = decodeIpvs(only(golden('service-told')).payload);
  assert.ok(read.ok);
  const counters = decodeAttributes(
    IPVS_STATS64,
    read.value.IPVS_CMD_ATTR_SERVICE?.IPVS_SVC_ATTR_STATS64 ?? new Uint8Array(0),
  );
  assert.ok(counters.ok);
  const { IPVS_STATS_ATTR_PAD: _, ...rest } = counters.value;
  assert.equal(Object.keys(rest).length, 10);
  assert.ok(Object.values(rest).every((counter) => counter === 0n));
});

test('messages read well in a log', () => {
  assert.equal(describeMessage(only(golden('dump-ended'))), 'DONE seq 1795508021 MULTI, 4 bytes');
  const asked = decodeIpvs(only(golden('servers-asked')).payload);
  assert.ok(asked.ok);
  assert.equal(
    describeIpvs(asked.value),
    'GET_DEST IPVS_CMD_ATTR_SERVICE { IPVS_SVC_ATTR_AF 2, IPVS_SVC_ATTR_PROTOCOL 6, ' +
      'IPVS_SVC_ATTR_ADDR c000020a000000000000000000000000, IPVS_SVC_ATTR_PORT 80 }',
  );
  const link = decodeLink(only(golden('link-told')).payload);
  assert.ok(link.ok);
  assert.equal(describeLink(link.value), 'eth9 (5) 02:00:00:00:00:77 up running lowerUp mtu 1500');
});
