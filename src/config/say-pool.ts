/** Every sentence about the servers of a [[service]] taken together. Each is seen once in `test/golden/config/`. */

import { quoted } from '../base/option-say.ts';
import type { QuorumBy, Quota } from '../pool/quorum.ts';

const writeQuota = (quota: Quota): string => (typeof quota === 'number' ? String(quota) : `"${quota.percent}%"`);
const whole = (by: QuorumBy): string => (by === 'servers' ? 'the number of servers' : 'the sum of their weights');

export const sayPool = {
  quorumTooHigh: (quorum: Quota, most: number, by: QuorumBy) =>
    `quorum is ${writeQuota(quorum)}, expected at most ${most}, ${whole(by)}`,
  hysteresisTooHigh: (band: number, needed: number, most: number, by: QuorumBy) =>
    `quorum_hysteresis is ${band}, and so the quorum would be regained at ${needed + band}, more than ${most}, ${whole(by)}, expected at most ${most - needed}`,
  neverLost: (band: number, needed: number) =>
    `quorum_hysteresis is ${band}, and so the quorum of ${needed} would never be lost, expected at most ${needed - 1}`,
  userUnused: () => 'quorum_user has no effect without quorum_up and quorum_down',
  sorryIsServer: (address: string, line: number) =>
    `sorry_server ${quoted(address)} is a server at line ${line} already, expected another one`,
  neverPanic: (threshold: number, needed: number) =>
    `panic_threshold is "${threshold}%", which never comes to bear: with fewer servers up than ${needed} the sorry servers are in`,
  unchecked: (key: string) => `${key} has no effect without [service.check], since no server ever fails`,
} satisfies Record<string, (...details: never[]) => string>;
