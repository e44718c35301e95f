/**
 * Lists of targets as Prometheus takes them from files and over HTTP (file_sd_config, http_sd_config): a JSON list of
 * groups, `[{ "targets": ["10.0.0.21:80"], "labels": { "weight": "5" } }]`. The labels of a group are those of each of its
 * targets.
 */

import { err, ok, type Result } from '../base/result.ts';

/** `target`: whatever text stands in the list. */
export type SdTarget = { readonly target: string; readonly labels: Labels };
export type Labels = Readonly<Record<string, string>>;

/** More than this no service has, with room for what is skipped. */
const MOST_TARGETS = 20_000;

/** The targets of all groups, in their order; or why the text is no such list. A text is taken whole or not at all. */
export function decodeTargets(text: string): Result<readonly SdTarget[], string> {
  if (text.trim() === '') return err('it is empty, expected a JSON list of target groups');
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return err('it is no JSON, or was cut short');
  }
  if (!Array.isArray(parsed)) return err('it is no JSON list, expected [{ "targets": ["10.0.0.21:80"] }]');
  const found: SdTarget[] = [];
  for (const [i, group] of parsed.entries()) {
    const read = groupOf(group);
    if (typeof read === 'string') return err(`group ${i + 1} of ${parsed.length}: ${read}`);
    if (found.length + read.length > MOST_TARGETS) return err(`it lists more than ${MOST_TARGETS} targets`);
    found.push(...read);
  }
  return ok(found);
}

/** The targets of one group, or what is wrong with it. */
function groupOf(group: unknown): readonly SdTarget[] | string {
  if (!isTable(group)) return 'it is no table with "targets"';
  const { targets, labels = {} } = group;
  if (!Array.isArray(targets)) return '"targets" is no list';
  if (!targets.every((target) => typeof target === 'string')) return 'a target is no text';
  if (!isTable(labels)) return '"labels" is no table';
  if (!Object.values(labels).every((value) => typeof value === 'string')) return 'a label is no text';
  return targets.map((target) => ({ target, labels: labels as Labels }));
}

const isTable = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
