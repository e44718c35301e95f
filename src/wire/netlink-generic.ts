/** Generic netlink (linux/genetlink.h): the header all its families share, and how a family's number is asked for by name. */

import { err, ok, type Result } from '../base/result.ts';
import { decodeAttributes, table, type WireError, writeAttributes } from './netlink.ts';
import { nulString, raw, struct, u8, u16, u32 } from './netlink-codec.ts';
import type { Sink } from './netlink-sink.ts';

/** struct genlmsghdr */
export const GENLMSGHDR = struct({ cmd: u8, version: u8, reserved: u16 });

/** The controller, which knows the other families, is itself the family with this number. */
export const GENL_ID_CTRL = 0x10;

const CTRL_VERSION = 2;
const CTRL_CMD = { NEWFAMILY: 1, GETFAMILY: 3 } as const;

/** enum CTRL_ATTR_* */
export const CTRL_ATTRS = table({
  CTRL_ATTR_FAMILY_ID: [1, u16],
  CTRL_ATTR_FAMILY_NAME: [2, nulString],
  CTRL_ATTR_VERSION: [3, u32],
  CTRL_ATTR_HDRSIZE: [4, u32],
  CTRL_ATTR_MAXATTR: [5, u32],
  CTRL_ATTR_OPS: [6, raw()],
  CTRL_ATTR_MCAST_GROUPS: [7, raw()],
});

export type GenericFamily = { readonly id: number; readonly name: string; readonly version: number };

/** CTRL_CMD_GETFAMILY by name. The kernel answers ENOENT for one it does not have, after trying to load its module. */
export function writeGetFamily(sink: Sink, name: string): void {
  GENLMSGHDR.write(sink, { cmd: CTRL_CMD.GETFAMILY, version: CTRL_VERSION, reserved: 0 });
  writeAttributes(sink, CTRL_ATTRS, { CTRL_ATTR_FAMILY_NAME: name });
}

export function decodeFamily(payload: Uint8Array): Result<GenericFamily, WireError> {
  const read = GENLMSGHDR.decode(payload);
  if (!read.ok) return read;
  if (read.value.header.cmd !== CTRL_CMD.NEWFAMILY) return err('value');
  const attributes = decodeAttributes(CTRL_ATTRS, read.value.rest);
  if (!attributes.ok) return attributes;
  const { CTRL_ATTR_FAMILY_ID: id, CTRL_ATTR_FAMILY_NAME: name, CTRL_ATTR_VERSION: version } = attributes.value;
  if (id === undefined || name === undefined) return err('missing');
  return ok({ id, name, version: version ?? 0 });
}
