/**
 * Virtual routers on one simulated segment, with one clock and no I/O: the same `step` and `groupOrder` that the daemon
 * drives, their orders carried out by a network that can lose, delay, duplicate, reorder and cut, on machines that can
 * stall, die and come back. Everything is decided by the seed.
 */

import assert from 'node:assert/strict';
import { familyOf, type IpAddress, ip } from '../../src/base/address.ts';
import { after, type Duration, type Instant, instant, milliseconds, times } from '../../src/base/time.ts';
import { groupOrder } from '../../src/vrrp/group.ts';
import {
  nextDeadline,
  type Router,
  type RouterAction,
  type RouterEvent,
  type RouterSettings,
} from '../../src/vrrp/router.ts';
import { initial, step } from '../../src/vrrp/step.ts';
import { lease } from '../../src/vrrp/timing.ts';
import { type Advert, decode, encode, GROUP, TTL } from '../../src/wire/vrrp.ts';

export type Node = {
  readonly name: string;
  readonly source: IpAddress;
  /** Routers of one machine with the same word here change state together. */
  readonly group: string | null;
  settings: RouterSettings;
  router: Router;
  /** Whether the addresses are on this machine's interface. */
  holds: boolean;
  /** The process runs. A dead one keeps its addresses until their lease ends: the kernel does not care. */
  alive: boolean;
  up: boolean;
  /** A tracked thing whose failure is a fault has failed. */
  lacks: string | null;
  /** When it last advertised as master. */
  beat: Instant;
  /** The process gets no time until then; what arrives waits in its socket. */
  asleepUntil: Instant;
  inbox: { readonly bytes: Uint8Array; readonly from: IpAddress; readonly at: Instant }[];
};

export type Faults = {
  /** Probability that one delivery is lost, 0 to 1. */
  readonly loss: number;
  /** Each delivery takes up to this long, so two may arrive in another order than they left in. */
  readonly delay: Duration;
  /** Probability that one delivery happens twice. */
  readonly duplicate: number;
};
export const NO_FAULTS: Faults = { loss: 0, delay: milliseconds(0.1), duplicate: 0 };

type Delivery = { readonly at: Instant; readonly to: Node; readonly from: Node; readonly bytes: Uint8Array };

export class World {
  now: Instant = instant(0);
  readonly nodes = new Map<string, Node>();
  readonly trace: string[] = [];
  faults: Faults = NO_FAULTS;
  /** Directed pairs `a>b` over which nothing passes. */
  readonly cut = new Set<string>();
  /** Priorities of the adverts that each node has sent. */
  readonly sent = new Map<string, number[]>();
  readonly #random: () => number;
  #deliveries: Delivery[] = [];

  constructor(seed = 1) {
    this.#random = mulberry32(seed);
  }

  add(name: string, source: string, settings: Partial<RouterSettings> = {}, group: string | null = null): Node {
    const family = familyOf(ip(source));
    const whole: RouterSettings = {
      ...{ routerId: 51, family, version: 3, priority: 100, downCount: 3 },
      interval: milliseconds(1000),
      addresses: [ip(family === 4 ? '192.0.2.100' : '2001:db8::100')],
      preempt: true,
      preemptDelay: milliseconds(0),
      announceDelay: milliseconds(5000),
      announceRefresh: milliseconds(0),
      probe: false,
      grouped: group !== null,
      ...settings,
    };
    const node: Node = {
      ...{ name, source: ip(source), group, settings: whole, router: initial(whole) },
      ...{ holds: false, alive: false, up: true, lacks: null },
      ...{ beat: instant(Number.NEGATIVE_INFINITY), asleepUntil: instant(0), inbox: [] },
    };
    this.nodes.set(name, node);
    return node;
  }

  node(name: string): Node {
    const node = this.nodes.get(name);
    assert.ok(node, `no router named ${name}`);
    return node;
  }

  /** Starts the process. Like the daemon's it resumes as master where no peer can have noticed. */
  start(node: Node, resume = this.#canResume(node)): void {
    node.router = initial(node.settings);
    node.alive = true;
    this.feed(node, { type: 'start', source: node.source, lacks: lacksOf(node), resume });
  }

