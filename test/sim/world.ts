/**
 * Virtual routers on one simulated segment, with one clock and no I/O: the same `step` that the daemon drives, its
 * orders carried out by a network that can lose, delay, duplicate and cut. Everything is decided by the seed.
 */

import assert from 'node:assert/strict';
import { type IpAddress, ip } from '../../src/base/address.ts';
import { after, type Duration, type Instant, instant, milliseconds } from '../../src/base/time.ts';
import {
  nextDeadline,
  type Router,
  type RouterAction,
  type RouterEvent,
  type RouterSettings,
} from '../../src/vrrp/router.ts';
import { initial, step } from '../../src/vrrp/step.ts';
import { type Advert, decode, encode, GROUP, TTL } from '../../src/wire/vrrp.ts';

export type Node = {
  readonly name: string;
  readonly source: IpAddress;
  settings: RouterSettings;
  router: Router;
  /** Whether the addresses are on this machine's interface. */
  holds: boolean;
  /** The process runs. A dead one keeps the addresses it had: the kernel does not care. */
  alive: boolean;
  up: boolean;
  /** The process gets no time until then; what arrives waits in its socket. */
  asleepUntil: Instant;
  inbox: { readonly bytes: Uint8Array; readonly from: IpAddress; readonly at: Instant }[];
};

export type Faults = {
  /** Probability that one delivery is lost, 0 to 1. */
  readonly loss: number;
  /** Each delivery takes up to this long. */
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
  readonly #random: () => number;
  #deliveries: Delivery[] = [];

  constructor(seed = 1) {
    this.#random = mulberry32(seed);
  }

  add(name: string, source: string, settings: Partial<RouterSettings> = {}): Node {
    const whole: RouterSettings = {
      routerId: 51,
      priority: 100,
      interval: milliseconds(1000),
      addresses: [ip('192.0.2.100')],
      preempt: true,
      preemptDelay: milliseconds(0),
      announceDelay: milliseconds(5000),
      ...settings,
    };
    const node: Node = {
      name,
      source: ip(source),
      settings: whole,
      router: initial(whole),
      holds: false,
      alive: false,
      up: true,
      asleepUntil: instant(0),
      inbox: [],
    };
    this.nodes.set(name, node);
    return node;
  }

  node(name: string): Node {
    const node = this.nodes.get(name);
    assert.ok(node, `no router named ${name}`);
    return node;
  }

  start(node: Node, resume = false): void {
    node.router = initial(node.settings);
    node.alive = true;
    this.feed(node, { type: 'start', up: node.up, source: node.source, what: 'the interface is down', resume });
  }

  /** `kill -9`: no order is carried out any more; the addresses stay. */
  kill(node: Node): void {
    node.alive = false;
    node.inbox = [];
  }

  /** The machine loses power: the addresses are gone with it. */
  crash(node: Node): void {
    this.kill(node);
    node.holds = false;
  }

  feed(node: Node, event: RouterEvent, at: Instant = this.now): void {
    if (!node.alive) return;
    const { next, actions } = step(node.settings, node.router, event, at);
    node.router = next;
    for (const action of actions) this.#carryOut(node, action);
    if (event.type === 'stop') node.alive = false;
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
  }

  /** Names of those that hold the addresses and could answer for them. */
  owners(): string[] {
    return [...this.nodes.values()].filter((n) => n.holds && n.up).map((n) => n.name);
  }

  #nextMoment(): Instant | undefined {
    const moments: number[] = this.#deliveries.map((d) => d.at);
    for (const node of this.nodes.values()) {
      if (!node.alive) continue;
      const due = nextDeadline(node.router);
      if (due !== undefined) moments.push(Math.max(due, node.asleepUntil));
      if (node.inbox.length > 0) moments.push(node.asleepUntil);
    }
    return moments.length === 0 ? undefined : instant(Math.min(...moments));
  }

  #turn(): void {
    const arrived = this.#deliveries.filter((d) => d.at <= this.now);
    this.#deliveries = this.#deliveries.filter((d) => d.at > this.now);
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

  #receive(node: Node, bytes: Uint8Array, from: IpAddress, at: Instant): void {
    const decoded = decode(bytes, { source: from, destination: GROUP[4], ttl: TTL });
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
        return this.#note(node, 'gratuitous ARP');
      case 'report':
        return this.#note(node, `${action.from} → ${action.to}: ${action.cause}`);
    }
  }

  #send(node: Node, priority: number): void {
    if (priority === 0) this.#note(node, 'advert with priority 0');
    const { routerId, interval, addresses } = node.settings;
    const advert: Advert = { version: 3, routerId, priority, interval, addresses };
    const bytes = encode(advert, { source: node.source, destination: GROUP[4] }, 'pseudo-header');
    if (!node.up) return;
    for (const to of this.nodes.values()) {
      if (to === node || this.cut.has(`${node.name}>${to.name}`) || this.#random() < this.faults.loss) continue;
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
