/** A director that answers what it is given, for the tests of the control API and of the command line. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { ok } from '../../../src/base/result.ts';
import { seconds } from '../../../src/base/time.ts';
import { controlServer } from '../../../src/control/api.ts';
import type { Director, OrderOutcome, ReloadAnswer, ServerChangeAnswer, Trial } from '../../../src/control/director.ts';
import { createJournal } from '../../../src/control/journal.ts';
import { listenUnix } from '../../../src/control/listen.ts';
import type { Status } from '../../../src/control/status.ts';
import type { Verdicts } from '../../../src/control/verdicts.ts';
import { createLog, type Log } from '../../../src/system/log.ts';

/** What a reload says of the servers changed at run time where there are none. */
export const NO_CHANGES: ReloadAnswer['serverChanges'] = { kept: [], discarded: [], ceased: [] };

export const EMPTY_STATUS: Status = {
  director: 'lb1',
  version: '1.2.3',
  started: '2026-03-01T08:00:00.000Z',
  config: { file: '/etc/lvskeeper/lvskeeper.toml', loaded: '2026-03-01T08:00:00.000Z', refused: null, trial: null },
  processes: [{ name: 'supervisor', pid: 7, state: 'ready', started: '2026-03-01T08:00:00.000Z', restarts: 0 }],
  ipvsTrouble: null,
  cutOff: null,
  sync: null,
  routers: [],
  services: [],
  peers: [],
  probeServices: [],
};

/** Of one service with one server, which is down. */
export const VERDICTS: Verdicts = {
  ...{ director: 'lb1', version: '1.2.3', at: '2026-03-01T12:05:03.000Z' },
  services: [
    {
      name: 'web',
      servers: [
        {
          ...{ name: 'web1', address: '10.0.0.21:80', state: 'down' },
          ...{ since: '2026-03-01T12:04:03.000Z', reason: 'connection refused' },
        },
      ],
    },
  ],
};

export function fakeDirector(answers: Partial<Director> = {}): Director {
  let second = 0;
  return {
    status: async () => EMPTY_STATUS,
    verdicts: async () => VERDICTS,
    journal: createJournal({ now: () => new Date(Date.UTC(2026, 2, 1, 12, 0, second++)) }),
    alerts: () => [],
    reload: async () => ({
      ...{ outcome: 'unchanged', detail: '', file: '/etc/lvskeeper/lvskeeper.toml', issues: [] },
      serverChanges: NO_CHANGES,
    }),
    restart: async () => ({ outcome: 'restarting', detail: '', file: '/etc/lvskeeper/lvskeeper.toml', issues: [] }),
    plan: async () => ({ changes: [] }),
    apply: async () => ok({ outcome: 'on-trial', detail: '', issues: [], trial: TRIAL }),
    confirm: async () => ok(TRIAL),
    rollback: async () => ok(TRIAL),
    trial: () => TRIAL,
    healthy: async () => ({ ok: true, reasons: [] }),
    order: async (router) => ok({ routers: [nothingDone(router)] }),
    takeBack: async (router) => ok({ routers: [nothingDone(router)] }),
    failover: async ({ router }) => ok({ routers: [nothingDone(router ?? 'edge')] }),
    orderServer: async () => ok({ servers: [] }),
    takeBackServer: async () => ok({ servers: [] }),
    addServer: async () => ok(ADDED),
    removeServer: async () => ok(ADDED),
    acceptServers: async (service) => ok({ service, accepted: [] }),
    ...answers,
  };
}

/** A server of the service `web`, added by anna. */
export const ADDED: ServerChangeAnswer = {
  ...{ service: 'web', server: 'web3', address: '10.0.0.23:80', done: 'added' },
  change: {
    ...{ what: 'added', service: 'web', server: 'web3', address: '10.0.0.23:80' },
    ...{ by: 'anna', reason: 'more load', since: '2026-03-01T12:00:03.000Z' },
  },
  ...{ connections: null, drainTimeout: seconds(300), notes: [] },
};

/** Five minutes, asked for by anna. */
export const TRIAL: Trial = {
  ...{ text: '# new', before: '# old', by: 'anna' },
  ...{ since: '2026-03-01T12:00:00.000Z', until: '2026-03-01T12:05:00.000Z' },
};

const nothingDone = (router: string): OrderOutcome => ({
  router,
  syncGroup: null,
  before: 'backup',
  done: 'nothing',
  order: null,
  detail: 'nothing to do',
});

/** A log into `entries`. */
export function logTo(entries: string[]): Log {
  return createLog({
    stream: { write: (text) => entries.push(text) > 0, writableLength: 0, on: () => undefined },
    config: { level: 'debug', format: 'json' },
    surroundings: { terminal: false, colour: false, journal: false },
    now: () => new Date(0),
  });
}

export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'lvskeeper-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The control API of `director` on a real unix socket; ends with the test. */
export async function serve(t: TestContext, director: Director, log: Log = logTo([])): Promise<string> {
  const path = join(temporaryFolder(t), 'control.sock');
  const listening = await listenUnix(controlServer(director, log), path);
  if (!listening.ok) throw new Error(listening.error);
  t.after(() => listening.value.close());
  return path;
}
