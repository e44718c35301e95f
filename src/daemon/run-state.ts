/**
 * What a process leaves for the next one, in small files below the run directory (a tmpfs, so it ends with the boot):
 * the role of a virtual router, the time of its last advert, and the IPVS services that are ours.
 */

import { closeSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { err, ok, type Result } from '../base/result.ts';
import { type Instant, instant } from '../base/time.ts';
import type { Kept } from '../ipvs/settings.ts';

/** Writes `value` as JSON so that a reader sees the old file or the new one, whole, whatever dies in between. */
export function saveJson(path: string, value: unknown): void {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(value)}\n`, { mode: 0o600 });
  renameSync(temporary, path);
}

/** The value saved at `path`; `undefined` when there is none, or none that can be read. */
export function loadJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** As `loadJson`, but tells a file that cannot be read, or is no JSON, from none (`undefined`). */
function readJson(path: string): Result<unknown, string> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? ok(undefined) : err(message);
  }
  try {
    return ok(JSON.parse(text));
  } catch {
    return err(`${path} is damaged: it holds no JSON`);
  }
}

const ownedFile = (runDir: string): string => join(runDir, 'ipvs-owned.json');

/** Keys of the IPVS services that are ours; none where nothing was saved. */
export function loadOwned(runDir: string): ReadonlySet<string> {
  const saved = loadJson(ownedFile(runDir));
  return new Set(Array.isArray(saved) ? saved.filter((key) => typeof key === 'string') : []);
}

export const saveOwned = (runDir: string, owned: ReadonlySet<string>): void =>
  saveJson(ownedFile(runDir), [...owned].sort());

const settingsFile = (runDir: string): string => join(runDir, 'ipvs-settings.json');

/** What the settings of IPVS were before us, and which sync daemons are ours; nothing where nothing was saved. */
export function loadKeptSettings(runDir: string): Kept {
  const { before, daemons } = (loadJson(settingsFile(runDir)) ?? {}) as { before?: unknown; daemons?: unknown };
  const values = Object.entries(typeof before === 'object' ? (before ?? {}) : {});
  return {
    before: new Map(values.filter((entry): entry is [string, string] => typeof entry[1] === 'string')),
    daemons: Array.isArray(daemons) ? daemons.filter((state) => state === 'master' || state === 'backup') : [],
  };
}

export const saveKeptSettings = (runDir: string, { before, daemons }: Kept): void =>
  saveJson(settingsFile(runDir), { before: Object.fromEntries(before), daemons });

const leavingFile = (runDir: string): string => join(runDir, 'ipvs-leaving.json');

/** Since when servers that have left the config are leaving; of no use after the boot that it was written in. */
export const loadLeaving = (runDir: string): unknown => loadJson(leavingFile(runDir));
export const saveLeaving = (runDir: string, leaving: Readonly<Record<string, number>>): void =>
  saveJson(leavingFile(runDir), leaving);

const verdictsFile = (runDir: string): string => join(runDir, 'verdicts.json');

/** The verdicts of the process before; of no use after the boot that they were written in. */
export const loadVerdicts = (runDir: string): unknown => loadJson(verdictsFile(runDir));
export const saveVerdicts = (runDir: string, verdicts: unknown): void => saveJson(verdictsFile(runDir), verdicts);

const changesFile = (runDir: string): string => join(runDir, 'server-changes.json');

/** The servers that were added and removed at run time; `undefined` where nothing was saved. */
export const loadServerChanges = (runDir: string): Result<unknown, string> => readJson(changesFile(runDir));
export const saveServerChanges = (runDir: string, changes: readonly object[]): void =>
  saveJson(changesFile(runDir), changes);

const trialFile = (runDir: string): string => join(runDir, 'trial.json');

/** The config on trial, as its text and the one before; `undefined`: none. What cannot be read is `null`. */
export const loadTrial = (runDir: string): unknown => {
  const saved = readJson(trialFile(runDir));
  return saved.ok ? saved.value : null;
};
export function saveTrial(runDir: string, trial: object | null): void {
  if (trial === null) rmSync(trialFile(runDir), { force: true });
  else saveJson(trialFile(runDir), trial);
}

/** The role that a virtual router had, as its last process left it. */
export type Role = {
  /** Whether it was master when it was last heard of. */
  readonly master: boolean;
  readonly interface: string;
  readonly routerId: number;
  /** What it had put into the kernel, in words (`formatHeld`). */
  readonly held: readonly string[];
};

/** Keeps one router's role and beat. The beat is eight bytes, overwritten in place at every advert: no rename, no sync. */
export type RoleFile = {
  read(): { readonly role: Role; readonly beat: Instant } | undefined;
  write(role: Role): void;
  beat(at: Instant): void;
  /** Forgets the router: it is no longer configured. */
  remove(): void;
  close(): void;
};

/** One that keeps nothing, where the run directory takes no file: the role is worth more than its record. */
const NOTHING: RoleFile = { read: () => undefined, write() {}, beat() {}, remove() {}, close() {} };

/** `router`: a word for the virtual router, which no other has. */
export function openRoleFile(runDir: string, router: string): RoleFile {
  try {
    return open(runDir, router);
  } catch {
    return NOTHING;
  }
}

function open(runDir: string, router: string): RoleFile {
  const path = join(runDir, `vrrp-${encodeURIComponent(router)}.json`);
  const beatPath = join(runDir, `vrrp-${encodeURIComponent(router)}.beat`);
  const beatFile = openSync(beatPath, 'a+', 0o600);
  closeSync(beatFile);
  const fd = openSync(beatPath, 'r+');
  const bytes = Buffer.alloc(8);
  return {
    read() {
      const role = loadJson(path);
      if (!isRole(role)) return undefined;
      const beat = readFileSync(beatPath);
      return { role, beat: instant(beat.length === 8 ? beat.readDoubleLE(0) : Number.NEGATIVE_INFINITY) };
    },
    write: (role) => saveJson(path, role),
    beat(at) {
      bytes.writeDoubleLE(at);
      writeSync(fd, bytes, 0, 8, 0);
    },
    remove() {
      closeSync(fd);
      rmSync(path, { force: true });
      rmSync(beatPath, { force: true });
    },
    close: () => closeSync(fd),
  };
}

/** Names of the routers that left a role in the run directory; none where it cannot be read. */
export function routersIn(runDir: string): string[] {
  let files: string[];
  try {
    files = readdirSync(runDir);
  } catch {
    return [];
  }
  return files.flatMap((file) => {
    const [, name] = /^vrrp-(.+)\.json$/.exec(file) ?? [];
    return name === undefined ? [] : decoded(name);
  });
}

/** None for a file that is not ours: ours are encoded. */
function decoded(name: string): string[] {
  try {
    return [decodeURIComponent(name)];
  } catch {
    return [];
  }
}

function isRole(value: unknown): value is Role {
  const role = value as Partial<Role> | null | undefined;
  return (
    typeof role?.master === 'boolean' &&
    typeof role.interface === 'string' &&
    typeof role.routerId === 'number' &&
    Array.isArray(role.held) &&
    role.held.every((text) => typeof text === 'string')
  );
}
