/** How a neighbour is asked whether it is there: ARP (RFC 826) for IPv4, neighbour solicitations (RFC 4861, 4.3) for IPv6. */

import { type Family, familyOf, type IpAddress } from '../../base/address.ts';
import { invariant } from '../../base/invariant.ts';
import { ok, type Result } from '../../base/result.ts';
import type { SystemError } from '../../system/native.ts';
import { openNeighbourSocket } from '../../system/neighbour-socket.ts';
import { openPacketSocket } from '../../system/packet-socket.ts';
import { type ArpFrame, decode as decodeArp, encode as encodeArp, probe } from '../../wire/arp.ts';
import { BROADCAST, ETHERTYPE, type MacAddress, UNSET } from '../../wire/ethernet.ts';
import { decode as decodeNeighbour, encodeSolicitation, solicitedNode, TYPE } from '../../wire/ndp.ts';
import type { Hop } from './next-hop.ts';

export type Asker = {
  /** `at`: where it was the last time, so that the question disturbs nobody else; `null`: everybody is asked. */
  ask(hop: Hop, at: MacAddress | null): Result<void, SystemError>;
  close(): void;
};

/** Told of every neighbour that is heard to have an address. `announced`: it told everybody, unasked. */
export type Heard = (address: IpAddress, mac: MacAddress, announced: boolean) => void;

export type OpenAsker = (family: Family, interfaceIndex: number, heard: Heard) => Result<Asker, SystemError>;

/** What it is called in words, one of them. */
export const questionOf = (address: IpAddress): string =>
  familyOf(address) === 4 ? 'ARP request' : 'neighbour solicitation';

export const openAsker: OpenAsker = (family, interfaceIndex, heard) =>
  family === 4 ? openArp(interfaceIndex, heard) : openNeighbour(interfaceIndex, heard);

function openArp(interfaceIndex: number, heard: Heard): Result<Asker, SystemError> {
  const socket = openPacketSocket(interfaceIndex, {
    etherType: ETHERTYPE.arp,
    frame(bytes) {
      const frame = decodeArp(bytes);
      // Whatever it says of itself, an answer or not, it says that it is there.
      // Sender and target are the same in an announcement alone (RFC 5227, 3).
      if (frame.ok) heard(frame.value.sender, frame.value.senderMac, frame.value.sender === frame.value.target);
    },
    // ENETDOWN: then no answer comes, and that is what is found.
    error: () => {},
  });
  if (!socket.ok) return socket;
  return ok({
    ask: (hop, at) => socket.value.send(encodeArp(requestFor(hop, at))),
    close: socket.value.close,
  });
}

/** Without an own address it asks as RFC 5227 does, which tells nobody anything. */
function requestFor({ mac, address, source }: Hop, at: MacAddress | null): ArpFrame {
  if (source === null) return { ...probe(mac, address), destination: at ?? BROADCAST };
  return {
    ...{ destination: at ?? BROADCAST, source: mac, operation: 'request' },
    ...{ senderMac: mac, sender: source, targetMac: UNSET, target: address },
  };
}

function openNeighbour(interfaceIndex: number, heard: Heard): Result<Asker, SystemError> {
  const socket = openNeighbourSocket({
    types: [TYPE.advertisement],
    message(bytes, from) {
      if (from.interfaceIndex !== interfaceIndex) return;
      const advertisement = decodeNeighbour(bytes);
      if (!advertisement.ok) return;
      const { target, targetMac, solicited } = advertisement.value;
      heard(target, targetMac, !solicited);
    },
    error: () => {},
  });
  if (!socket.ok) return socket;
  return ok({
    // Always to the group: it disturbs next to nobody, and only then must the answer name a hardware address (RFC 4861, 4.4).
    ask({ mac, address, source }) {
      invariant(source !== null, 'a neighbour is solicited from an own address');
      const path = { source, destination: solicitedNode(address), interfaceIndex };
      return socket.value.send(encodeSolicitation({ target: address, sourceMac: mac }), path);
    },
    close: socket.value.close,
  });
}
