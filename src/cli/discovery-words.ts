/** What `status` says of where the servers of a service come from. */

import type { DiscoveryStatus, ServerStatus, ServiceStatus } from '../control/status.ts';
import { age } from './when.ts';

/** What an operator should know before reading on, one sentence each. */
export const discoveryTroubles = ({ name, discovery }: ServiceStatus, now: Date): readonly string[] =>
  discovery.flatMap((one) => {
    const who = `${name}: discovery ${one.name}`;
    const found: string[] = [];
    if (one.error !== null) found.push(`${who} fails: ${one.error}; ${lastGood(one, now)}`);
    if (one.held !== null) found.push(`${who} ${heldWords(name, one.name, one.held)}`);
    return found;
  });

const lastGood = ({ answered, servers }: DiscoveryStatus, now: Date): string =>
  answered === null
    ? 'it has found nothing yet'
    : `what it listed ${age(answered, now)} ago stays: ${serversWord(servers)}`;

function heldWords(service: string, discovery: string, held: NonNullable<DiscoveryStatus['held']>): string {
  const { removes, of, times, needed } = held;
  const accept = `\`lvskeeper accept-servers ${service} --discovery ${discovery}\` follows it`;
  const left = needed - times;
  const else_ = needed === 0 ? '' : `, or ${left} more answer${left === 1 ? '' : 's'} like it`;
  return `no longer lists ${removes} of ${serversWord(of)}, which is held back: ${accept}${else_}`;
}

const serversWord = (count: number): string => `${count} server${count === 1 ? '' : 's'}`;

/** `web-dns: A web.example.net: 3 servers, answered 4 s ago; 1 entry skipped: …`, a line each. */
export const discoveryLines = ({ discovery }: ServiceStatus, now: Date): readonly string[] =>
  discovery.map((one) => {
    const answered = one.answered === null ? 'no answer yet' : `answered ${age(one.answered, now)} ago`;
    const { count, first } = one.skipped;
    const skipped = count === 0 ? '' : `; ${count} ${count === 1 ? 'entry' : 'entries'} not heeded: ${first[0]}`;
    return `discovery ${one.name}: ${one.what}: ${serversWord(one.servers)}, ${answered}${skipped}`;
  });

/** Who says that a server is there. */
export const sourceOf = ({ added, discovered }: ServerStatus): string =>
  added !== null ? 'run time' : (discovered ?? 'config');
