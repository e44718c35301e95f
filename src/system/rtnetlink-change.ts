/** How rtnetlink is asked for changes and for tables, and how its answers are read. */

import { err, ok, type Result } from '../base/result.ts';
import { type Message, NLM_F, type WireError } from '../wire/netlink.ts';
import type { Sink } from '../wire/netlink-sink.ts';
import type { Netlink, NetlinkError, Request } from './netlink.ts';

/** How a change is asked for, and which refusals mean that there was nothing to do. */
export type Change<Done extends string, Needless extends string> = {
  readonly flags: number;
  readonly done: Done;
  readonly needless: Needless;
  readonly codes: readonly string[];
};
export const ADD = {
  flags: NLM_F.CREATE | NLM_F.EXCL,
  done: 'added',
  needless: 'already-there',
  codes: ['EEXIST'],
} as const;
export const RENEW = {
  flags: NLM_F.CREATE | NLM_F.REPLACE,
  done: 'renewed',
  needless: 'renewed',
  codes: [],
} as const;
/** An interface that is gone (ENODEV) took all with it; an address is EADDRNOTAVAIL, a route ESRCH, a rule ENOENT. */
export const DELETE = {
  flags: 0,
  done: 'deleted',
  needless: 'absent',
  codes: ['EADDRNOTAVAIL', 'ENODEV', 'ESRCH', 'ENOENT'],
} as const;

export async function change<T, Done extends string, Needless extends string>(
  netlink: Netlink,
  type: number,
  items: readonly T[],
  write: (sink: Sink, item: T) => void,
  { flags, done, needless, codes }: Change<Done, Needless>,
): Promise<readonly Result<Done | Needless, NetlinkError>[]> {
  const answers = await netlink.batch(items.map((item) => request(type, (sink) => write(sink, item), flags)));
  return answers.map((answer) => {
    if (answer.ok) return ok(done);
    return codes.includes(answer.error.code) ? ok(needless) : answer;
  });
}

export const request = (type: number, payload: Request['payload'], flags = 0): Request => ({ type, payload, flags });

type Decode<T> = (payload: Uint8Array) => Result<T | undefined, WireError>;

/** Each message that `decode` knows what to do with. */
export function each<T>(
  answer: Result<readonly Message[], NetlinkError>,
  decode: Decode<T>,
): Result<readonly T[], NetlinkError> {
  if (!answer.ok) return answer;
  const values: T[] = [];
  for (const { payload } of answer.value) {
    const value = decode(payload);
    if (!value.ok) return err(unreadable(value.error));
    if (value.value !== undefined) values.push(value.value);
  }
  return ok(values);
}

export function one<T>(answer: Result<readonly Message[], NetlinkError>, decode: Decode<T>): Result<T, NetlinkError> {
  const all = each(answer, decode);
  if (!all.ok) return all;
  const [first] = all.value;
  return first === undefined ? err(unreadable('missing')) : ok(first);
}

const EBADMSG = 74;
const unreadable = (why: WireError): NetlinkError => ({
  errno: EBADMSG,
  code: 'EBADMSG',
  message: `the kernel gave an answer that cannot be read (${why})`,
});
