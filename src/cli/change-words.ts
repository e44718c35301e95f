/** What is said of servers that were added and removed at run time. */

import { formatDuration } from '../base/time.ts';
import type { ReloadAnswer, ServerChangeAnswer, ServerChangeView } from '../control/director.ts';
import { serverName } from '../control/render.ts';
import type { ChangeMark, ServiceStatus } from '../control/status.ts';
import { connectionWords, totalOf } from './server-words.ts';
import { age } from './when.ts';

/** The answer to `add-server` and `remove-server`, line by line. */
export function changeAnswerLines(answer: ServerChangeAnswer): readonly string[] {
  const notes = answer.notes.map((note) => `  ${note}`);
  return [`${answer.service}: ${serverName(answer)} ${doneWords(answer)}`, ...notes, ...lasting(answer)];
}

function doneWords({ done, change: { by, reason }, connections, drainTimeout }: ServerChangeAnswer): string {
  const why = reason === '' ? '' : `: ${reason}`;
  if (done === 'added') return `added at run time by ${by}${why}`;
  if (done === 'put-back') return `is back, as the file has it; it was removed at run time by ${by}`;
  const left =
    connections === null || totalOf(connections) === 0
      ? ''
      : drainTimeout === 0
        ? `; that broke what it had: ${connectionWords(connections)}`
        : `; it has ${connectionWords(connections)}, and goes when they are over, within ${formatDuration(drainTimeout)}`;
  if (done === 'removed') return `removed at run time by ${by}${why}${left}`;
  return `is out again; it was added at run time by ${by}${left}`;
}

function lasting({ done, service, address }: ServerChangeAnswer): string[] {
  if (done === 'added')
    return [
      `it stays so until \`lvskeeper remove-server ${service} ${address}\` takes it back`,
      'to keep it for good, write it into the file',
    ];
  if (done === 'removed')
    return [
      `it stays so until \`lvskeeper add-server ${service} ${address}\` has it back`,
      'to be rid of it for good, take it out of the file',
    ];
  return [];
}

/** What a reload says of the changes, line by line. */
export function reloadLines({ kept, discarded, ceased }: ReloadAnswer['serverChanges']): readonly string[] {
  const name = (change: ServerChangeView): string => `${change.service}: server ${serverName(change)}`;
  const told = [
    ...ceased.map((change) => `${name(change)} no longer ${change.what} at run time: ${change.why}`),
    ...discarded.map((change) => `${name(change)} no longer ${change.what} at run time: discarded`),
  ];
  if (kept.length === 0) return told;
  const [added, removed] = (['added', 'removed'] as const).map(
    (what) => kept.filter((one) => one.what === what).length,
  );
  const counts = [...(added ? [`${added} added`] : []), ...(removed ? [`${removed} removed`] : [])].join(' and ');
  const stay = kept.length === 1 ? 'server at run time stays' : 'servers at run time stay';
  return [...told, `${counts} ${stay} so;`, '`lvskeeper reload --discard` drops what is not in the file'];
}

/** `web3 added at run time by anna, 3 m ago: more load`, of each server of a service that the file has otherwise. */
export function markLines({ servers, removed }: ServiceStatus, now: Date): readonly string[] {
  const words = (name: string, what: string, { by, reason, since }: ChangeMark): string =>
    `${name} ${what} at run time by ${by}, ${age(since, now)} ago${reason === '' ? '' : `: ${reason}`}`;
  return [
    ...servers.flatMap(({ name, added }) => (added === null ? [] : [words(name, 'added', added)])),
    ...removed.map((one) => words(serverName({ server: one.name, address: one.address }), 'removed', one)),
  ];
}
