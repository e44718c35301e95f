/** One set of records, asked for at the first resolver that answers, along its aliases (RFC 1034, 3.6.2). */

import { randomInt } from 'node:crypto';
import { type Endpoint, formatEndpoint } from '../../base/address.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { Duration } from '../../base/time.ts';
import { askByTcp, askByUdp, type DnsExchange } from '../../system/dns-exchange.ts';
import {
  answersQuery,
  DROP_REASONS,
  decode,
  encodeQuery,
  type Message,
  parseName,
  type Query,
  type RecordType,
  type ResourceRecord,
  rcodeName,
} from '../../wire/dns.ts';

/** `ttl`: of the record that lasts shortest, aliases counted, seconds. Without records it is infinite. */
export type RecordSet = { readonly records: readonly ResourceRecord[]; readonly ttl: number };
/** `gone`: it is certain that there is no such name. Otherwise nothing is known. */
export type LookupError = { readonly gone: boolean; readonly why: string };
export type Lookup = (name: string, type: RecordType, signal: AbortSignal) => Promise<Result<RecordSet, LookupError>>;

/** More aliases one after another lead nowhere. */
const MOST_ALIASES = 8;

export function createLookup(tools: {
  readonly resolvers: () => Promise<readonly Endpoint[]>;
  readonly timeout: Duration;
}): Lookup {
  async function ask(name: string, type: RecordType, signal: AbortSignal): Promise<Result<Message, LookupError>> {
    // A name out of an answer may have octets that no name has that can be asked for here.
    if (!parseName(name).ok) return err({ gone: true, why: `${name} is no name that can be asked for` });
    const failed: string[] = [];
    for (const to of await tools.resolvers()) {
      const answer = await askOne(to, name, type, signal);
      if (!answer.ok) failed.push(`${formatEndpoint(to)}: ${answer.error}`);
      else if (rcodeName(answer.value.rcode) === 'NXDOMAIN')
        return err({ gone: true, why: `there is no name ${name} (NXDOMAIN)` });
      else if (answer.value.rcode === 0) return answer;
      else failed.push(`${formatEndpoint(to)} answers ${rcodeName(answer.value.rcode)}`);
    }
    return err({ gone: false, why: `${type} ${name}: ${failed.join('; ')}` });
  }

  async function askOne(
    to: Endpoint,
    name: string,
    type: RecordType,
    signal: AbortSignal,
  ): Promise<Result<Message, string>> {
    const by = (exchange: DnsExchange): Promise<Result<Message, string>> =>
      exchangeWith(exchange, to, { id: randomInt(0x10000), name, type, recursionDesired: true }, tools.timeout, signal);
    const answer = await by(askByUdp);
    return answer.ok && answer.value.truncated ? by(askByTcp) : answer;
  }

  return async (name, type, signal) => {
    let ttl = Number.POSITIVE_INFINITY;
    for (let [asked, at, aliases] = [name, name, 0]; ; asked = at) {
      const message = await ask(asked, type, signal);
      if (!message.ok) return message;
      const { answers } = message.value;
      for (let alias = aliasOf(answers, at); alias !== undefined; alias = aliasOf(answers, at)) {
        if (++aliases > MOST_ALIASES) return err({ gone: false, why: `${name} has more than ${MOST_ALIASES} aliases` });
        ttl = Math.min(ttl, alias.ttl);
        at = alias.target;
      }
      const records = answers.filter((record) => record.name === at && record.type === type);
      for (const record of records) ttl = Math.min(ttl, record.ttl);
      // A server that is an authority for the alias alone leaves the rest to be asked for.
      if (records.length > 0 || at === asked) return ok({ records, ttl });
    }
  };
}

type Alias = Extract<ResourceRecord, { readonly target: string }>;
const aliasOf = (answers: readonly ResourceRecord[], name: string): Alias | undefined =>
  answers.find((record): record is Alias => record.type === 'CNAME' && record.name === name);

async function exchangeWith(
  exchange: DnsExchange,
  to: Endpoint,
  query: Query,
  timeout: Duration,
  signal: AbortSignal,
): Promise<Result<Message, string>> {
  const accepts = (bytes: Uint8Array): boolean => {
    const message = decode(bytes);
    // What has our id and cannot be read is a bad answer, worth no more waiting.
    return message.ok ? answersQuery(message.value, query) : (bytes[0] ?? 0) * 256 + (bytes[1] ?? 0) === query.id;
  };
  const answer = await exchange({ to, query: encodeQuery(query), accepts, timeout, signal });
  if (!answer.ok) return answer;
  const message = decode(answer.value);
  return message.ok ? message : err(`its answer cannot be read: ${DROP_REASONS[message.error]}`);
}
