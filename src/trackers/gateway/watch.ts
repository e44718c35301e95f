/**
 * Asks a gateway every `interval` whether it is there. Known from its last answer, it is asked alone first, and everybody
 * half the timeout later; so the next failure costs the link one broadcast, and a gateway that moved is found.
 */

import { familyOf, type IpAddress } from '../../base/address.ts';
import { after, type Duration, formatDuration, stoodStill, times } from '../../base/time.ts';
import type { GatewayTrack } from '../../config/config.ts';
import type { SystemError } from '../../system/native.ts';
import type { MacAddress } from '../../wire/ethernet.ts';
import { repeat } from '../repeat.ts';
import { type Clock, down, type Finding, type Found, unknown, up, type Watcher } from '../watch.ts';
import { type Asker, type OpenAsker, questionOf } from './ask.ts';
import { createHopFinder, type Hop, type HopTools } from './next-hop.ts';

export type GatewayTools = HopTools & { readonly openAsker: OpenAsker };

export function watchGateway(track: GatewayTrack, clock: Clock, tools: GatewayTools, found: Found): Watcher {
  const hops = createHopFinder(tools);
  /** Where the gateway was when it was heard last. */
  let known: MacAddress | null = null;
  /** Questions without an answer up to now, and whom they were put to. */
  let asked = 0;
  let last: IpAddress | undefined;
  let open: { readonly link: string; readonly asker: Asker } | undefined;
  let waiting: { readonly address: IpAddress; readonly end: (finding: Finding) => void } | undefined;
  let closed = false;
  let onDue: (lateness: Duration) => void = () => {};
  const timer = clock.timer((lateness) => onDue(lateness));

  async function look(): Promise<void> {
    const hop = await hops.find(track.gateway);
    if (closed) return;
    const finding = hop.ok ? await question(hop.value) : hop.error;
    if (closed) return;
    if (!hop.ok || finding.outcome !== 'up') hops.forget();
    if (!hop.ok) asked = 0;
    found(finding);
  }

  function question(hop: Hop): Promise<Finding> {
    const to = track.gateway === 'default' ? `(${hop.address}) ` : '';
    const refused = ({ code, message }: SystemError): Finding => {
      closeAsker();
      return LINK_DOWN.has(code)
        ? down(`${to}cannot be asked: interface ${hop.interface} is down`)
        : unknown(`${to}cannot be asked: ${message}`);
    };
    if (last !== hop.address) {
      last = hop.address;
      known = null;
      asked = 0;
    }
    const asker = askerOn(hop);
    if (!asker.ok) return Promise.resolve(refused(asker.error));

    return new Promise((resolve) => {
      const end = (finding: Finding): void => {
        waiting = undefined;
        timer.disarm();
        resolve(finding);
      };
      const began = clock.now();
      const ask = (at: MacAddress | null, then: Duration, due: (lateness: Duration) => void): void => {
        const sent = asker.value.ask(hop, at);
        if (!sent.ok) return end(refused(sent.error));
        asked += 1;
        onDue = due;
        timer.arm(after(began, then));
      };
      const giveUp = (lateness: Duration): void => {
        // After a standstill of this process, timers run before the answers that came meanwhile are read.
        setImmediate(() => {
          if (waiting?.end !== end) return;
          known = null;
          const n = `${asked} ${questionOf(hop.address)}${asked === 1 ? '' : 's'}`;
          if (!stoodStill(track.timeout, lateness)) return end(down(`${to}has not answered ${n}`));
          end(unknown(`cannot be judged: this process was held up for ${formatDuration(lateness)}`));
        });
      };
      waiting = { address: hop.address, end };
      if (known === null) ask(null, track.timeout, giveUp);
      else ask(known, times(track.timeout, 0.5), () => ask(null, track.timeout, giveUp));
    });
  }

  function hear(address: IpAddress, mac: MacAddress): void {
    if (waiting?.address !== address) return;
    known = mac;
    asked = 0;
    waiting.end(up(track.gateway === 'default' ? `(${address}) answers` : 'answers'));
  }

  function askerOn({ address, interfaceIndex }: Hop): ReturnType<OpenAsker> {
    const link = `${interfaceIndex} ${familyOf(address)}`;
    if (open?.link === link) return { ok: true, value: open.asker };
    closeAsker();
    const opened = tools.openAsker(familyOf(address), interfaceIndex, hear);
    if (opened.ok) open = { link, asker: opened.value };
    return opened;
  }

  function closeAsker(): void {
    open?.asker.close();
    open = undefined;
  }

  const looks = repeat(clock, track.interval, look);
  return {
    close() {
      closed = true;
      looks.close();
      timer.close();
      closeAsker();
    },
  };
}

const LINK_DOWN = new Set(['ENETDOWN', 'ENODEV', 'ENXIO']);
