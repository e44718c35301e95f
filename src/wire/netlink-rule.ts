/**
 * Routing policy rules in rtnetlink (linux/fib_rules.h): which table is asked for which packets.
 *
 * Trap: to delete, what a message leaves out matches anything; with FRA_PROTOCOL only the rules of that maker.
 */

import { type Family, ipBytes, type Prefix } from '../base/address.ts';
import { err, ok, type Result } from '../base/result.ts';
import { table, type WireError, writeAttributes } from './netlink.ts';
import { nulString, raw, struct, u8, u32 } from './netlink-codec.ts';
import { AF, addressOf, familyOfAf, headed } from './netlink-rtnl.ts';
import type { Sink } from './netlink-sink.ts';

/** action: look into a table. */
const FR_ACT_TO_TBL = 1;
/** header.table of one above 255, which FRA_TABLE has. */
const RT_TABLE_UNSPEC = 0;

/** struct fib_rule_hdr */
const fib_rule_hdr = struct({
  ...{ family: u8, dst_len: u8, src_len: u8, tos: u8 },
  ...{ table: u8, res1: u8, res2: u8, action: u8, flags: u32 },
});

/** enum FRA_* */
export const FRA = table({
  FRA_DST: [1, raw()],
  FRA_SRC: [2, raw()],
  FRA_IIFNAME: [3, nulString],
  FRA_PRIORITY: [6, u32],
  FRA_FWMARK: [10, u32],
  FRA_TABLE: [15, u32],
  FRA_FWMASK: [16, u32],
  FRA_PROTOCOL: [21, u8],
});

/** One rule that asks a table. `null`: whatever it is. */
export type Rule = {
  readonly family: Family;
  readonly from: Prefix | null;
  readonly to: Prefix | null;
  readonly fwmark: number | null;
  /** By which a packet came in. */
  readonly interface: string | null;
  readonly table: number;
  /** The lowest is asked first; 0 where the kernel tells none. */
  readonly priority: number;
  /** Who made it (FRA_PROTOCOL). */
  readonly protocol: number;
};

/** RTM_GETRULE of all, as a dump. */
export const writeGetRules = (sink: Sink, family: Family): void =>
  fib_rule_hdr.write(sink, {
    ...{ family: AF[family], dst_len: 0, src_len: 0, tos: 0 },
    ...{ table: 0, res1: 0, res2: 0, action: 0, flags: 0 },
  });

/** RTM_NEWRULE, RTM_DELRULE. */
export function writeRule(sink: Sink, rule: Rule): void {
  const { from, to, fwmark } = rule;
  fib_rule_hdr.write(sink, {
    ...{ family: AF[rule.family], dst_len: to?.length ?? 0, src_len: from?.length ?? 0, tos: 0 },
    ...{ table: rule.table < 256 ? rule.table : RT_TABLE_UNSPEC, res1: 0, res2: 0, action: FR_ACT_TO_TBL, flags: 0 },
  });
  writeAttributes(sink, FRA, {
    ...{ FRA_PROTOCOL: rule.protocol, FRA_TABLE: rule.table, FRA_PRIORITY: rule.priority },
    ...(from !== null && { FRA_SRC: ipBytes(from.address) }),
    ...(to !== null && { FRA_DST: ipBytes(to.address) }),
    ...(fwmark !== null && { FRA_FWMARK: fwmark }),
    ...(rule.interface !== null && { FRA_IIFNAME: rule.interface }),
  });
}

/** `undefined`: not IPv4 or IPv6, or one that does something other than ask a table. */
export function decodeRule(payload: Uint8Array): Result<Rule | undefined, WireError> {
  const read = headed(fib_rule_hdr.decode(payload), FRA);
  if (!read.ok) return read;
  const { header, attributes } = read.value;
  const family = familyOfAf(header.family);
  if (family === undefined || header.action !== FR_ACT_TO_TBL) return ok(undefined);
  const from = prefixOf(attributes.FRA_SRC, header.src_len, family);
  const to = prefixOf(attributes.FRA_DST, header.dst_len, family);
  if (from === undefined || to === undefined) return err('value');
  return ok({
    ...{ family, from, to },
    // 0 marks no packet: the kernel tells it with rules that do not look at marks.
    fwmark: attributes.FRA_FWMARK || null,
    interface: attributes.FRA_IIFNAME ?? null,
    table: attributes.FRA_TABLE ?? header.table,
    priority: attributes.FRA_PRIORITY ?? 0,
    protocol: attributes.FRA_PROTOCOL ?? 0,
  });
}

/** `null`: any address; `undefined`: not a prefix. */
function prefixOf(bytes: Uint8Array | undefined, length: number, family: Family): Prefix | null | undefined {
  if (bytes === undefined) return length === 0 ? null : undefined;
  const address = addressOf(bytes, family);
  return address === undefined || length > 8 * bytes.length ? undefined : { address, length };
}
