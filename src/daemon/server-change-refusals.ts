/** Why a server is not added, or not removed, at run time: what is said, and what to do instead. */

import { inline } from '../base/option-render.ts';
import type { Issue, ServerConfig, ServiceConfig } from '../config/config.ts';
import { type ServerChange, serverAt } from '../config/server-changes.ts';
import { writeServer } from '../config/server-table.ts';
import { describeServer } from '../config/service-words.ts';
import type { OrderRefusal } from '../control/director.ts';
import { serverName } from '../control/render.ts';
import type { Found } from './find-server.ts';

/** Why there is no place for it: its address or its name is that of another. `changes`: those of the service. */
export function takenBy(
  service: ServiceConfig,
  changes: readonly ServerChange[],
  server: ServerConfig,
): OrderRefusal | undefined {
  const own = serverAt(service, server);
  if (own !== undefined)
    return {
      error: 'server-exists',
      what: `${service.name} has the server ${nameIn(service, own)} already`,
      todo: changes.some((change) => change.server === own)
        ? `\`lvskeeper remove-server ${service.name} ${describeServer(service, own.address)}\` takes it out, to be added otherwise.`
        : '`lvskeeper weight` gives it another weight; what else it has is changed in the file.',
    };
  const named = service.servers.find(({ name }) => name === server.name);
  if (named === undefined) return undefined;
  return {
    error: 'server-exists',
    what: `${service.name} has a server of that name already: ${nameIn(service, named)}`,
    todo: 'Give it a name of its own.',
  };
}

const nameIn = (service: ServiceConfig, server: ServerConfig): string =>
  serverName({ server: server.name, address: describeServer(service, server.address) });

/** Why a server that was removed does not come back so: what is asked for is not what the file says of it. */
export function otherwiseInFile(
  service: ServiceConfig,
  asked: Readonly<Record<string, unknown>>,
  server: ServerConfig,
  filed: ServerConfig,
): OrderRefusal | undefined {
  const [wanted, has] = [writeServer(server), writeServer(filed)];
  const say = (value: (typeof has)[string] | undefined): string => (value === undefined ? '' : inline(value));
  const key = Object.keys(asked).find((k) => k !== 'address' && asked[k] !== null && say(wanted[k]) !== say(has[k]));
  if (key === undefined) return undefined;
  const how = has[key] === undefined ? `without ${key}` : `with ${key} = ${inline(has[key])}`;
  return {
    error: 'server-exists',
    what: `the file has ${describeServer(service, server.address)} in ${service.name} ${how}`,
    todo: 'Give its address alone to have it back as the file says; `lvskeeper weight` then gives it another weight.',
  };
}

export const several = (service: ServiceConfig, word: string, meant: readonly Found[]): OrderRefusal => ({
  error: 'several-servers',
  what: `${word} is ${meant.length} servers of ${service.name}`,
  todo: `Say which: ${meant.map(({ address }) => address).join(', ')}.`,
});

export const removedAlready = (service: ServiceConfig, word: string, { by, server }: ServerChange): OrderRefusal => ({
  error: 'already-removed',
  what: `${word} was removed from ${service.name} at run time by ${by}`,
  todo: `\`lvskeeper add-server ${service.name} ${describeServer(service, server.address)}\` has it back.`,
});

/** In the words of the config file. */
export function wrong(issues: readonly Issue[]): OrderRefusal {
  const [first, ...more] = issues.filter(({ severity }) => severity === 'error');
  const what = `${first?.message ?? ''}${more.length > 0 ? ` (and ${more.length} more)` : ''}`;
  return { error: 'wrong-server', what, todo: 'The servers stay as they were.', issues };
}
