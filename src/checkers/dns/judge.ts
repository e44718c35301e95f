/** What an answer of a DNS server says about it, in words. */

import { invariant } from '../../base/invariant.ts';
import { excerpt } from '../../base/printable.ts';
import type { DnsCheckConfig } from '../../config/config.ts';
import { dataText, type Message, rcodeName } from '../../wire/dns.ts';
import { parseData } from '../../wire/dns-text.ts';
import { down, type Finding, up } from '../attempt.ts';

/** Of the records that came, how many are named in a reason. */
const TOLD = 4;

/** The records that must be among the answers, in the form in which answers are compared. */
export const wantedOf = ({ queryType, answers }: DnsCheckConfig): readonly string[] =>
  (answers ?? []).map((written) => {
    const canonical = parseData(queryType, written);
    invariant(canonical.ok, `not the data of ${queryType}, and the config was checked: ${written}`);
    return canonical.value;
  });

/** `message` answers the query of the check. */
export function judge(check: DnsCheckConfig, wanted: readonly string[], message: Message): Finding {
  const { query, queryType, rcodes } = check;
  const rcode = rcodeName(message.rcode);
  if (!rcodes.some((accepted) => accepted === rcode)) return down(`${rcode}, expected ${oneOf(rcodes)}`);
  const what = `${queryType} of ${query}`;
  const texts = message.answers.filter(({ type }) => type === queryType).map(dataText);
  const missing = wanted.filter((text) => !texts.includes(text));
  if (missing.length > 0) return down(`${answered(what, texts)}, expected ${few(missing, 'and')}`);
  if (texts.length === 0 && message.rcode !== 0) return up(rcode);
  return up(answered(what, texts));
}

const answered = (what: string, texts: readonly string[]): string =>
  texts.length === 0 ? `no ${what}` : `${what} is ${few(texts, 'and')}`;

function few(texts: readonly string[], last: 'and' | 'or'): string {
  const told = texts.slice(0, TOLD).map(excerpt);
  const more = texts.length - told.length;
  if (more > 0) return `${told.join(', ')} and ${more} more`;
  return told.length < 2 ? told.join('') : `${told.slice(0, -1).join(', ')} ${last} ${told.at(-1)}`;
}

const oneOf = (names: readonly string[]): string => few(names, 'or');
