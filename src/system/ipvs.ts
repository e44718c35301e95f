/**
 * The kernel's IPVS table, over generic netlink. It is that of the network namespace in which it was opened.
 *
 * Reading takes one dump for the services and one for each service's destinations, because the kernel offers no other.
 * It is not one moment's picture: what somebody else changes meanwhile may be half seen, as a service without servers.
 * What is asked of one `Ipvs` at once is done in the order asked, each whole.
 */

import { err, ok, type Result } from '../base/result.ts';
import { takingTurns } from '../base/turns.ts';
import {
  type Destination,
  type Operation,
  type Service,
  type ServiceId,
  serviceKey,
  type Table,
} from '../ipvs/table.ts';
import type { Message, WireError } from '../wire/netlink.ts';
import { decodeFamily, GENL_ID_CTRL, writeGetFamily } from '../wire/netlink-generic.ts';
import {
  decodeIpvs,
  destinationAttributes,
  destinationEntry,
  destinationKeyAttributes,
  IPVS_GENL_NAME,
  type IpvsCommand,
  type IpvsMessage,
  serviceAttributes,
  serviceEntry,
  serviceKeyAttributes,
  writeIpvs,
} from '../wire/netlink-ipvs.ts';
import type { Sink } from '../wire/netlink-sink.ts';
import { explain, type Refusal } from './ipvs-refusal.ts';
import { NETLINK, type Netlink, type NetlinkError, openNetlink } from './netlink.ts';

export type { Refusal } from './ipvs-refusal.ts';

export type Ipvs = {
  /**
   * The table as it is, with counts. Services of protocols that have no key in a `Table` are left out, and so never
   * touched. `only`: of these services, which costs no more the more others there are; those that are not there are
   * left out. `assumed`: the servers of a service that need not be asked for, which costs a request; `undefined`: they must.
   */
  read(only?: readonly ServiceId[], assumed?: Assumed): Promise<Result<Table, Refusal>>;
  /** Which services there are, without their servers: one dump, however many servers there are. */
  services(): Promise<Result<Table, Refusal>>;
  /** Makes the changes, in order. A refused one does not stop the others. One answer for each, in the same order. */
  apply(operations: readonly Operation[]): Promise<readonly Result<null, Refusal>[]>;
  /** Requests sent so far: those that change the table, and those that only read it. */
  readonly sent: { readonly reads: number; readonly writes: number };
  close(): void;
};

export type Assumed = (id: ServiceId) => readonly Destination[] | undefined;

export async function openIpvs(): Promise<Result<Ipvs, Refusal>> {
  const opened = await openIpvsFamily();
  if (!opened.ok) return opened;
  return ok(ipvsOver(opened.value));
}

/** `family`: the number that IPVS has there. */
export function ipvsOver({ netlink, family }: { readonly netlink: Netlink; readonly family: number }): Ipvs {
  const inTurn = takingTurns();
  return {
    read: (only, assumed) => inTurn(() => read(netlink, family, only, assumed)),
    services: () => inTurn(() => readServices(netlink, family)),
    apply: (operations) => inTurn(() => apply(netlink, family, operations)),
    sent: netlink.sent,
    close: netlink.close,
  };
}

/** A socket, and the number that the kernel's IPVS answers to. */
export async function openIpvsFamily(): Promise<Result<{ netlink: Netlink; family: number }, Refusal>> {
  const opened = openNetlink(NETLINK.GENERIC);
  if (!opened.ok) return err(refusal('cannot open a generic netlink socket', opened.error));
  const netlink = opened.value;
  const family = await familyId(netlink);
  if (family.ok) return ok({ netlink, family: family.value });
  netlink.close();
  return family;
}

async function familyId(netlink: Netlink): Promise<Result<number, Refusal>> {
  const answer = await netlink.request({ type: GENL_ID_CTRL, payload: (sink) => writeGetFamily(sink, IPVS_GENL_NAME) });
  if (!answer.ok)
    return err(
      answer.error.code === 'ENOENT'
        ? { code: 'ENOENT', message: 'the kernel module ip_vs is not loaded: modprobe ip_vs' }
        : refusal('cannot ask the kernel for IPVS', answer.error),
    );
  const family = decodeFamily(answer.value[0]?.payload ?? new Uint8Array(0));
  return family.ok ? ok(family.value.id) : err(unreadable('the IPVS family', family.error));
}

async function read(
  netlink: Netlink,
  family: number,
  only: readonly ServiceId[] | undefined,
  assumed: Assumed = () => undefined,
): Promise<Result<Table, Refusal>> {
  const services = await readServices(netlink, family, only);
  if (!services.ok) return services;
  const table = new Map<string, Service>();
  for (const [key, service] of services.value) {
    const known = assumed(service.id);
    const destinations = known === undefined ? await destinationsOf(netlink, family, service.id) : ok(known);
    if (!destinations.ok) return destinations;
    table.set(key, { ...service, destinations: destinations.value });
  }
  return ok(table);
}

