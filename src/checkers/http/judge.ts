/** What an answer that is there says of the server: its status, then its body, then the weight that it asks for. */

import { valueAt } from '../../base/json-pointer.ts';
import { excerpt } from '../../base/printable.ts';
import { down, type Finding, up } from '../attempt.ts';
import type { Head } from '../exchange.ts';
import { quote } from './http1-head.ts';
import type { Expected, Plan, Pointer } from './plan.ts';
import { parseWeight } from './weight.ts';

/** `text`: what was read of the body; empty when nothing depends on it. `cut`: there was more. */
export type Answer = { readonly head: Head; readonly text: string; readonly cut: boolean };

/** `HTTP 200 OK`; HTTP/2 has no words. */
export const statusOf = ({ code, phrase }: Head): string => `HTTP ${code}${phrase === '' ? '' : ` ${excerpt(phrase)}`}`;

/** Of the head alone: what speaks against the server already. */
export function judgeHead({ check }: Plan, head: Head): Finding | undefined {
  if (check.status.some(({ from, to }) => from <= head.code && head.code <= to)) return undefined;
  return down(`${statusOf(head)}, expected ${check.status.map(formatRange).join(', ')}`);
}

/** Of an answer with an accepted status. */
export function judge(plan: Plan, answer: Answer): Finding {
  const { check, body, bodyAbsent } = plan;
  const { head, text } = answer;
  if (body && !body.test(text)) return down(`body does not match /${body.source}/ (${seen(text)})`);
  if (bodyAbsent?.test(text)) return down(`body matches /${bodyAbsent.source}/, which it must not (${seen(text)})`);
  const document = plan.json.length > 0 || plan.weightJson ? parse(answer, check.maxBody) : undefined;
  const fault = plan.json.length > 0 && document ? judgeJson(plan.json, document) : undefined;
  if (fault !== undefined) return down(fault);
  const weighed = weigh(plan, head, document);
  const told = [statusOf(head), body && 'body matches', plan.json.length > 0 && 'JSON as expected', weighed?.told];
  const reason = told.filter(Boolean).join(', ');
  return weighed?.weight ? up(reason, { advice: { weight: weighed.weight } }) : up(reason);
}

/** The body as JSON, or in words why it is none. */
type Document = { readonly value: unknown } | { readonly fault: string };
function parse({ text, cut }: Answer, limit: number): Document {
  if (cut) return { fault: `JSON body is longer than max_body, ${limit} bytes` };
  try {
    return { value: JSON.parse(text) };
  } catch {
    return { fault: `body is not JSON (${seen(text)})` };
  }
}

function judgeJson(expected: readonly Expected[], document: Document): string | undefined {
  if ('fault' in document) return document.fault;
  for (const { at, value } of expected) {
    const found = valueAt(document.value, at.parts);
    if (found === value) continue;
    if (found === undefined) return `JSON has nothing at ${place(at)}, expected ${JSON.stringify(value)}`;
    return `JSON has ${excerpt(written(found))} at ${place(at)}, expected ${JSON.stringify(value)}`;
  }
  return undefined;
}

type Weighed = { readonly told: string; readonly weight?: ReturnType<typeof parseWeight> };
function weigh(
  { check, weightHeader, weightJson }: Plan,
  head: Head,
  document: Document | undefined,
): Weighed | undefined {
  if (weightHeader !== null) return weighText(head.fields.get(weightHeader), check.weightHeader as string);
  if (weightJson === null || document === undefined) return undefined;
  if ('fault' in document) return { told: `no weight: ${document.fault}` };
  const found = valueAt(document.value, weightJson.parts);
  const text = typeof found === 'string' || found === undefined ? found : written(found);
  return weighText(text, `JSON at ${place(weightJson)}`);
}
function weighText(text: string | undefined, where: string): Weighed {
  if (text === undefined) return { told: `no weight: no ${where}` };
  const weight = parseWeight(text);
  return weight ? { told: `weight ${text}`, weight } : { told: `no weight: ${where} is ${quote(text)}` };
}

/** What is read is not always written as easily: of what is nested thousands deep `JSON.stringify` runs out of stack. */
function written(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return 'what is nested too deeply';
  }
}

const place = ({ written }: Pointer): string => (written === '' ? 'the top' : written);
const seen = (text: string): string => (text === '' ? 'it is empty' : `it begins: ${excerpt(text)}`);
const formatRange = ({ from, to }: { readonly from: number; readonly to: number }): string =>
  from === to ? `${from}` : `${from}-${to}`;
