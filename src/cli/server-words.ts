/** What is said of servers, their connections and their orders. */

import { formatDuration, milliseconds } from '../base/time.ts';
import type { ServerOrderAnswer, ServerOrderOutcome } from '../control/director.ts';
import { ordered, serverName } from '../control/render.ts';
import type { Connections, ServerOrder } from '../control/status.ts';
import { left } from './when.ts';

export const totalOf = ({ active, inactive, persistent }: Connections): number => active + inactive + persistent;

export const sumOf = (all: readonly Connections[]): Connections => ({
  active: all.reduce((sum, { active }) => sum + active, 0),
  inactive: all.reduce((sum, { inactive }) => sum + inactive, 0),
  persistent: all.reduce((sum, { persistent }) => sum + persistent, 0),
});

/** `12 active, 3 inactive, 40 persistent`, or `no connections`. Persistence is not spoken of where there is none. */
export function connectionWords(connections: Connections): string {
  if (totalOf(connections) === 0) return 'no connections';
  const { active, inactive, persistent } = connections;
  return `${active} active, ${inactive} inactive${persistent === 0 ? '' : `, ${persistent} persistent`}`;
}

/** `drained by anna, 8 m left: kernel upgrade`: an order that is in force. */
export function orderWords(order: ServerOrder, now: Date): string {
  const end = order.until === null ? 'until taken back' : `${left(order.until, now)} left`;
  return `${ordered(order)} by ${order.by}, ${end}${order.reason === '' ? '' : `: ${order.reason}`}`;
}

/** The answer to an order, line by line; `takesBack`: the command that takes it back. */
export function answerLines({ servers }: ServerOrderAnswer, takesBack: string): readonly string[] {
  const lasting = servers.some(({ done, order }) => done === 'given' && order?.until === null);
  return [
    ...servers.flatMap((one) => [lineOf(one), ...one.notes.map((note) => `  ${note}`)]),
    ...(lasting ? [`it stays so until \`lvskeeper ${takesBack}\` takes it back`] : []),
  ];
}

function lineOf(outcome: ServerOrderOutcome): string {
  const { service, done, order, detail } = outcome;
  const name = `${service}: ${serverName(outcome)}`;
  if (order === null || done === 'nothing') return `${name}: ${detail}`;
  if (done === 'taken-back') return `${name}: no longer ${ordered(order)} by ${order.by}`;
  const { since, until, by, reason } = order;
  const length = until === null ? '' : ` for ${formatDuration(milliseconds(Date.parse(until) - Date.parse(since)))}`;
  const why = reason === '' ? '' : `: ${reason}`;
  return `${name}: ${ordered(order)} by ${by}${length}${why}${effectOf(outcome, order)}${replacedWords(outcome)}`;
}

function effectOf({ connections }: ServerOrderOutcome, { kind }: ServerOrder): string {
  if (kind === 'weight' || connections === null) return '';
  if (kind === 'drain') return `; it has ${connectionWords(connections)}`;
  const { active, inactive, persistent } = connections;
  const broken = active + inactive;
  const known = persistent === 0 ? '' : `, and ${counted(persistent, 'template')} of persistence forgotten`;
  return `; that broke ${broken === 0 ? 'no connection' : counted(broken, 'connection')}${known}`;
}

const replacedWords = ({ replaced }: ServerOrderOutcome): string =>
  replaced === null ? '' : ` (it was ${ordered(replaced)} by ${replaced.by})`;

const counted = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;
