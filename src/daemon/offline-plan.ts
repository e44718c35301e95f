/** What a config would change in the kernel, when no daemon runs that could be asked. Every server counts as up. */

import { formatPrefix } from '../base/address.ts';
import type { Config } from '../config/config.ts';
import type { PlanAnswer, PlannedChange } from '../control/director.ts';
import { desired } from '../ipvs/desired.ts';
import { plan } from '../ipvs/plan.ts';
import { isEmpty, isNothing, keep, planSettings, wantedSettings } from '../ipvs/settings.ts';
import { openIpvs } from '../system/ipvs.ts';
import { openIpvsSettings } from '../system/ipvs-settings.ts';
import { openRtnetlink } from '../system/rtnetlink.ts';
import { changeOfSetting } from './ipvs-settings-keeper.ts';
import { changeOf } from './reconciler.ts';
import { loadKeptSettings, loadOwned } from './run-state.ts';

export const planOffline = (config: Config): Promise<PlanAnswer> => planWith(config, undefined, undefined);

/** With what the processes of the daemon have answered, where they have. */
export async function planWith(
  config: Config,
  addresses: readonly PlannedChange[] | undefined,
  table: readonly PlannedChange[] | undefined,
): Promise<PlanAnswer> {
  try {
    return { changes: [...(addresses ?? (await addressChanges(config))), ...(table ?? (await tableChanges(config)))] };
  } catch (error) {
    const message = `cannot tell what would change: ${error instanceof Error ? error.message : String(error)}`;
    return { issues: [{ severity: 'error', line: 0, column: 0, message }] };
  }
}

/** Addresses already there would be taken away until an election is won; the others come with it. */
async function addressChanges(config: Config): Promise<PlannedChange[]> {
  const opened = openRtnetlink();
  if (!opened.ok) throw new Error(`cannot read addresses: ${opened.error.message}`);
  const read = await opened.value.addresses();
  opened.value.close();
  if (!read.ok) throw new Error(`cannot read addresses: ${read.error.message}`);
  const there = new Set(read.value.map((a) => formatPrefix(a.prefix)));
  return config.vrrp.flatMap((router) =>
    router.addresses
      .filter(({ address }) => !there.has(formatPrefix(address)))
      .map(({ address, interface: other }) => ({
        sign: '+' as const,
        what: `address ${formatPrefix(address)} on ${other ?? router.interface}, while ${router.name} is master`,
        breaks: 0,
      })),
  );
}

async function tableChanges(config: Config): Promise<PlannedChange[]> {
  return [...(await settingsChanges(config)), ...(await serviceChanges(config))];
}

/** A router begins as backup, and so does the sync daemon that follows it. */
async function settingsChanges({ ipvs, director: { runDir } }: Config): Promise<PlannedChange[]> {
  const [wanted, kept] = [wantedSettings(ipvs, 'backup'), loadKeptSettings(runDir)];
  if (isNothing(wanted) && isEmpty(kept)) return [];
  const opened = await openIpvsSettings();
  if (!opened.ok) throw new Error(opened.error.message);
  const read = await opened.value.read();
  opened.value.close();
  if (!read.ok) throw new Error(read.error.message);
  return planSettings(read.value, wanted, keep(kept, read.value, wanted)).map(changeOfSetting);
}

async function serviceChanges(config: Config): Promise<PlannedChange[]> {
  if (config.services.length === 0 && loadOwned(config.director.runDir).size === 0) return [];
  const opened = await openIpvs();
  if (!opened.ok) throw new Error(opened.error.message);
  const read = await opened.value.read();
  opened.value.close();
  if (!read.ok) throw new Error(read.error.message);
  const wanted = desired(config.services, (_, server) => server.weight);
  const owned = loadOwned(config.director.runDir);
  return plan(read.value, wanted, new Set([...owned, ...wanted.keys()])).map(changeOf);
}
