/**
 * A config file's text to a `Config`, or to all that is wrong with it.
 *
 * The steps: TOML to a tree with places, the tree through the option tables, the rules between options. Errors never stop the next
 * step, only a TOML syntax error does. A file with an error gives no `Config`; warnings do not hinder.
 */

import { invariant } from '../base/invariant.ts';
import { type Reading, readTable } from '../base/option.ts';
import type { Config, Issue } from './config.ts';
import { KEEPALIVED_NAMES } from './keepalived-names.ts';
import { DOCUMENT } from './options.ts';
import { linesOf } from './place.ts';
import { type ConfigDraft, checkConfig } from './rules.ts';
import { parseToml } from './toml.ts';

/** `config` is `null` exactly when one of the issues is an error. Issues are in the order of the file. */
export type Loaded = { readonly config: Config | null; readonly issues: readonly Issue[] };

/** What defaults depend on besides the file. */
export type Facts = { readonly hostName: string };

/** Never throws, whatever the text. Frozen all through. */
export function load(text: string, facts: Facts): Loaded {
  // A mark of byte order is no character of the first line.
  const body = text.startsWith('\ufeff') ? text.slice(1) : text;
  const lines = linesOf(body);
  const found: { severity: Issue['severity']; at: number; message: string }[] = [];
  const parsed = parseToml(body);
  let draft: ConfigDraft = {};
  if (parsed.ok) {
    const reading: Reading = {
      error: (at, message) => found.push({ severity: 'error', at, message }),
      warn: (at, message) => found.push({ severity: 'warning', at, message }),
      facts,
      hints: KEEPALIVED_NAMES,
      places: new Map(),
    };
    draft = readTable(DOCUMENT, parsed.value, 'the file', reading);
    checkConfig(draft, { ...reading, line: lines.lineOf, sound: found.length === 0 });
  } else found.push({ severity: 'error', ...parsed.error });

  const issues = found
    .sort((a, b) => a.at - b.at)
    .map(({ severity, at, message }): Issue => ({ severity, ...lines.placeOf(at), message }));
  if (issues.some(({ severity }) => severity === 'error')) return { config: null, issues };
  invariant(Object.keys(DOCUMENT).length === Object.keys(draft).length, 'a file without an error is read whole');
  return { config: freeze(draft) as Config, issues };
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    // A RegExp keeps `lastIndex`, which it must be free to write.
    if (value instanceof RegExp) return value;
    for (const key in value) freeze(value[key]);
    Object.freeze(value);
  }
  return value;
}

/** `lvskeeper.toml:12:3: unknown key …`. An issue of no place in the file has the file's name only. */
export function formatIssue(file: string, issue: Issue): string {
  const place = issue.line === 0 ? file : `${file}:${issue.line}:${issue.column}`;
  return `${place}: ${issue.severity === 'warning' ? 'warning: ' : ''}${issue.message}`;
}

/** What a config holds, in one line: `lb1: 1 virtual router with 2 addresses, 1 service with 3 servers, 1 alert`. */
export function summarize(config: Config): string {
  const addresses = config.vrrp.reduce((n, router) => n + router.addresses.length, 0);
  const servers = config.services.reduce((n, service) => n + service.servers.length, 0);
  const parts = [
    `${count(config.vrrp.length, 'virtual router')}${addresses > 0 ? ` with ${count(addresses, 'address', 'addresses')}` : ''}`,
    `${count(config.services.length, 'service')}${servers > 0 ? ` with ${count(servers, 'server')}` : ''}`,
    count(config.alerts.length, 'alert'),
  ];
  return `${config.director.name}: ${parts.join(', ')}`;
}

const count = (n: number, one: string, many = `${one}s`): string => `${n === 0 ? 'no' : n} ${n === 1 ? one : many}`;
