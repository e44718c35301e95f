/**
 * ipvs-watch.ts SERVERS ADDRESS… : says when services with so many servers each are all there, and when they are not.
 *
 * Only these services are looked at. The table as a whole is text in /proc, made anew with every page that is read of it: of
 * 40,000 servers that takes as long as a daemon takes to make them, on the one CPU that the daemon needs. A line is `full` or
 * `lacking`, and since when, in the milliseconds of `now`.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { parseEndpoint } from '../../src/base/address.ts';
import type { ServiceId } from '../../src/ipvs/table.ts';
import { openIpvsFamily } from '../../src/system/ipvs.ts';
import { serviceKeyAttributes, writeIpvs } from '../../src/wire/netlink-ipvs.ts';
import { now } from '../lab/process.ts';

/** A look is at most so small a part of the time. */
const SHARE = 20;
/** Milliseconds between two looks at least. */
const LEAST = 10;

const [servers = '', ...addresses] = process.argv.slice(2);
const ids = addresses.map((text): ServiceId => {
  const address = parseEndpoint(text);
  if (address === undefined) throw new Error(`${text} is no address`);
  return { protocol: 'tcp', address };
});
const opened = await openIpvsFamily();
if (!opened.ok) throw new Error(opened.error.message);
const { netlink, family } = opened.value;

/** How many servers the service has. */
async function count(id: ServiceId): Promise<number> {
  const all = await netlink.dump(
    { type: family, payload: (sink) => writeIpvs(sink, 'GET_DEST', serviceKeyAttributes(id)) },
    'accept',
  );
  return all.ok ? all.value.length : 0;
}

let said = '';
for (;;) {
  const at = now();
  let full = true;
  for (const id of ids) full &&= (await count(id)) === Number(servers);
  const state = full ? 'full' : 'lacking';
  if (state !== said) console.log(`${state} ${at}`);
  said = state;
  await sleep(Math.max(LEAST, (SHARE - 1) * (now() - at)));
}
