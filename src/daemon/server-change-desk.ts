/** Where a request to add a server at run time, or to remove one, is judged by the rules of the file, and answered. */

import { err, ok, type Result } from '../base/result.ts';
import type { ServerConfig, ServiceConfig } from '../config/config.ts';
import { faults, isWrong, type ServerChange, serverAt, withChanges } from '../config/server-changes.ts';
import { readServer } from '../config/server-table.ts';
import { describeServer } from '../config/service-words.ts';
import type {
  AddServerRequest,
  Director,
  FileAnswer,
  OrderRefusal,
  ReloadAnswer,
  ReloadRequest,
  ServerChangeAnswer,
  ServerChangeResult,
  ServerChangeView,
} from '../control/director.ts';
import type { ServiceStatus } from '../control/status.ts';
import { type Found, foundIn, isCalled, serversCalled, serviceCalled } from './find-server.ts';
import { otherwiseInFile, removedAlready, several, takenBy, wrong } from './server-change-refusals.ts';
import { namedIn, type ServerChangeBook } from './server-changes.ts';
import { emptied, NO_ANSWER, statusOf } from './server-desk.ts';

export type ServerChangeDesk = Pick<Director, 'addServer' | 'removeServer'> & {
  /** Adds to what has become of the file what becomes of the changes: one that is refused leaves them as they are. */
  afterReload(answer: FileAnswer, request: ReloadRequest): ReloadAnswer;
};

export type ServerChangeDeskTools = {
  readonly changes: ServerChangeBook;
  readonly now: () => Date;
  /** How the services are now; `undefined` when the checker process does not answer. */
  readonly ask: () => Promise<readonly ServiceStatus[] | undefined>;
  /** The running services have changed. */
  readonly changed: () => void;
};

export function createServerChangeDesk({ changes, now, ask, changed }: ServerChangeDeskTools): ServerChangeDesk {
  const changesOf = (name: string): readonly ServerChange[] =>
    changes.current().filter(({ service }) => service === name);

  /** The service as the file has it. */
  const filed = (service: ServiceConfig): ServiceConfig =>
    changes.inFile().find(({ name }) => name === service.name) ?? service;

  /** Whether the file would allow these changes to the service in place of those in force; its warnings. */
  function judge(service: ServiceConfig, next: readonly ServerChange[]): Result<readonly string[], OrderRefusal> {
    const file = filed(service);
    const found = faults(withChanges(file, changesOf(service.name)), withChanges(file, next));
    return isWrong(found) ? err(wrong(found)) : ok(found.map(({ message }) => message));
  }

  function view(change: ServerChange): ServerChangeView {
    const { what, service, server, by, reason, since } = change;
    return { what, service, server: server.name, address: namedIn(changes.inFile(), change), by, reason, since };
  }

  const answer = (
    done: ServerChangeAnswer['done'],
    { service, server, address, config }: Found,
    change: ServerChange,
    notes: readonly string[],
    connections: ServerChangeAnswer['connections'] = null,
  ): ServerChangeAnswer => ({
    ...{ service, server, address, done, change: view(change), connections },
    ...{ drainTimeout: config.drainTimeout, notes },
  });

  function add(service: ServiceConfig, server: ServerConfig, { by, reason }: AddServerRequest): ServerChangeResult {
    const change = { what: 'added', service: service.name, server, by, reason, since: now().toISOString() } as const;
    const judged = judge(service, [...changesOf(service.name), change]);
    if (!judged.ok) return judged;
    changes.make(change);
    changed();
    return ok(answer('added', foundIn(service, server), change, [...judged.value, ...unchecked(service)]));
  }

  /** Has one back that was removed, where it is asked for as the file has it. */
  function putBack(
    service: ServiceConfig,
    server: ServerConfig,
    removal: ServerChange,
    { table, by, reason }: AddServerRequest,
  ): ServerChangeResult {
    const own = serverAt(filed(service), server) ?? server;
    const otherwise = otherwiseInFile(service, table, server, own);
    if (otherwise !== undefined) return err(otherwise);
    const judged = judge(service, without(changesOf(service.name), removal));
    if (!judged.ok) return judged;
    changes.takeBack(removal, by, reason);
    changed();
    return ok(answer('put-back', foundIn(service, own), removal, [...judged.value, ...unchecked(service)]));
  }

  return {
    async addServer(name, request) {
      const called = serviceCalled(changes.services(), name);
      if (!called.ok) return called;
      const service = called.value;
      const { server, issues } = readServer(request.table);
      if (server === null) return err(wrong(issues));
      const taken = takenBy(service, changesOf(name), server);
      if (taken !== undefined) return err(taken);
      const removal = changesOf(name).find(({ server: gone }) => isSame(service, gone, server));
      return removal === undefined ? add(service, server, request) : putBack(service, server, removal, request);
    },

    async removeServer(name, { server: word, by, reason }) {
      const seen = await ask();
      const called = serviceCalled(changes.services(), name);
      if (!called.ok) return called;
      const found = oneCalled(called.value, changesOf(name), word);
      if (!found.ok) return found;
      const { entry } = found.value;
      const addition = changesOf(name).find(({ what, server }) => what === 'added' && server === entry);
      const removal: ServerChange = {
        ...{ service: name, by, reason, since: now().toISOString() },
        ...{ what: 'removed', server: { name: entry.name, address: entry.address } },
      };
      const next = addition === undefined ? [...changesOf(name), removal] : without(changesOf(name), addition);
      const judged = judge(called.value, next);
      if (!judged.ok) return judged;
      if (addition === undefined) changes.make(removal);
      else changes.takeBack(addition, by, reason);
      changed();
      const status = statusOf(seen, found.value);
      const silent = status === undefined ? [NO_ANSWER] : [];
      const notes = [...silent, ...emptied(seen, found.value, [found.value]), ...judged.value];
      const done = addition === undefined ? 'removed' : 'taken-back';
      return ok(answer(done, found.value, addition ?? removal, notes, status?.connections ?? null));
    },

    afterReload(answer, { discard, by }) {
      const read = answer.outcome !== 'refused';
      const ceased = read ? changes.ceased().map(({ change, why }) => ({ ...view(change), why })) : [];
      const discarded = read && discard ? changes.current().map(view) : [];
      if (discarded.length > 0) {
        changes.discard(by);
        changed();
      }
      return { ...answer, serverChanges: { kept: changes.current().map(view), discarded, ceased } };
    },
  };
}

const without = (changes: readonly ServerChange[], one: ServerChange): readonly ServerChange[] =>
  changes.filter((change) => change !== one);

type Addressed = Pick<ServerConfig, 'address'>;
const isSame = (service: ServiceConfig, a: Addressed, b: Addressed): boolean =>
  describeServer(service, a.address) === describeServer(service, b.address);

/** The one server that is meant. */
function oneCalled(
  service: ServiceConfig,
  changes: readonly ServerChange[],
  word: string,
): Result<Found, OrderRefusal> {
  const found = serversCalled([service], { server: word, service: service.name });
  if (!found.ok) {
    const gone = changes.find(({ what, server }) => what === 'removed' && isCalled(service, server, word));
    return gone === undefined ? found : err(removedAlready(service, word, gone));
  }
  const [first, ...more] = found.value;
  return first !== undefined && more.length === 0 ? ok(first) : err(several(service, word, found.value));
}

const unchecked = ({ checks, name }: ServiceConfig): string[] =>
  checks.length === 0 ? [`${name} has no check: it counts as up at once`] : [];
