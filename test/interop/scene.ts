/** A segment with its two parties and the tapes of its wires: what a story is told in, and the words that it is told with. */

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, must } from '../lab/process.ts';
import { createParty, type Party, type Product } from './party.ts';
import { assertOneMaster } from './reigns.ts';
import { createSegment, type Segment } from './segment.ts';
import { bareAddresses, familiesOf, type RouterSettings, type Settings, wireOf } from './settings.ts';
import { type Advert, type Claim, describe, type Family, record, type Tape, tapeTime } from './tape.ts';

/** What is granted beyond the protocol's own time, to the machine and to whoever measures. */
export const GRACE = process.env.LAB_KERNEL === 'guest' ? 400 : 200;
/** How long it takes one advert to cross the wire and be heeded. */
export const CROSSING = GRACE / 2;
/** How long the start of a product may take. */
const STARTING = 15_000;

/** One virtual router as the protocol counts them: a VRID and a family on a wire. `label` for people. */
export type VirtualRouter = {
  readonly label: string;
  readonly family: Family;
  /** The interface of the client that it is on. */
  readonly wire: string;
  /** What each of the two is told of it. */
  readonly leader: RouterSettings;
  readonly follower: RouterSettings;
  /** Addresses that both have. */
  readonly addresses: readonly string[];
  adverts(): readonly Advert[];
  /** Of any address on its wire. */
  claims(): readonly Claim[];
};

export type Scene = {
  readonly segment: Segment;
  /** The one with the higher priority, or, of equals, the one with the higher address. */
  readonly leader: Party;
  readonly follower: Party;
  readonly us: Party;
  readonly peer: Party;
  readonly routers: readonly VirtualRouter[];
  /** Files of the tapes. */
  readonly tapes: readonly string[];
  close(): Promise<void>;
};

export type Cast = {
  readonly name: string;
  readonly leads: 'us' | 'peer';
  readonly us: { readonly product: Product; readonly settings: Settings };
  readonly peer: { readonly product: Product; readonly settings: Settings };
};

export async function createScene({ name, leads, us, peer }: Cast): Promise<Scene> {
  const equal = us.settings[0]?.priority === peer.settings[0]?.priority;
  const wires = new Set(us.settings.map(wireOf)).size;
  const segment = await createSegment(name, { wires, swapped: equal && leads === 'us' });
  try {
    const tapes: Tape[] = [];
    for (const wire of segment.wires) tapes.push(await record(segment, wire));
    const ourParty = createParty(us.product, segment.us, segment.peer, us.settings);
    const peerParty = createParty(peer.product, segment.peer, segment.us, peer.settings);
    const [leader, follower] = leads === 'us' ? [ourParty, peerParty] : [peerParty, ourParty];
    const routers = routersOf(segment, tapes, leader.settings, follower.settings);
    return {
      segment,
      leader,
      follower,
      us: ourParty,
      peer: peerParty,
      routers,
      tapes: tapes.map(({ file }) => file),
      async close() {
        for (const tape of tapes) await tape.stop();
        await segment.close();
      },
    };
  } catch (error) {
    await segment.close();
    throw error;
  }
}

function routersOf({ wires }: Segment, tapes: readonly Tape[], leader: Settings, follower: Settings): VirtualRouter[] {
  return leader.flatMap((one, i) => {
    const other = follower[i];
    const [wire, tape] = [wires[wireOf(one)], tapes[wireOf(one)]];
    assert.ok(other !== undefined && wire !== undefined && tape !== undefined);
    const shared = bareAddresses(one).filter((address) => bareAddresses(other).includes(address));
    return familiesOf(one).map((family) => ({
      label: `router ${one.routerId} of IPv${family}`,
      family,
      wire,
      leader: one,
      follower: other,
      addresses: shared.filter((address) => (address.includes(':') ? 6 : 4) === family),
      adverts: () => tape.adverts().filter((a) => a.routerId === one.routerId && a.family === family),
      claims: () => tape.claims(),
    }));
  });
}

const settingsOf = (scene: Scene, party: Party, router: VirtualRouter): RouterSettings =>
  party === scene.leader ? router.leader : router.follower;
export const otherThan = (scene: Scene, party: Party): Party =>
  party === scene.leader ? scene.follower : scene.leader;

