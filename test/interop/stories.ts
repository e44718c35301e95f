/**
 * What happens to a pair. Each story is told of a leader, who has the higher priority (or, of equals, the higher address),
 * and a follower; which of them is ours, its caller decides.
 */

import assert from 'node:assert/strict';
import type { Event } from '../../src/control/event.ts';
import { eventually } from '../lab/process.ts';
import {
  advertsOf,
  becomesMaster,
  CROSSING,
  dies,
  GRACE,
  holdsAll,
  isSilent,
  masterDown,
  notSilent,
  oneMaster,
  quiet,
  resigns,
  type Scene,
  slack,
} from './scene.ts';
import { tapeTime } from './tape.ts';

export type Story = (scene: Scene) => Promise<void>;

/** The leader displaces the follower; resigns, comes back and displaces it again; is left in peace; dies. */
export const succession: Story = async (scene) => {
  const { leader, follower } = scene;
  await follower.start();
  await becomesMaster(scene, follower);
  await leader.start();
  await becomesMaster(scene, leader);
  await resigns(scene, leader);
  await leader.start();
  await becomesMaster(scene, leader);
  const converged = tapeTime();
  await quiet(scene);
  isSilent(scene, follower, converged);
  await dies(scene, leader);
  oneMaster(scene);
};

/** Who is there first stays, though the leader comes; it takes over when the first resigns, and stays when that is back. */
export const firstStays: Story = async (scene) => {
  const { leader, follower } = scene;
  await follower.start();
  await becomesMaster(scene, follower);
  const first = tapeTime();
  await leader.start();
  await quiet(scene);
  isSilent(scene, leader, first);
  await resigns(scene, follower);
  const second = tapeTime();
  await follower.start();
  await quiet(scene);
  isSilent(scene, follower, second);
  oneMaster(scene);
};

/** The wire parts the two, both are master, each in its part; when it heals, the leader alone is within one advert. */
export const parted: Story = async (scene) => {
  const { leader, follower } = scene;
  await leader.start();
  await becomesMaster(scene, leader);
  await follower.start();
  await quiet(scene);
  await follower.station.isolate();
  await quiet(scene);
  assert.ok((await holdsAll(scene, leader)) && (await holdsAll(scene, follower)), 'each is master in its part');
  await follower.station.rejoin();
  await quiet(scene);
  await becomesMaster(scene, leader);
  assert.ok(!(await holdsAll(scene, follower)));
  oneMaster(scene, Math.max(...scene.routers.map((router) => router.leader.interval)) + CROSSING);
};

/** In a group of two, the leader loses the second wire alone: both routers move to the follower, and both come back. */
export const groupMoves: Story = async (scene) => {
  const { leader, follower } = scene;
  await follower.start();
  await leader.start();
  await becomesMaster(scene, leader);
  const before = tapeTime();
  await leader.station.cable('eth1', 'down');
  const pulled = tapeTime();
  await becomesMaster(scene, follower);
  const times = scene.routers.map((one) => masterDown(scene, leader, one) + slack(scene, follower, one));
  const most = Math.max(...times) + GRACE;
  for (const router of scene.routers) {
    const claimed = advertsOf(scene, follower, router, before)[0];
    assert.ok(
      claimed !== undefined && claimed.at - pulled <= most,
      `${router.label} moves in the time of one master-down`,
    );
  }
  await leader.station.cable('eth1', 'up');
  await becomesMaster(scene, leader);
  oneMaster(scene);
};

/** What each says of the other's adverts when it refuses them; `null`: it does not refuse them. */
export type Refusals = {
  /** The reason, as `status` and an event name it. */
  readonly ours: string | null;
  /** A line of the log. */
  readonly theirs: RegExp | null;
};

/**
 * The two do not understand each other: both are master, as the RFC wants it of two who discard each other's adverts. All
 * that can be asked for is that it is said. keepalived 2.2.7 starts its interval anew with each advert that it refuses, so
 * one whose peer advertises as often keeps the addresses and falls silent: it is its kernel that shows it for a master.
 */
export const bothMaster =
  ({ ours, theirs }: Refusals): Story =>
  async (scene) => {
    const { leader, follower, us, peer } = scene;
    await follower.start();
    await becomesMaster(scene, follower);
    await leader.start();
    const both = async (): Promise<boolean> => (await holdsAll(scene, leader)) && (await holdsAll(scene, follower));
    await eventually('both to be master', 20_000, async () => (await both()) || undefined);
    const since = tapeTime();
    await quiet(scene);
    assert.ok(await both(), 'both stay master');
    if (us.product !== 'lvskeeper') return;
    notSilent(scene, us, since);
    if (theirs !== null) assert.match(peer.log(), theirs);
    await weSay(scene, ours);
  };

/** `status` names the packet that was refused, or the rival who was heard; an event says the same. */
async function weSay({ us, peer, routers }: Scene, refusal: string | null): Promise<void> {
  const director = us.director();
  const [router] = routers;
  if (director === null || router === undefined) return;
  const theirs = peer.source(peer.settings[0] ?? router.leader, router.family);
  const { rival, refused } = (await director.status()).routers[0] ?? {};
  const events = JSON.parse(await director.control('/events')) as Event[];
  if (refusal === null) {
    assert.equal(rival?.address, theirs, 'status names the other master');
    assert.ok(
      events.some((one) => one.kind === 'split-brain' && one.what === 'begun' && one.peer === theirs),
      'an event names the other master',
    );
    return;
  }
  assert.equal(refused?.reason, refusal, 'status says why');
  assert.equal(refused.address, theirs, 'status says whose');
  const said = events.find((one) => one.kind === 'trouble' && one.what.endsWith(`an advert was refused (${refusal})`));
  assert.ok(said?.kind === 'trouble' && said.detail.includes(theirs), 'an event says why and whose');
}

/** Tells a story, and then asks that our events say this. */
export const andWeSay =
  (story: Story, words: RegExp): Story =>
  async (scene) => {
    await story(scene);
    const events = await scene.us.director()?.control('/events');
    if (events !== undefined) assert.match(events, words);
  };
