/**
 * Asks who has addresses that are about to become ours, and tells of everybody who answers and is neither this machine
 * nor a virtual router: a host that was given the address by hand. Sockets are open only while an answer may come. An
 * announcement is no answer: a director that becomes master at this moment makes one.
 */

import { type Family, familyOf, type IpAddress } from '../base/address.ts';
import type { Result } from '../base/result.ts';
import { after, type Duration, type Instant, instant, milliseconds } from '../base/time.ts';
import type { Happening } from '../control/event.ts';
import type { Heard } from '../trackers/gateway/ask.ts';
import type { MacAddress } from '../wire/ethernet.ts';
import type { OnLink } from './announcer.ts';
import type { VirtualRouter } from './virtual-router.ts';

export type Conflict = { readonly address: IpAddress; readonly interface: string; readonly mac: MacAddress };

export type ConflictProbe = {
  /**
   * Two questions for each address, 100 ms apart; who answers within a second of the second is told, once an address.
   * Interface and MAC are those of the interface itself, never of a macvlan: a switch would learn the virtual MAC here.
   * `linkLocal`: an own address on that interface, for IPv6; without one IPv6 addresses are passed over.
   */
  probe(addresses: readonly OnLink[], linkLocal: IpAddress | null): void;
  close(): void;
};

/** Where questions about addresses of one family are asked. */
export type AskingPlace = Omit<OnLink, 'address'> & { readonly family: Family; readonly linkLocal: IpAddress | null };

export type Asker = { ask(address: IpAddress): Result<void, Error>; close(): void };

export type ConflictProbePorts = {
  readonly now: () => Instant;
  readonly timer: (due: (lateness: Duration) => void) => { arm(at: Instant): void; disarm(): void; close(): void };
  /** `openAsker`: `heard` is told of everybody who says to have an address, asked for or not. */
  readonly open: (place: AskingPlace, heard: Heard) => Result<Asker, Error>;
  /** Whether an interface of this machine has the hardware address. */
  readonly isOwn: (mac: MacAddress) => boolean;
  readonly found: (conflict: Conflict) => void;
  readonly trouble: (what: string, detail: string) => void;
};

/** Questions for one address, and how far apart they are. */
const QUESTIONS = 2;
const APART = milliseconds(100);
const PATIENCE = milliseconds(1000);

/** An address that is asked for. `left`: questions still to be asked; `due`: the next of them, or the end. */
type Question = { left: number; due: Instant };
type Asking = { readonly place: AskingPlace; readonly asker: Asker; readonly questions: Map<IpAddress, Question> };

export function createConflictProbe(ports: ConflictProbePorts): ConflictProbe {
  const { now, open, isOwn, found, trouble } = ports;
  const askings = new Map<string, Asking>();
  const timer = ports.timer(due);
  let closed = false;

  function probe(addresses: readonly OnLink[], linkLocal: IpAddress | null): void {
    if (closed) return;
    for (const { address, ...where } of addresses) {
      const family = familyOf(address);
      if (family === 6 && linkLocal === null) continue;
      askingAt({ ...where, family, linkLocal })?.questions.set(address, { left: QUESTIONS, due: now() });
    }
    due();
  }

  function askingAt(place: AskingPlace): Asking | undefined {
    const key = `${place.interfaceIndex} ${place.family}`;
    const known = askings.get(key);
    if (known !== undefined) return known;
    const opened = open(place, (address, mac, announced) => {
      if (!announced) heard(key, address, mac);
    });
    if (!opened.ok) {
      trouble(`nobody can be asked who has our addresses on ${place.interface}`, opened.error.message);
      return undefined;
    }
    const asking: Asking = { place, asker: opened.value, questions: new Map() };
    askings.set(key, asking);
    return asking;
  }

  function heard(key: string, address: IpAddress, mac: MacAddress): void {
    const asking = askings.get(key);
    if (asking === undefined || isOwn(mac) || isVirtual(mac)) return;
    // Each is told once: an address that was answered for is not asked for any more.
    if (!asking.questions.delete(address)) return;
    found({ address, interface: asking.place.interface, mac });
  }

  function due(): void {
    const at = now();
    for (const [key, asking] of askings) {
      for (const [address, question] of asking.questions) if (question.due <= at) goOn(asking, address, question, at);
      if (asking.questions.size > 0) continue;
      asking.asker.close();
      askings.delete(key);
    }
    const next = [...askings.values()].flatMap(({ questions }) => [...questions.values()].map((q) => q.due));
    if (next.length === 0) timer.disarm();
    else timer.arm(instant(next.reduce<number>((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)));
  }

  function goOn(asking: Asking, address: IpAddress, question: Question, at: Instant): void {
    if (question.left === 0) return void asking.questions.delete(address);
    question.left -= 1;
    question.due = after(at, question.left > 0 ? APART : PATIENCE);
    const asked = asking.asker.ask(address);
    if (!asked.ok)
      trouble(`nobody can be asked who has our addresses on ${asking.place.interface}`, asked.error.message);
  }

  return {
    probe,
    close() {
      closed = true;
      for (const { asker } of askings.values()) asker.close();
      askings.clear();
      timer.close();
    },
  };
}

/**
 * What is told of a conflict. `owner`: our router that has the address. `undefined`: nothing, since somebody became master
 * while we asked, and what a master has is no conflict.
 */
export function conflictOf(
  { address, interface: name, mac }: Conflict,
  owner: Pick<VirtualRouter, 'config' | 'state'> | undefined,
): Happening | undefined {
  if (owner !== undefined && owner.state.master !== null) return undefined;
  return { kind: 'conflict', router: owner?.config.name ?? '', address, interface: name, mac };
}

/** 00:00:5e:00:01:VRID and 00:00:5e:00:02:VRID (RFC 9568, 7.3): a director, whom VRRP itself tells of us. */
const isVirtual = (mac: MacAddress): boolean => /^00:00:5e:00:0[12]:/.test(mac);
