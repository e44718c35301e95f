/**
 * How the kernel answers a request that it did not carry out, or that asked for an acknowledgement (NLMSG_ERROR, and
 * NLMSG_DONE at the end of a dump): struct nlmsgerr and the attributes of the extended acknowledgement.
 */

import { err, ok, type Result } from '../base/result.ts';
import { decodeAttributes, type Message, NLM_F, NLMSG, NLMSG_HEADER, table, type WireError } from './netlink.ts';
import { nulString, raw, s32, struct, u16, u32 } from './netlink-codec.ts';
import { align } from './netlink-sink.ts';

/** struct nlmsgerr: minus the errno, 0 for an acknowledgement, then the header of the request that it answers. */
const NLMSGERR = struct({
  error: s32,
  nlmsg_len: u32,
  nlmsg_type: u16,
  nlmsg_flags: u16,
  nlmsg_seq: u32,
  nlmsg_pid: u32,
});

/** enum nlmsgerr_attrs */
export const NLMSGERR_ATTRS = table({
  NLMSGERR_ATTR_MSG: [1, nulString],
  /** Where in the request the attribute lies that was found wrong. */
  NLMSGERR_ATTR_OFFS: [2, u32],
  NLMSGERR_ATTR_COOKIE: [3, raw()],
  NLMSGERR_ATTR_MISS_TYPE: [5, u32],
  NLMSGERR_ATTR_MISS_NEST: [6, u32],
});

export type Answer = {
  /** 0: done. Else the positive errno, as in errno(3). */
  readonly errno: number;
  /** The kernel's own words, where it has any. */
  readonly text: string | undefined;
};

/** Reads an NLMSG_ERROR. The request that it quotes is skipped: its sequence number is that of the answer. */
export function decodeError(message: Message): Result<Answer, WireError> {
  const read = NLMSGERR.decode(message.payload);
  if (!read.ok) return read;
  const { header, rest } = read.value;
  if (header.error > 0) return err('value');
  const errno = Math.abs(header.error);
  if ((message.flags & NLM_F.ACK_TLVS) === 0) return ok({ errno, text: undefined });
  const quoted = (message.flags & NLM_F.CAPPED) !== 0 ? 0 : align(header.nlmsg_len - NLMSG_HEADER);
  if (quoted < 0 || quoted > rest.length) return err('length');
  return withText(errno, rest.subarray(quoted));
}

/** Reads an NLMSG_DONE: a dump that failed half-way carries its errno here; old kernels send nothing or a count. */
export function decodeDone(message: Message): Result<Answer, WireError> {
  const read = DONE.decode(message.payload);
  if (!read.ok || read.value.header.error > 0) return ok({ errno: 0, text: undefined });
  const errno = Math.abs(read.value.header.error);
  return (message.flags & NLM_F.ACK_TLVS) === 0 ? ok({ errno, text: undefined }) : withText(errno, read.value.rest);
}

const DONE = struct({ error: s32 });

function withText(errno: number, bytes: Uint8Array): Result<Answer, WireError> {
  const attributes = decodeAttributes(NLMSGERR_ATTRS, bytes);
  if (!attributes.ok) return attributes;
  return ok({ errno, text: attributes.value.NLMSGERR_ATTR_MSG });
}

/** For logs and test failures: `type 0x10 seq 5 REQUEST ACK, 24 bytes`. */
export function describeMessage(message: Message): string {
  const control = Object.entries(NLMSG).find(([, type]) => type === message.type)?.[0];
  const flags = (['REQUEST', 'MULTI', 'ACK', 'DUMP_INTR'] as const).filter((name) => message.flags & NLM_F[name]);
  const type = control ?? `type 0x${message.type.toString(16)}`;
  return `${[type, 'seq', message.sequence, ...flags].join(' ')}, ${message.payload.length} bytes`;
}
