/** Timeouts, settings and sync daemons of the kernel's IPVS: of the network namespace that the process is in. */

import { err, ok, type Result } from '../base/result.ts';
import {
  type Daemon,
  describeSetting,
  type Found,
  isTimeout,
  receiverOf,
  type SettingsOperation,
  TIMEOUTS,
  type TimeoutName,
} from '../ipvs/settings.ts';
import { SYSCTL_NAMES } from '../ipvs/sysctls.ts';
import type { WireError } from '../wire/netlink.ts';
import { decodeIpvs, type IpvsMessage } from '../wire/netlink-ipvs.ts';
import {
  daemonAttributes,
  daemonEntry,
  daemonKeyAttributes,
  type IpvsConfigAttributes,
  type IpvsConfigCommand,
  writeIpvsConfig,
} from '../wire/netlink-ipvs-config.ts';
import type { Sink } from '../wire/netlink-sink.ts';
import { openIpvsFamily, type Refusal, refusal, unreadable } from './ipvs.ts';
import type { Netlink, NetlinkError, Request } from './netlink.ts';
import { openSysctl, type Sysctl } from './sysctl.ts';

export type IpvsSettings = {
  /**
   * `more`: names, of which those of settings that are not of IPVS (`acceptLocal`) are read besides. A setting that this
   * kernel lacks is left out.
   */
  read(more?: readonly string[]): Promise<Result<Found, Refusal>>;
  /** Makes the changes one after the other; a refused one does not stop the others. One answer for each, in the same order. */
  apply(operations: readonly SettingsOperation[]): Promise<readonly Result<null, Refusal>[]>;
  close(): void;
};

export async function openIpvsSettings(sysctl: Sysctl = openSysctl()): Promise<Result<IpvsSettings, Refusal>> {
  const opened = await openIpvsFamily();
  if (!opened.ok) return opened;
  const { netlink, family } = opened.value;
  const request = (command: IpvsConfigCommand, attributes?: IpvsConfigAttributes): Request => ({
    type: family,
    payload: (sink: Sink) => writeIpvsConfig(sink, command, attributes),
  });
  return ok({
    async read(more = []) {
      const timeouts = await readTimeouts(netlink, request('GET_CONFIG'));
      if (!timeouts.ok) return timeouts;
      const daemons = await readDaemons(netlink, request('GET_DAEMON'));
      if (!daemons.ok) return daemons;
      const sysctls = readSysctls(sysctl, more);
      if (!sysctls.ok) return sysctls;
      return ok({ values: new Map([...timeouts.value, ...sysctls.value]), daemons: daemons.value });
    },
    async apply(operations) {
      const answers: Result<null, Refusal>[] = [];
      for (const operation of operations) {
        const asked = requestOf(operation);
        if (asked === undefined) answers.push(setSysctl(sysctl, operation));
        else {
          const [answer] = await netlink.batch([request(...asked)]);
          answers.push(answer?.ok === false ? err(explain(operation, answer.error)) : ok(null));
        }
      }
      return answers;
    },
    close: netlink.close,
  });
}

type Entries = readonly (readonly [name: string, value: string])[];

const ATTRIBUTE = {
  timeout_tcp: 'IPVS_CMD_ATTR_TIMEOUT_TCP',
  timeout_tcp_fin: 'IPVS_CMD_ATTR_TIMEOUT_TCP_FIN',
  timeout_udp: 'IPVS_CMD_ATTR_TIMEOUT_UDP',
} as const satisfies Record<TimeoutName, keyof IpvsMessage>;

/** A kernel without one of the protocols tells nothing of its timeouts. */
async function readTimeouts(netlink: Netlink, request: Request): Promise<Result<Entries, Refusal>> {
  const answer = await netlink.request(request);
  if (!answer.ok) return err(refusal('cannot read the timeouts of IPVS', answer.error));
  const read = decodeIpvs(answer.value[0]?.payload ?? new Uint8Array(0));
  if (!read.ok) return err(unreadable('the timeouts of IPVS', read.error));
  return ok(
    TIMEOUTS.flatMap((name) => {
      const value = read.value[ATTRIBUTE[name]];
      return value === undefined ? [] : [[name, String(value)] as const];
    }),
  );
}

async function readDaemons(netlink: Netlink, request: Request): Promise<Result<readonly Daemon[], Refusal>> {
  const answer = await netlink.dump(request);
  if (!answer.ok) return err(refusal('cannot read the sync daemons of IPVS', answer.error));
  const daemons: Daemon[] = [];
  for (const { payload } of answer.value) {
    const daemon = daemonFrom(payload);
    if (!daemon.ok) return err(unreadable('a sync daemon of IPVS', daemon.error));
    daemons.push(daemon.value);
  }
  return ok(daemons);
}

function daemonFrom(payload: Uint8Array): Result<Daemon, WireError> {
  const read = decodeIpvs(payload);
  return read.ok ? daemonEntry(read.value.IPVS_CMD_ATTR_DAEMON ?? {}) : read;
}

function readSysctls(sysctl: Sysctl, more: readonly string[]): Result<Entries, Refusal> {
  const found: [string, string][] = [];
  const receivers = more.filter((name) => receiverOf(name) !== undefined);
  for (const name of new Set([...SYSCTL_NAMES, ...receivers])) {
    const read = sysctl.read(partsOf(name));
    if (read.ok) found.push([name, read.value]);
    else if (read.error.code !== 'ENOENT') return read;
  }
  return ok(found);
}

/** Its parts below `net`. The name of an interface may have dots in it. */
function partsOf(name: string): readonly string[] {
  const device = receiverOf(name);
  return device === undefined ? name.split('.').slice(1) : ['ipv4', 'conf', device, 'accept_local'];
}

function setSysctl(sysctl: Sysctl, operation: SettingsOperation): Result<null, Refusal> {
  if (operation.op !== 'set') return ok(null);
  const written = sysctl.write(partsOf(operation.name), operation.value);
  return written.ok ? ok(null) : written;
}

/** `undefined`: it is not asked for over netlink. */
function requestOf(
  operation: SettingsOperation,
): readonly [command: IpvsConfigCommand, attributes: IpvsConfigAttributes] | undefined {
  switch (operation.op) {
    case 'start-daemon':
      return ['NEW_DAEMON', { IPVS_CMD_ATTR_DAEMON: daemonAttributes(operation.daemon) }];
    case 'stop-daemon':
      return ['DEL_DAEMON', { IPVS_CMD_ATTR_DAEMON: daemonKeyAttributes(operation.daemon.state) }];
    case 'set':
      return isTimeout(operation.name)
        ? ['SET_CONFIG', { [ATTRIBUTE[operation.name]]: Number(operation.value) }]
        : undefined;
  }
}

function explain(operation: SettingsOperation, { code, message }: NetlinkError): Refusal {
  return { code, message: `${describeSetting(operation)}: ${reason(operation, code) ?? `${message} (${code})`}` };
}

function reason(operation: SettingsOperation, code: string): string | undefined {
  if (code === 'EPERM') return 'not permitted: run as root or with CAP_NET_ADMIN';
  if (operation.op === 'set') return undefined;
  switch (code) {
    case 'ENODEV':
      return `there is no interface ${operation.daemon.interface}`;
    case 'EEXIST':
      return 'one runs already: somebody else started it';
    case 'ESRCH':
      return 'none runs: somebody else stopped it';
    case 'EINVAL':
      return 'the kernel refuses it: connections are not synchronized while a service has a server of the other address family';
    case 'EADDRINUSE':
      return `UDP port ${operation.daemon.port ?? 8848} is in use`;
    default:
      return undefined;
  }
}
