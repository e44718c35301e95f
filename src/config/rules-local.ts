/** Rules of the checks that open no connection to the server: they look at this machine, or run a program on it. */

import { isGiven, placeOf } from '../base/option.ts';
import { namesPort } from '../base/placeholders.ts';
import type { FileCheckConfig } from './config.ts';
import type { CheckDraft, Draft, Rules } from './rules.ts';
import { say } from './say.ts';

/** Whether the check has a file of its own for each port. */
export const hasFileAPort = (check: CheckDraft): boolean =>
  check.type === 'file' && namesPort((check as Draft<FileCheckConfig>).file ?? '');

const OF_SOCKETS = [
  ['source', 'source'],
  ['sourcePort', 'source_port'],
  ['device', 'device'],
] as const;

export function checkFile(check: Draft<FileCheckConfig>, rules: Rules): void {
  for (const [name, key] of OF_SOCKETS)
    if (isGiven(rules, check, name)) rules.warn(placeOf(rules, check, name), say.noConnection(key, 'file'));
}
