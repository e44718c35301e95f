/** The three products as one thing: a VRRP router on its station, that starts, stops and dies. */

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Director, director } from '../lab/director.ts';
import { frr } from '../lab/frr.ts';
import { keepalived } from '../lab/keepalived.ts';
import type { Running } from '../lab/process.ts';
import { linkLocal, network, type Station } from './segment.ts';
import {
  addressesOf,
  bare,
  familiesOf,
  frrConf,
  frrInterface,
  frrInterfaces,
  keepalivedConf,
  lvskeeperToml,
  type Place,
  type RouterSettings,
  type Settings,
  virtualMac,
  wireOf,
} from './settings.ts';
import type { Family } from './tape.ts';

export type Product = 'lvskeeper' | 'keepalived' | 'frr';

export type Party = {
  readonly product: Product;
  readonly station: Station;
  readonly settings: Settings;
  /** Its configuration, for people. */
  readonly configuration: string;
  /** As after a boot. Returns when its processes run, not when somebody is master. */
  start(): Promise<void>;
  /** SIGTERM: a master resigns. */
  stop(): Promise<void>;
  /** The machine loses its power: no packet from it any more, no process, and nothing in the kernel after the next start. */
  die(): Promise<void>;
  /** The source of its adverts, and the MAC that its virtual addresses are at. */
  source(router: RouterSettings, family: Family): string;
  mac(router: RouterSettings, family: Family): string;
  /** Whether its kernel would answer for the addresses of the router. */
  holds(router: RouterSettings, family: Family): Promise<boolean>;
  /** lvskeeper's own words; `null`: it is another product. */
  director(): Director | null;
  /** What its processes have printed since the last start. */
  log(): string;
};

/** A product's way to start, with `killAll` and `stop` for what it started. */
type Started = { stop(): Promise<void>; killAll(): Promise<void>; readonly process: Running; readonly us?: Director };
type Way = {
  readonly configuration: (settings: Settings, place: Place) => string;
  readonly start: (station: Station, configuration: string, settings: Settings) => Promise<Started>;
  /** Forgets what a boot forgets. */
  readonly wipe: (station: Station, settings: Settings) => Promise<void>;
};

const WAYS: Readonly<Record<Product, Way>> = {
  lvskeeper: {
    configuration: lvskeeperToml,
    async start(station, configuration) {
      const us = await director(station, configuration);
      return { ...us, us };
    },
    async wipe(station, settings) {
      rmSync(join(station.directory, 'run'), { recursive: true, force: true });
      await removeAddresses(station, settings);
    },
  },
  keepalived: {
    configuration: keepalivedConf,
    start: keepalived,
    async wipe(station, settings) {
      for (const name of ['main', 'vrrp', 'checkers'])
        rmSync(join(station.directory, `keepalived-${name}.pid`), { force: true });
      await removeAddresses(station, settings);
    },
  },
  frr: {
    configuration: frrConf,
    async start(station, configuration, settings) {
      const commands = frrInterfaces(settings, station.number).join('\n');
      await station.must(['ip', '-batch', '-'], `${commands}\n`);
      // Else the host answers ARP for any of its addresses on any interface, and asks in the name of any.
      await station.sysctl({ 'net.ipv4.conf.all.arp_ignore': 1, 'net.ipv4.conf.all.arp_announce': 2 });
      const started = await frr(station, configuration);
      return {
        process: started.vrrpd,
        killAll: started.killAll,
        stop: async () => {
          await started.stop();
          await removeInterfaces(station, settings);
        },
      };
    },
    wipe: (station, settings) => removeInterfaces(station, settings),
  },
};

async function removeAddresses(station: Station, settings: Settings): Promise<void> {
  const lines = settings.flatMap(({ addresses, interface: device }) =>
    addresses.map((one) => `address delete ${one} dev ${device}\n`),
  );
  // With -force those that are not there do not matter.
  await station.exec(['ip', '-force', '-batch', '-'], lines.join(''));
}

async function removeInterfaces(station: Station, settings: Settings): Promise<void> {
  const names = settings.flatMap((router) => familiesOf(router).map((family) => frrInterface(router, family)));
  await station.must(['ip', '-batch', '-'], names.map((name) => `link delete ${name}\n`).join(''));
}

/** As `ip -j address` has it. */
type Link = { readonly flags: readonly string[]; readonly addr_info: readonly { readonly local: string }[] };

export function createParty(product: Product, station: Station, other: Station, settings: Settings): Party {
  const way = WAYS[product];
  const place: Place = {
    own: station.number,
    other: other.number,
    secret(text) {
      const file = join(station.directory, 'password');
      writeFileSync(file, text, { mode: 0o600 });
      return file;
    },
  };
  const configuration = way.configuration(settings, place);
  let started: Started | null = null;
  let dead = false;
  const running = (): Started => {
    if (started === null) throw new Error(`${product} is not running`);
    return started;
  };
  const isVirtual = ({ virtualMac }: RouterSettings): boolean => product === 'frr' || virtualMac;
  return {
    product,
    station,
    settings,
    configuration,
    async start() {
      if (dead) {
        await way.wipe(station, settings);
        await station.rejoin();
        dead = false;
      }
      started = await way.start(station, configuration, settings);
    },
    async stop() {
      await running().stop();
      started = null;
    },
    async die() {
      await station.isolate();
      await running().killAll();
      started = null;
      dead = true;
    },
    source(router, family) {
      if (family === 4 || router.unicast) return `${network(family, wireOf(router))}${station.number}`;
      return product === 'frr' ? `${linkLocal(station.number)}:1` : linkLocal(station.number);
    },
    mac: (router, family) =>
      isVirtual(router)
        ? virtualMac(family, router.routerId)
        : station.mac.replace(/:00:(..)$/, `:0${wireOf(router)}:$1`),
    async holds(router, family) {
      const links = JSON.parse(await station.must(['ip', '-j', 'address'])) as Link[];
      // FRR leaves the addresses where they are, and takes the carrier from the interface.
      const up = links.filter(({ flags }) => flags.includes('LOWER_UP')).flatMap(({ addr_info: all }) => all);
      return addressesOf(router, family).every((one) => up.some(({ local }) => local === bare(one)));
    },
    director: () => started?.us ?? null,
    log: () => started?.process.output() ?? '',
  };
}
