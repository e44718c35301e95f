/**
 * What a probe that goes straight to a server and one that goes through IPVS say together. Clients take the second way, so it
 * decides; the first tells why it fails. A server that forgot its virtual address, or whose tunnel is down, answers the first
 * and never the second.
 */

import type { Duration } from '../base/time.ts';
import type { ProbeResult } from './verdict.ts';

/** The way through IPVS. */
export type Way = {
  readonly forward: 'dr' | 'tun';
  /** The virtual address and port, in words. */
  readonly to: string;
};

/** `direct`: `undefined` when it was not asked. */
export function diagnose(way: Way, path: ProbeResult, direct: ProbeResult | undefined): ProbeResult {
  const took = Math.max(path.took, direct?.took ?? 0) as Duration;
  switch (path.outcome) {
    case 'up':
      return { ...path, took: path.took, reason: upInWords(path, direct) };
    case 'down':
      return {
        ...(direct?.outcome === 'up' ? direct : undefined),
        ...path,
        took,
        reason: downInWords(way, path, direct),
      };
    case 'local-error':
      return direct === undefined ? path : { ...direct, took, reason: `${direct.reason}; ${path.reason}` };
  }
}

function upInWords(path: ProbeResult, direct: ProbeResult | undefined): string {
  const through = `${path.reason} through IPVS`;
  return direct?.outcome === 'down' ? `${through}, but not at the server's own address: ${direct.reason}` : through;
}

function downInWords(way: Way, path: ProbeResult, direct: ProbeResult | undefined): string {
  const seen = `${path.reason} at ${way.to}`;
  if (direct?.outcome === 'down')
    return direct.reason === path.reason
      ? `${path.reason}, directly and through IPVS`
      : `${direct.reason}; through IPVS: ${seen}`;
  if (direct?.outcome === 'up') return `answers directly, but not through IPVS: ${seen}; ${causeOf(way, path.reason)}`;
  return `through IPVS: ${seen}`;
}

/** What is known of the cause, by what the reason of the probe begins with. */
const SIGNS: readonly (readonly [sign: RegExp, cause: Readonly<Record<Way['forward'], string>>])[] = [
  [
    /^connection refused/,
    {
      dr: 'the virtual address is there, and nothing listens on it at this port',
      // What the kernel tells of a packet in a tunnel that nobody takes out is no other error than that of a closed port.
      tun: 'its tunnel is down, or nothing listens on the virtual address at this port',
    },
  ],
  [
    /^no (answer|reply)\b/,
    {
      dr: 'the virtual address is missing on the server, or rp_filter there drops what comes for it',
      tun: 'its tunnel is down, the virtual address is missing on the server, or rp_filter there drops what comes out of the tunnel',
    },
  ],
  [
    /^(TLS handshake not finished|connected, but|HTTP \d+.*, but no end)/,
    {
      dr: 'small packets arrive and large ones do not: is the MTU on the way too small?',
      tun: 'small packets arrive and large ones do not: is the MTU on the way too small for the tunnel?',
    },
  ],
];

const OTHERWISE = 'it does not answer there as it does at its own address';

const causeOf = ({ forward }: Way, reason: string): string =>
  SIGNS.find(([sign]) => sign.test(reason))?.[1][forward] ?? OTHERWISE;