  #canResume({ holds, beat, settings }: Node): boolean {
    return holds && this.now - beat < times(settings.interval, settings.downCount);
  }

  /** `kill -9`: no order is carried out any more; the addresses stay until their lease ends. */
  kill(node: Node): void {
    node.alive = false;
    node.router = initial(node.settings);
    node.inbox = [];
  }

  /** The machine loses power: the addresses are gone with it. */
  crash(node: Node): void {
    this.kill(node);
    node.holds = false;
  }

  /** The link, or a tracked thing, changes. */
  able(node: Node, change: { readonly up?: boolean; readonly lacks?: string | null }): void {
    Object.assign(node, change);
    this.feed(node, { type: 'able', source: node.source, lacks: lacksOf(node) });
  }

  /** Tracked things, or the operator, change the priority. */
  prioritise(node: Node, priority: number, event: RouterEvent = { type: 'priority' }): void {
    node.settings = { ...node.settings, priority };
    this.feed(node, event);
  }

  feed(node: Node, event: RouterEvent, at: Instant = this.now): void {
    if (!node.alive) return;
    this.#step(node, event, at);
    if (event.type === 'stop') node.alive = false;
    this.#together(node, at);
  }

  #step(node: Node, event: RouterEvent, at: Instant): void {
    const { next, actions } = step(node.settings, node.router, event, at);
    node.router = next;
    for (const action of actions) this.#carryOut(node, action);
  }

  #together(node: Node, at: Instant): void {
    if (node.group === null) return;
    const members = [...this.nodes.values()].filter((other) => other.group === node.group);
    for (let n = 0; n < 3 * members.length; n++) {
      const order = groupOrder(members);
      if (order === undefined) return;
      this.#step(this.node(order.member.name), order.event, at);
    }
    assert.fail(`the group ${node.group} does not settle`);
  }

  /** Lets time pass until `end`, event by event. `between` is called after each. */
  run(span: Duration, between: () => void = () => {}): void {
    const end = after(this.now, span);
    for (let turns = 0; turns < 1_000_000; turns++) {
      const next = this.#nextMoment();
      if (next === undefined || next > end) break;
      this.now = instant(Math.max(next, this.now));
      this.#turn();
      between();
    }
    this.now = end;
    this.#endLeases();
  }

  /** Names of those that hold the addresses and could answer for them. */
  owners(): string[] {
    return [...this.nodes.values()].filter((n) => n.holds && n.up).map((n) => n.name);
  }

  #nextMoment(): Instant | undefined {
    let moment = Number.POSITIVE_INFINITY;
    for (const { at } of this.#deliveries) moment = Math.min(moment, at);
    for (const node of this.nodes.values()) {
      if (node.alive) {
        const due = nextDeadline(node.router);
        if (due !== undefined) moment = Math.min(moment, Math.max(due, node.asleepUntil));
        if (node.inbox.length > 0) moment = Math.min(moment, node.asleepUntil);
      }
    }
    return moment === Number.POSITIVE_INFINITY ? undefined : instant(moment);
  }

  #turn(): void {
    this.#endLeases();
    const arrived = this.#deliveries.filter((d) => d.at <= this.now);
    if (arrived.length > 0) this.#deliveries = this.#deliveries.filter((d) => d.at > this.now);
    for (const { to, from, bytes } of arrived)
      if (to.alive && to.up) to.inbox.push({ bytes, from: from.source, at: this.now });
    for (const node of this.nodes.values()) {
      if (!node.alive || node.asleepUntil > this.now) continue;
      // An event loop that wakes late serves its timers before its sockets.
      const due = nextDeadline(node.router);
      if (due !== undefined && due <= this.now) this.feed(node, { type: 'timer' });
      const inbox = node.inbox;
      node.inbox = [];
      for (const packet of inbox) this.#receive(node, packet.bytes, packet.from, packet.at);
    }
  }

  /** The kernel drops what nobody has renewed. */
  #endLeases(): void {
    for (const node of this.nodes.values()) {
      const { interval, downCount, priority } = node.settings;
      const silent = !node.alive || node.asleepUntil > this.now;
      if (!node.holds || !silent || priority === 255) continue;
      if (this.now > after(node.beat, lease(interval, downCount))) {
        this.#note(node, 'addresses expired');
        node.holds = false;
      }
    }
  }

  #receive(node: Node, bytes: Uint8Array, from: IpAddress, at: Instant): void {
    const envelope = { source: from, destination: GROUP[familyOf(from)], ttl: TTL };
    const decoded = decode(bytes, envelope);
    assert.ok(decoded.ok, 'the simulated network does not damage packets');
    if (decoded.value.advert.routerId === node.settings.routerId)
      this.feed(node, { type: 'advert', advert: decoded.value.advert, source: from }, at);
  }

  #carryOut(node: Node, action: RouterAction): void {
    switch (action.do) {
      case 'send':
        return this.#send(node, action.priority);
      case 'claim':
        if (!node.holds) this.#note(node, 'addresses added');
        node.holds = true;
        return;
      case 'release':
        if (node.holds) this.#note(node, 'addresses removed');
        node.holds = false;
        return;
      case 'announce':
        return this.#note(node, action.how === 'burst' ? 'gratuitous ARP' : 'one gratuitous ARP');
      case 'probe':
        return this.#note(node, 'asks who has the addresses');
      case 'report':
        return this.#note(node, `${action.from} → ${action.to}: ${action.cause}`);
      case 'ready':
        return node.router.ready === null
          ? this.#note(node, 'no longer ready to be master')
          : this.#note(node, `ready to be master: ${node.router.ready}`);
      case 'split-brain': {
        const lasted = action.what === 'ended' ? ` after ${Math.round(action.lasted)} ms` : '';
        return this.#note(
          node,
          `split brain with ${action.source}, priority ${action.priority}, ${action.what}${lasted}`,
        );
      }
    }
  }

  #send(node: Node, priority: number): void {
    if (priority > 0) node.beat = this.now;
    else if (node.up) this.#note(node, 'advert with priority 0');
    const { routerId, version, interval, addresses, family } = node.settings;
    this.sent.set(node.name, [...(this.sent.get(node.name) ?? []).slice(-9), priority]);
    const advert: Advert = { version, routerId, priority, interval, addresses };
    const bytes = encode(advert, { source: node.source, destination: GROUP[family] }, 'pseudo-header');
    if (!node.up) return;
    for (const to of this.nodes.values()) {
      if (to === node || to.settings.family !== family || to.settings.routerId !== routerId) continue;
      if (this.cut.has(`${node.name}>${to.name}`) || this.#random() < this.faults.loss) continue;
      const copies = this.#random() < this.faults.duplicate ? 2 : 1;
      for (let copy = 0; copy < copies; copy++)
        this.#deliveries.push({
          at: after(this.now, milliseconds(this.#random() * this.faults.delay)),
          to,
          from: node,
          bytes,
        });
    }
  }

  #note(node: Node, what: string): void {
    this.trace.push(`${(this.now / 1000).toFixed(3).padStart(7)} s  ${node.name}  ${what}`);
  }
}

const lacksOf = (node: Node): string | null => (node.up ? node.lacks : 'the interface is down');

/** A small seeded generator (Tommy Ettinger's mulberry32): numbers from 0 up to, not including, 1. */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
