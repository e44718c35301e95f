/** What a discovery has found last, kept below the run directory, so that it outlives every process (and ends with the boot). */

import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ServiceConfig } from '../config/config.ts';
import { type Target, withDiscovered } from '../config/discovered-servers.ts';
import { parseServerAddress, writeServerAddress } from '../config/options-service.ts';
import { type Discovered, inForce, NOTHING_FOUND } from '../pool/discovered.ts';
import { loadJson, saveJson } from './run-state.ts';

/** `answered`: when its last good answer came, ms of Unix time; `null`: never. */
export type Kept = { readonly state: Discovered<Target>; readonly answered: number | null };

export const NOTHING_KEPT: Kept = { state: NOTHING_FOUND, answered: null };

export type DiscoveryStore = {
  load(service: string, discovery: string): Kept;
  save(service: string, discovery: string, kept: Kept): void;
  forget(service: string, discovery: string): void;
};

/** By the address that is found: a server that moves to another port is another one. */
export const keyOf = ({ address }: Target): string => writeServerAddress(address);

export function openDiscoveryStore(runDir: string): DiscoveryStore {
  const pathOf = (service: string, discovery: string): string =>
    join(runDir, 'discovery', `service-${encodeURIComponent(service)}`, `${encodeURIComponent(discovery)}.json`);
  return {
    load: (service, discovery) => readKept(loadJson(pathOf(service, discovery))),
    save(service, discovery, kept) {
      const path = pathOf(service, discovery);
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      saveJson(path, writeKept(kept));
    },
    forget: (service, discovery) => rmSync(pathOf(service, discovery), { force: true }),
  };
}

/** The services with what a daemon has kept of their discoveries: as they begin when it is started. */
export const withKept = (services: readonly ServiceConfig[], store: DiscoveryStore): readonly ServiceConfig[] =>
  services.map((service) => {
    const found = service.discovery.map(
      ({ name }) => [name, inForce(store.load(service.name, name).state, keyOf)] as const,
    );
    return withDiscovered(service, new Map(found)).service;
  });

type Row = { readonly address: string; readonly weight?: number; readonly name?: string };

const rowOf = ({ address, weight, name }: Target): Row => ({
  address: writeServerAddress(address),
  ...(weight !== null && { weight }),
  ...(name !== null && { name }),
});

function writeKept({ state: { followed, held }, answered }: Kept): object {
  return { followed: followed.map(rowOf), held: held && { ...held, answer: held.answer.map(rowOf) }, answered };
}

/** What a file holds, or nothing where it is damaged: then the next answer counts as the first. */
export function readKept(saved: unknown): Kept {
  const { followed, held, answered } = tableOf(saved);
  const list = listOf(followed);
  if (list === undefined || typeof answered !== 'number') return NOTHING_KEPT;
  const { answer, times, since } = tableOf(held);
  const back = listOf(answer);
  const whole = back !== undefined && back.length > 0 && typeof times === 'number' && typeof since === 'number';
  return { state: { followed: list, held: whole ? { answer: back, times, since } : null }, answered };
}

const tableOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};

function listOf(rows: unknown): readonly Target[] | undefined {
  if (!Array.isArray(rows)) return undefined;
  const targets = rows.map(targetOf);
  return targets.every((target) => target !== undefined) ? targets : undefined;
}

function targetOf(row: unknown): Target | undefined {
  const { address, weight = null, name = null } = tableOf(row);
  const read = typeof address === 'string' ? parseServerAddress(address) : undefined;
  if (read === undefined || !read.ok) return undefined;
  if ((typeof weight !== 'number' && weight !== null) || (typeof name !== 'string' && name !== null)) return undefined;
  return { address: read.value, weight, name };
}
