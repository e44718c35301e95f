/** Whether a role outlasts a restart. */

import { seconds, times } from '../base/time.ts';
import type { VrrpConfig } from '../config/config.ts';

/** What a restart takes at most on a machine that is well: from the last advert of one process to the first of the next. */
export const RESTART_TAKES = seconds(2);

/** Whether the peers of a master wait for the next process, so that it can resume; otherwise they had better be told. */
export const outlastsRestart = ({ interval, downCount }: Pick<VrrpConfig, 'interval' | 'downCount'>): boolean =>
  times(interval, downCount) >= RESTART_TAKES;