/** Adverts of one party since then. */
export function advertsOf(scene: Scene, party: Party, router: VirtualRouter, since = 0): Advert[] {
  const source = party.source(settingsOf(scene, party, router), router.family);
  return router.adverts().filter((one) => one.source === source && one.at >= since);
}

/**
 * The time from the last advert of a dead master until the other claims its place: `masterDown` of RFC 9568, 6.1, by the
 * master's interval, which version 3 learns; version 2's skew is of one second (RFC 3768, 6.1).
 */
export function masterDown(scene: Scene, dead: Party, router: VirtualRouter): number {
  const { interval } = settingsOf(scene, dead, router);
  const { downCount } = settingsOf(scene, otherThan(scene, dead), router);
  return downCount * interval + skew(scene, dead, router);
}

/** The time from a master's priority 0 until the other claims its place. */
export function skew(scene: Scene, gone: Party, router: VirtualRouter): number {
  const { version, interval } = settingsOf(scene, gone, router);
  const { priority } = settingsOf(scene, otherThan(scene, gone), router);
  return ((256 - priority) / 256) * (version === 3 ? interval : 1000);
}

/**
 * What a product may take beyond the protocol's time. FRR sends its first advert of IPv6 before its interface has come up:
 * what is seen first is the second. In a group keepalived asks once an interval whether all members are ready.
 */
export function slack(scene: Scene, party: Party, router: VirtualRouter): number {
  const { interval } = settingsOf(scene, otherThan(scene, party), router);
  const slow = party.product === 'frr' ? router.family === 6 : party.product === 'keepalived' && isGroup(scene);
  return slow ? interval : 0;
}

const isGroup = ({ routers }: Scene): boolean => routers.length > 1;

/** So long that whoever takes the other for dead has claimed its place. */
export const quiet = (scene: Scene): Promise<void> => {
  const { leader, follower, routers } = scene;
  const times = routers.flatMap((one) => [masterDown(scene, leader, one), masterDown(scene, follower, one)]);
  return sleep(Math.max(...times) + GRACE);
};

/** Waits until this party alone advertises, and its client has heard of it: each address at its MAC, and at no other. */
export async function becomesMaster(scene: Scene, party: Party): Promise<void> {
  for (const router of scene.routers) {
    const mine = party.source(settingsOf(scene, party, router), router.family);
    await eventually(
      `${party.product} (${mine}) to be master of ${router.label}`,
      STARTING,
      () => {
        const last = router.adverts().slice(-2);
        return last.length === 2 && last.every((one) => one.source === mine && one.priority > 0) ? true : undefined;
      },
      20,
    ).catch((error: Error) => {
      throw new Error(`${error.message}:\n${router.adverts().slice(-30).map(describe).join('\n')}`);
    });
  }
  await clientSees(scene, party);
}

/** An address that the client uses, and where it should find it. */
type Sight = { readonly router: VirtualRouter; readonly address: string; readonly mac: string };

const introduced = new WeakSet<Scene>();

/**
 * The client knows each address at the MAC of this party. It has not asked: the new master announced them, and moved the
 * entries that were there. Then it forgets and asks: this party answers, and nobody else.
 */
async function clientSees(scene: Scene, party: Party): Promise<void> {
  const sights = scene.routers.flatMap((router) => {
    const mac = party.mac(settingsOf(scene, party, router), router.family);
    return router.addresses.map((address) => ({ router, address, mac }));
  });
  if (!introduced.has(scene)) await pingAll(scene, sights);
  introduced.add(scene);
  const missing = async (): Promise<string[]> => {
    const neighbours = await neighboursOf(scene);
    return sights
      .filter(({ address, mac }) => neighbours.get(address) !== mac)
      .map(({ address, mac }) => `${address} at ${mac}, not ${neighbours.get(address)}`);
  };
  let left: string[] = [];
  await eventually(`the client to see ${party.product}`, 2000, async () => {
    left = await missing();
    return left.length === 0 || undefined;
  }).catch((error: Error) => {
    throw new Error(`${error.message}: ${left}`);
  });
  const { client, wires } = scene.segment;
  // From before the entries go: a host that asks for the client itself is heard, and not asked any more.
  const asked = tapeTime();
  await must(['ip', '-n', client.name, '-batch', '-'], wires.map((wire) => `neighbour flush dev ${wire}\n`).join(''));
  await pingAll(scene, sights);
  for (const { router, address, mac } of sights) {
    const answers = await eventually(`an answer for ${address} on the tape`, 1000, () => {
      const heard = router.claims().filter((one) => one.at >= asked && one.address === address);
      return heard.length > 0 ? heard : undefined;
    });
    assert.deepEqual([...new Set(answers.map((one) => one.mac))], [mac], `who says that it has ${address}`);
  }
}