async function readServices(
  netlink: Netlink,
  family: number,
  only?: readonly ServiceId[],
): Promise<Result<Table, Refusal>> {
  const told = await (only === undefined ? allServices(netlink, family) : theseServices(netlink, family, only));
  if (!told.ok) return err(refusal('cannot read the IPVS services', told.error));
  const table = new Map<string, Service>();
  for (const message of told.value) {
    const entry = decoded(message, (m) => serviceEntry(m.IPVS_CMD_ATTR_SERVICE ?? {}));
    if (!entry.ok) return err(unreadable('an IPVS service', entry.error));
    if (entry.value !== undefined) table.set(serviceKey(entry.value.id), { ...entry.value, destinations: [] });
  }
  return ok(table);
}

const allServices = (netlink: Netlink, family: number) =>
  netlink.dump({ type: family, payload: (sink) => writeIpvs(sink, 'GET_SERVICE') });

async function theseServices(
  netlink: Netlink,
  family: number,
  ids: readonly ServiceId[],
): Promise<Result<readonly Message[], NetlinkError>> {
  const all: Message[] = [];
  for (const id of ids) {
    const payload = (sink: Sink) => writeIpvs(sink, 'GET_SERVICE', serviceKeyAttributes(id));
    const answer = await netlink.request({ type: family, payload });
    if (answer.ok) all.push(...answer.value);
    else if (answer.error.code !== 'ESRCH') return answer;
  }
  return ok(all);
}

async function destinationsOf(
  netlink: Netlink,
  family: number,
  id: ServiceId,
): Promise<Result<readonly Destination[], Refusal>> {
  const payload = (sink: Sink) => writeIpvs(sink, 'GET_DEST', serviceKeyAttributes(id));
  const answer = await netlink.dump({ type: family, payload });
  if (!answer.ok) return err(refusal(`cannot read the servers of ${serviceKey(id)}`, answer.error));
  const destinations: Destination[] = [];
  for (const one of answer.value) {
    const destination = decoded(one, (m) => destinationEntry(m.IPVS_CMD_ATTR_DEST ?? {}, id));
    if (!destination.ok) return err(unreadable(`a server of ${serviceKey(id)}`, destination.error));
    destinations.push(destination.value);
  }
  return ok(destinations);
}

async function apply(
  netlink: Netlink,
  family: number,
  operations: readonly Operation[],
): Promise<readonly Result<null, Refusal>[]> {
  const answers = await netlink.batch(
    operations.map((operation) => ({ type: family, payload: (sink: Sink) => writeOperation(sink, operation) })),
  );
  return operations.map((operation, i) => {
    const answer = answers[i] as Result<null, NetlinkError>;
    return answer.ok ? answer : err(explain(operation, answer.error.code, answer.error.message));
  });
}

/** The command of each operation. A deletion names its service or destination and no more. */
const COMMAND: Readonly<Record<Operation['op'], IpvsCommand>> = {
  'add-service': 'NEW_SERVICE',
  'set-service': 'SET_SERVICE',
  'delete-service': 'DEL_SERVICE',
  'add-destination': 'NEW_DEST',
  'set-destination': 'SET_DEST',
  'delete-destination': 'DEL_DEST',
};

function writeOperation(sink: Sink, operation: Operation): void {
  const command = COMMAND[operation.op];
  switch (operation.op) {
    case 'add-service':
    case 'set-service':
      return writeIpvs(sink, command, serviceAttributes(operation.service));
    case 'delete-service':
      return writeIpvs(sink, command, serviceKeyAttributes(operation.service.id));
    case 'add-destination':
    case 'set-destination':
      return writeIpvs(
        sink,
        command,
        serviceKeyAttributes(operation.service),
        destinationAttributes(operation.destination),
      );
    case 'delete-destination':
      return writeIpvs(
        sink,
        command,
        serviceKeyAttributes(operation.service),
        destinationKeyAttributes(operation.destination),
      );
  }
}

function decoded<T>(message: Message, pick: (m: IpvsMessage) => Result<T, WireError>): Result<T, WireError> {
  const read = decodeIpvs(message.payload);
  return read.ok ? pick(read.value) : read;
}

export const refusal = (what: string, error: NetlinkError): Refusal => ({
  code: error.code,
  message: `${what}: ${error.code === 'EPERM' ? 'not permitted: run as root or with CAP_NET_ADMIN' : error.message}`,
});

export const unreadable = (what: string, error: WireError): Refusal => ({
  code: 'EBADMSG',
  message: `the kernel's answer about ${what} cannot be read (${error}): please report this, with the output of uname -r`,
});
