/** What a config would change: what processes of the daemon answer, and what can be told without them. */

import { formatPrefix } from '../base/address.ts';
import { invariant } from '../base/invariant.ts';
import type { Config } from '../config/config.ts';
import { changes } from '../config/diff.ts';
import { overlay } from '../config/server-changes.ts';
import type { PlanAnswer, PlannedChange } from '../control/director.ts';
import { desired } from '../ipvs/desired.ts';
import { wantedMasquerading, withConntrack } from '../ipvs/masquerade.ts';
import { plan, serviceOf } from '../ipvs/plan.ts';
import { isProbeService } from '../ipvs/probe-services.ts';
import { isEmpty, isNothing, keep, planSettings, wantedSettings } from '../ipvs/settings.ts';
import { readText } from '../system/config-file.ts';
import { openIpvs } from '../system/ipvs.ts';
import { openIpvsSettings } from '../system/ipvs-settings.ts';
import { openNft } from '../system/nft.ts';
import { openRtnetlink } from '../system/rtnetlink.ts';
import { configPlan } from './config-plan.ts';
import { openDiscoveryStore, withKept } from './discovery-store.ts';
import { changeOfSetting } from './ipvs-settings-keeper.ts';
import { previewMasquerading } from './masquerade-keeper.ts';
import type { TableChanges } from './messages.ts';
import { liveConnections, withAddressBreaks } from './plan-connections.ts';
import { changeOf } from './reconciler.ts';
import { routerPlan, type SeenRouter } from './router-plan.ts';
import { loadKeptSettings, loadOwned, loadServerChanges } from './run-state.ts';
import { readChanges } from './server-changes.ts';

/**
 * When no daemon runs that could be asked: all of the file is new, and every server counts as up. What a daemon has kept of the
 * servers changed at run time, and of those that it has found, is there again when it is started.
 */
export const planOffline = (file: Config): Promise<PlanAnswer> => {
  const changed = readChanges(loadServerChanges(file.director.runDir), () => {});
  const found = withKept(file.services, openDiscoveryStore(file.director.runDir));
  const config = { ...file, services: overlay(found, changed).services };
  const nothing = readText('').config;
  invariant(nothing !== null, 'an empty file is a good one');
  // What a director is called, where it keeps its state, what it logs: with no daemon there is none to differ from.
  const { director, log, metrics } = config;
  return planWith({ before: { ...nothing, director, log, metrics }, after: config, routers: [] });
};

export type Known = {
  /** What runs, and what is to. */
  readonly before: Config;
  readonly after: Config;
  readonly routers: readonly SeenRouter[];
  /** What the processes of the daemon have answered, where they have. */
  readonly addresses?: readonly PlannedChange[] | undefined;
  readonly table?: TableChanges | undefined;
};

export async function planWith({ before, after, routers, addresses, table }: Known): Promise<PlanAnswer> {
  try {
    const found = changes(before, after);
    const kernel = table ?? (await tableChanges(after));
    const lines = [
      ...routerPlan(found, before, after, routers),
      ...(addresses ?? (await addressChanges(after))),
      ...kernel.changes,
      ...configPlan(found, before, after, kernel.changes),
    ];
    return { changes: withAddressBreaks(lines, kernel.live) };
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
        ...{ part: 'address', sign: '+', breaks: 0, drains: 0, notes: [] },
        what: `address ${formatPrefix(address)} on ${other ?? router.interface}, while ${router.name} is master`,
      })),
  );
}

async function tableChanges(config: Config): Promise<TableChanges> {
  const settings = await settingsChanges(config);
  // One that is there though nobody wants it is one that a daemon before has left.
  const masquerading = await previewMasquerading(
    openNft(() => config.director.runDir),
    wantedMasquerading(config.services, new Map()),
  );
  const table = await serviceChanges(config);
  return { ...table, changes: [...settings, ...masquerading, ...table.changes] };
}

/** A router begins as backup, and so does the sync daemon that follows it. */
async function settingsChanges({ ipvs, services, director: { runDir } }: Config): Promise<PlannedChange[]> {
  const [wanted, kept] = [wantedSettings(withConntrack(ipvs, services), 'backup'), loadKeptSettings(runDir)];
  if (isNothing(wanted) && isEmpty(kept)) return [];
  const opened = await openIpvsSettings();
  if (!opened.ok) throw new Error(opened.error.message);
  const read = await opened.value.read([...kept.before.keys()]);
  opened.value.close();
  if (!read.ok) throw new Error(read.error.message);
  return planSettings(read.value, wanted, keep(kept, read.value, wanted)).map(changeOfSetting);
}

async function serviceChanges(config: Config): Promise<TableChanges> {
  const none = config.services.length === 0 && loadOwned(config.director.runDir).size === 0;
  if (none) return { changes: [], live: new Map() };
  const opened = await openIpvs();
  if (!opened.ok) throw new Error(opened.error.message);
  const read = await opened.value.read();
  opened.value.close();
  if (!read.ok) throw new Error(read.error.message);
  const wanted = desired(config.services, (_, server) => server.weight);
  const owned = loadOwned(config.director.runDir);
  const operations = plan(read.value, wanted, new Set([...owned, ...wanted.keys()]));
  const shown = operations.filter((operation) => !isProbeService(serviceOf(operation), config.ipvs.firstProbeMark));
  return { changes: shown.map(changeOf), live: liveConnections(read.value) };
}