/** Each address answers its client. */
async function pingAll({ segment }: Scene, sights: readonly Sight[]): Promise<void> {
  const pings = sights.map(async ({ router, address }) => {
    const argv = ['ping', '-n', '-c', '1', '-W', '2', '-I', router.wire, address];
    const { code, stdout } = await segment.client.exec(argv);
    assert.equal(code, 0, `${address} answers its client: ${stdout}`);
  });
  await Promise.all(pings);
}

async function neighboursOf({ segment }: Scene): Promise<ReadonlyMap<string, string | undefined>> {
  const text = await must(['ip', '-n', segment.client.name, '-j', 'neighbour', 'show']);
  return new Map((JSON.parse(text) as { dst: string; lladdr?: string }[]).map(({ dst, lladdr }) => [dst, lladdr]));
}

/** The party has sent no advert since then. */
export function isSilent(scene: Scene, party: Party, since: number): void {
  for (const router of scene.routers) {
    const heard = advertsOf(scene, party, router, since);
    assert.deepEqual(heard.map(describe), [], `${party.product} is backup of ${router.label}`);
  }
}

/** The party has advertised since then. */
export function notSilent(scene: Scene, party: Party, since: number): void {
  for (const router of scene.routers)
    assert.ok(advertsOf(scene, party, router, since).length > 0, `${party.product} is master of ${router.label}`);
}

/** SIGTERM to the master: it resigns with priority 0, and the other has claimed its place within its skew. */
export async function resigns(scene: Scene, party: Party): Promise<void> {
  const other = otherThan(scene, party);
  const since = tapeTime();
  await party.stop();
  await becomesMaster(scene, other);
  for (const router of scene.routers) {
    const last = advertsOf(scene, party, router, since).at(-1);
    assert.equal(last?.priority, 0, `the last that ${party.product} says of ${router.label} is that it resigns`);
    const first = advertsOf(scene, other, router, last.at)[0];
    assert.ok(first !== undefined);
    // A member of keepalived's group that is not ready with the others waits in full.
    const waits = other.product === 'keepalived' && isGroup(scene) ? masterDown : skew;
    const most = waits(scene, party, router) + slack(scene, other, router) + GRACE;
    const took = first.at - last.at;
    assert.ok(
      took <= most,
      `${other.product} claims ${router.label} ${took.toFixed()} ms after priority 0, not within ${most.toFixed()}`,
    );
  }
}

/** The master dies, and the other claims its place when its time has come: not before and not much after. */
export async function dies(scene: Scene, party: Party): Promise<void> {
  const other = otherThan(scene, party);
  await party.die();
  const dead = tapeTime();
  await becomesMaster(scene, other);
  for (const router of scene.routers) {
    const last = advertsOf(scene, party, router).at(-1);
    const first = advertsOf(scene, other, router, last?.at)[0];
    assert.ok(last !== undefined && first !== undefined && last.at <= dead);
    const due = masterDown(scene, party, router);
    const most = due + slack(scene, other, router) + GRACE;
    const took = first.at - last.at;
    const said = `${other.product} claims ${router.label} ${took.toFixed()} ms after the last advert`;
    assert.ok(took >= due - EARLY, `${said}, before ${due.toFixed()}`);
    assert.ok(took <= most, `${said}, not within ${most.toFixed()}`);
  }
}

/** What it may be too early by: clocks that count in centiseconds. */
const EARLY = 30;

/** From the first advert to the last there was one master at every moment. */
export function oneMaster(scene: Scene, allowed = CROSSING): void {
  for (const router of scene.routers) assertOneMaster(router.adverts(), allowed);
}

/** Whether the party's kernel has the addresses of all the routers. */
export async function holdsAll(scene: Scene, party: Party): Promise<boolean> {
  for (const router of scene.routers)
    if (!(await party.holds(settingsOf(scene, party, router), router.family))) return false;
  return true;
}

export const configurations = ({ us, peer }: Scene): string =>
  [us, peer].map(({ product, configuration }) => `--- ${product}\n${configuration}`).join('\n');
