/**
 * What of the generic netlink family IPVS is about no service: the daemons of the connection synchronization, and the
 * timeouts (linux/ip_vs.h; net/netfilter/ipvs/ip_vs_ctl.c).
 *
 * Traps: the port is in the host's order here, the group in network order, and a daemon has one attribute for a group of
 * either family. Linux before 4.3 tells neither group, port, TTL nor length.
 */

import { type IpAddress, ipBytes, ipFromBytes } from '../base/address.ts';
import { err, ok, type Result } from '../base/result.ts';
import { type Attributes, nested, table, type WireError, writeAttributes } from './netlink.ts';
import { nulString, raw, u8, u16, u32 } from './netlink-codec.ts';
import { GENLMSGHDR } from './netlink-generic.ts';
import type { Sink } from './netlink-sink.ts';

export const IPVS_GENL_VERSION = 1;

export const IPVS_CONFIG_CMD = {
  ...{ NEW_DAEMON: 9, DEL_DAEMON: 10, GET_DAEMON: 11 },
  ...{ SET_CONFIG: 12, GET_CONFIG: 13 },
} as const;
export type IpvsConfigCommand = keyof typeof IPVS_CONFIG_CMD;

/** enum IPVS_DAEMON_ATTR_* */
export const IPVS_DAEMON = table({
  IPVS_DAEMON_ATTR_STATE: [1, u32],
  IPVS_DAEMON_ATTR_MCAST_IFN: [2, nulString],
  IPVS_DAEMON_ATTR_SYNC_ID: [3, u32],
  IPVS_DAEMON_ATTR_SYNC_MAXLEN: [4, u16],
  IPVS_DAEMON_ATTR_MCAST_GROUP: [5, raw(4)],
  IPVS_DAEMON_ATTR_MCAST_GROUP6: [6, raw(16)],
  IPVS_DAEMON_ATTR_MCAST_PORT: [7, u16],
  IPVS_DAEMON_ATTR_MCAST_TTL: [8, u8],
});

/** Of enum IPVS_CMD_ATTR_*, the outermost level. Timeouts are seconds. */
export const IPVS_CONFIG_ROWS = {
  IPVS_CMD_ATTR_DAEMON: [3, nested(IPVS_DAEMON)],
  IPVS_CMD_ATTR_TIMEOUT_TCP: [4, u32],
  IPVS_CMD_ATTR_TIMEOUT_TCP_FIN: [5, u32],
  IPVS_CMD_ATTR_TIMEOUT_UDP: [6, u32],
} as const;
const IPVS_CONFIG_ATTRS = table(IPVS_CONFIG_ROWS);
export type IpvsConfigAttributes = Attributes<typeof IPVS_CONFIG_ATTRS.rows>;

/** IP_VS_STATE_* */
const STATE = { master: 1, backup: 2 } as const;
export type DaemonState = keyof typeof STATE;

/** A daemon of the connection synchronization: the master sends what connections there are, the backup takes it in. */
export type DaemonEntry = {
  readonly state: DaemonState;
  readonly interface: string;
  /** 0 to 255: a backup takes in what comes with the same one alone. */
  readonly id: number;
  /** `null`, as in the next three: the kernel's own choice, or one that it does not tell. */
  readonly group: IpAddress | null;
  /** UDP port, the first of several where there are several threads. */
  readonly port: number | null;
  readonly ttl: number | null;
  /** Bytes of payload of one datagram at most. */
  readonly maxLength: number | null;
};

type DaemonAttributes = Attributes<typeof IPVS_DAEMON.rows>;

export function daemonAttributes({ group, port, ttl, maxLength, ...entry }: DaemonEntry): DaemonAttributes {
  const bytes = group === null ? undefined : ipBytes(group);
  return {
    ...daemonKeyAttributes(entry.state),
    IPVS_DAEMON_ATTR_MCAST_IFN: entry.interface,
    IPVS_DAEMON_ATTR_SYNC_ID: entry.id,
    ...(maxLength !== null && { IPVS_DAEMON_ATTR_SYNC_MAXLEN: maxLength }),
    ...(port !== null && { IPVS_DAEMON_ATTR_MCAST_PORT: port }),
    ...(ttl !== null && { IPVS_DAEMON_ATTR_MCAST_TTL: ttl }),
    ...(bytes?.length === 4 && { IPVS_DAEMON_ATTR_MCAST_GROUP: bytes }),
    ...(bytes?.length === 16 && { IPVS_DAEMON_ATTR_MCAST_GROUP6: bytes }),
  };
}

/** All that a request to stop one says of it: there is one of either state at most. */
export const daemonKeyAttributes = (state: DaemonState): DaemonAttributes => ({ IPVS_DAEMON_ATTR_STATE: STATE[state] });

export function daemonEntry(of: DaemonAttributes): Result<DaemonEntry, WireError> {
  const { IPVS_DAEMON_ATTR_MCAST_IFN: on, IPVS_DAEMON_ATTR_SYNC_ID: id } = of;
  const state = (['master', 'backup'] as const).find((name) => STATE[name] === of.IPVS_DAEMON_ATTR_STATE);
  if (of.IPVS_DAEMON_ATTR_STATE === undefined || on === undefined || id === undefined) return err('missing');
  if (state === undefined) return err('value');
  const group = of.IPVS_DAEMON_ATTR_MCAST_GROUP ?? of.IPVS_DAEMON_ATTR_MCAST_GROUP6;
  return ok({
    ...{ state, interface: on, id },
    group: group === undefined ? null : ipFromBytes(group),
    port: of.IPVS_DAEMON_ATTR_MCAST_PORT ?? null,
    ttl: of.IPVS_DAEMON_ATTR_MCAST_TTL ?? null,
    maxLength: of.IPVS_DAEMON_ATTR_SYNC_MAXLEN ?? null,
  });
}

/** Writes the payload of one request. SET_CONFIG leaves a timeout that is not there as it is. */
export function writeIpvsConfig(sink: Sink, command: IpvsConfigCommand, attributes: IpvsConfigAttributes = {}): void {
  GENLMSGHDR.write(sink, { cmd: IPVS_CONFIG_CMD[command], version: IPVS_GENL_VERSION, reserved: 0 });
  writeAttributes(sink, IPVS_CONFIG_ATTRS, attributes);
}
