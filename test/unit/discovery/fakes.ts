/** What the tests of discovery share. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { DiscoveryConfig } from '../../../src/config/discovery-config.ts';
import { load } from '../../../src/config/load.ts';
import { writeServerAddress } from '../../../src/config/options-service.ts';
import type { Answer } from '../../../src/discovery/source.ts';

export function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'discovery-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A discovery of one type as the file gives it. */
export function discovery<T extends DiscoveryConfig['type']>(
  type: T,
  options: string,
): Extract<DiscoveryConfig, { type: T }> {
  const text = `[[service]]\nname = "web"\naddress = "192.0.2.10:80"\nforward = "nat"\n[service.discovery]\ntype = "${type}"\n${options}`;
  const { config, issues } = load(text, { hostName: 'lb1' });
  const found = config?.services[0]?.discovery[0];
  if (found?.type !== type) throw new Error(JSON.stringify(issues));
  return found as Extract<DiscoveryConfig, { type: T }>;
}

/** `10.0.0.1:80` or `10.0.0.1:80*5`, with its weight; sorted. Or why there is none. */
export const shown = (answer: Answer): readonly string[] | string =>
  answer.ok
    ? answer.value.targets
        .map(({ address, weight }) => `${writeServerAddress(address)}${weight === null ? '' : `*${weight}`}`)
        .sort()
    : answer.error;

export const never = new AbortController().signal;

/** Looks again until it is so, and gives up after a time that no machine needs. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`it has not become so: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
