/** Asks on one link who has an address, as conflict probes do it: by ARP without an own address, which teaches nobody where we are. */

import { ok, type Result } from '../base/result.ts';
import { type Heard, openAsker as openNeighbourAsker } from '../trackers/gateway/ask.ts';
import type { Asker, AskingPlace } from './conflict-probe.ts';

/** Needs CAP_NET_RAW. `heard`: whoever says to have an address, whatever made him say so. */
export function openAsker({ family, linkLocal, ...link }: AskingPlace, heard: Heard): Result<Asker, Error> {
  const opened = openNeighbourAsker(family, link.interfaceIndex, heard);
  if (!opened.ok) return opened;
  // RFC 5227, 2.1.1 for IPv4; a solicitation's answer needs somewhere to go (RFC 4861, 7.2.4).
  const source = family === 4 ? null : linkLocal;
  return ok({ ask: (address) => opened.value.ask({ ...link, address, source }, null), close: opened.value.close });
}
