/**
 * The supervisor: keeps the two children running and owns what people and machines see of the director: journal, log,
 * alerts, metrics, control API. It touches no packet and no kernel table.
 */

import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createDispatcher, wait } from '../alerts/dispatch.ts';
import { formatEndpoint } from '../base/address.ts';
import { type Duration, milliseconds, seconds } from '../base/time.ts';
import { homesOf } from '../config/active.ts';
import type { Config, Issue, ServiceConfig } from '../config/config.ts';
import { formatIssue } from '../config/load.ts';
import { controlServer, metricsServer } from '../control/api.ts';
import { askVerdicts } from '../control/ask-verdicts.ts';
import type { Director, PlanAnswer } from '../control/director.ts';
import type { Event } from '../control/event.ts';
import { createJournal } from '../control/journal.ts';
import { type Listening, listenTcp, listenUnix } from '../control/listen.ts';
import { createMetrics } from '../control/metrics.ts';
import { alertOf, describe, severityOf, unsaid } from '../control/render.ts';
import { VERSION } from '../control/version.ts';
import { createSource } from '../discovery/registry.ts';
import { isEmpty, wantsOfIpvs } from '../ipvs/settings.ts';
import { dateOf, now } from '../system/clock.ts';
import { type ConfigReader, createConfigReader } from '../system/config-file.ts';
import { later } from '../system/later.ts';
import { createLog, type Log, type Surroundings, surroundings } from '../system/log.ts';
import { tryProgram } from '../system/program.ts';
import { openSysctl } from '../system/sysctl.ts';
import { notify } from '../system/systemd.ts';
import { unreadableSecrets } from './advert-codec.ts';
import { createChild } from './children.ts';
import { createConfigDesk, warningsOf } from './config-desk.ts';
import { createDiscoveryDesk } from './discovery-desk.ts';
import { openDiscoveryStore } from './discovery-store.ts';
import type { CheckerAnswers, CheckerOrders, ToldCheckerOrders, VrrpAnswers, VrrpOrders } from './messages.ts';
import { planWith } from './offline-plan.ts';
import { createOrderDesk } from './order-desk.ts';
import type { OrderTools } from './order-store.ts';
import { createPeerVerdicts } from './peer-verdicts.ts';
import { createRoleMinder } from './role-minder.ts';
import { createRoleBoard } from './roles.ts';
import { createRouterOrders } from './router-orders.ts';
import {
  loadJson,
  loadKeptSettings,
  loadOwned,
  loadServerChanges,
  loadTrial,
  routersIn,
  saveJson,
  saveServerChanges,
  saveTrial,
} from './run-state.ts';
import { createServerChangeDesk } from './server-change-desk.ts';
import { createServerChanges } from './server-changes.ts';
import { createServerDesk } from './server-desk.ts';
import { createServerOrders } from './server-orders.ts';
import { createSight } from './sight.ts';
import { tell } from './told-services.ts';
import { createTrackBoard } from './track-board.ts';
import { type Start, startFrom } from './trial-record.ts';

/** How long a child may take to answer a question, and to end. */
const ANSWER_WITHIN = seconds(2);
const END_WITHIN = seconds(3);
/** How long the last alerts may take on the way out. */
const ALERTS_WITHIN = seconds(3);
/** … before a restart, during which nobody advertises. */
const LAST_ALERTS_WITHIN = milliseconds(100);

/** How a run ended: told to stop; to be run again; unable to start; or not started, since the config has an error. */
export type Ended = 'stopped' | 'restart' | 'failed' | 'bad-config';

/** Runs the director until SIGTERM or SIGINT. `file`: the config. What is wrong is printed or logged. */
export async function runDaemon({ file }: { readonly file: string }): Promise<Ended> {
  const told = awaitStop();
  const reader = createConfigReader();
  const reading = reader.file(file);
  for (const issue of reading.issues) if (reading.config === null) console.error(formatIssue(file, issue));
  if (reading.config === null) {
    console.error(`lvskeeper: ${file} has errors, so nothing was started`);
    return 'bad-config';
  }
  const output = surroundings(process.stdout);
  const { config } = reading;
  // A config on trial goes on to be, with its deadline.
  const first = startFrom({ ...reading, config }, loadTrial(config.director.runDir), new Date(), reader.text);
  const log = createLog({
    stream: process.stdout,
    config: first.config.log,
    surroundings: output,
    now: () => new Date(),
  });
  const supervisor = createSupervisor(resolve(file), first, log, output, reader);
  const starting = supervisor.start(reading.issues);
  // One that comes while we start is answered when we have: by default it would end us.
  process.on('SIGHUP', () => void starting.then(() => supervisor.director.reload({ discard: false, by: 'SIGHUP' })));
  const failure = await starting;
  if (failure !== undefined) {
    log.error(failure);
    await log.flush();
    return 'failed';
  }
  const why = await Promise.race([told.signal, supervisor.restarting.then(() => null)]);
  if (why === null) await supervisor.leave();
  else await supervisor.stop(why);
  // Whoever says stop during a restart means it.
  if (why === null && told.last() !== undefined) await supervisor.giveUp();
  await log.flush();
  return why === null && told.last() === undefined ? 'restart' : 'stopped';
}

/** The word to stop, from now on: it may come at any moment, and by default would end the process as it is. */
function awaitStop() {
  const { promise: signal, resolve } = Promise.withResolvers<string>();
  let last: string | undefined;
  for (const name of ['SIGTERM', 'SIGINT'] as const)
    process.on(name, () => {
      last = name;
      resolve(name);
    });
  return { signal, last: () => last };
}

type Supervisor = {
  readonly director: Director;
  /** Settles with a sentence when it cannot run. */
  start(warnings: readonly Issue[]): Promise<string | undefined>;
  stop(why: string): Promise<void>;
  /** Settles when it is to be run again: `leave` then. */
  readonly restarting: Promise<void>;
  /** As `stop`, but nothing is given up: who runs next goes on with it. */
  leave(): Promise<void>;
  /** After `leave`, when nobody is to follow after all. */
  giveUp(): Promise<void>;
};

function createSupervisor(
  file: string,
  first: Start,
  log: Log,
  output: Surroundings,
  reader: ConfigReader,
): Supervisor {
  let control: Listening | undefined;
  let ending = false;
  let web: { readonly at: string; readonly listening: Listening } | undefined;

  /** The services that the checker process has been told of last. */
  let told: readonly ServiceConfig[] = [];

  const restart = Promise.withResolvers<void>();

  const journal = createJournal({ now: () => new Date() });
  const alerts = createDispatcher({ log, random: Math.random, wait });
  const { runDir } = first.config.director;
  const configs = createConfigDesk(first, {
    ...{
      file,
      readText: reader.text,
      unreadableSecrets,
      tryProgram,
      planOf,
      report: journal.add,
      again: configureChildren,
      later,
    },
    keep: (record) => saveTrial(runDir, record),
    read: () => reader.file(file),
    now: () => new Date(),
    busy: (reloading) => (reloading ? notifyReloading() : notify('READY=1')),
    changed,
    restart() {
      if (!ending) restart.resolve();
      return !ending;
    },
  });
  const { config } = configs;
  const vrrp = createChild<VrrpOrders, VrrpAnswers>('vrrp', journal.add);
  const checker = createChild<ToldCheckerOrders, CheckerAnswers>('checker', journal.add, (tracked) => {
    const ours = tracks.take(tracked);
    if (ours.length > 0) vrrp.tell({ type: 'tracked', tracked: ours });
  });
  const minder = createRoleMinder({
    runDir: () => config().director.runDir,
    routers: () => config().vrrp,
    ready: () => vrrp.status()?.state === 'ready',
    report: journal.add,
  });
  const tracks = createTrackBoard(journal.add);
  const roles = createRoleBoard();
  const orders = createRouterOrders(orderTools('orders.json', tellOrders));
  const serverOrders = createServerOrders(orderTools('server-orders.json', tellServerOrders));
  const desk = createOrderDesk({
    orders,
    routers: () => config().vrrp,
    ask: async () => (await vrrp.ask('status', ANSWER_WITHIN))?.routers,
    changed: tellOrders,
  });
  const serverChanges = createServerChanges({
    load: () => loadServerChanges(runDir),
    save: (changes) => saveServerChanges(runDir, changes),
    report: journal.add,
  });
  const discovery = createDiscoveryDesk({
    ...{ createSource, later, report: journal.add, store: openDiscoveryStore(runDir) },
    now: () => new Date(),
    changed: takeDiscovered,
  });
  const peers = createPeerVerdicts({
    ask: askVerdicts,
    later,
    now,
    date: dateOf,
    director: () => config().director.name,
  });
  const askServices = async () => (await checker.ask('status', ANSWER_WITHIN))?.services;
  const changeDesk = createServerChangeDesk({
    changes: serverChanges,
    now: () => new Date(),
    ask: askServices,
    changed: tellServers,
  });
  const serverDesk = createServerDesk({
    orders: serverOrders,
    services: serverChanges.services,
    ask: askServices,
    templatesExpire: () => {
      const setting = openSysctl().read(['ipv4', 'vs', 'expire_quiescent_template']);
      return setting.ok && setting.value === '1';
    },
    changed: tellServerOrders,
  });

  const sight = createSight({
    started: new Date(),
    ...{ configs, vrrp, checker, orders, serverOrders, serverChanges, discovery, peers },
    answerWithin: ANSWER_WITHIN,
  });

  const director: Director = {
    journal,
    ...{ status: sight.status, verdicts: sight.verdicts, healthy: sight.healthy },
    ...configs,
    alerts: alerts.counts,
    ...desk,
    ...serverDesk,
    ...changeDesk,
    acceptServers: discovery.acceptServers,
    reload: async (request) => changeDesk.afterReload(await configs.reload(), request),
    async confirm(by) {
      const answer = await configs.confirm(by);
      // What rested during the trial has no way back now.
      if (answer.ok) configureChildren();
      return answer;
    },
  };

  journal.subscribe((event) => {
    if (roles.take(event)) checker.tell({ type: 'roles', roles: roles.current() });
  });
  journal.subscribe(logEvent);
  journal.subscribe((event) => {
    const alert = alertOf(config().director.name, event);
    if (alert !== undefined) alerts.offer(alert);
    if (event.kind === 'process' && event.what === 'ready' && sight.allReady()) notify('READY=1');
    if (event.kind === 'process' && event.process === 'vrrp' && event.what === 'died') minder.died();
  });

  function logEvent(event: Event): void {
    const { kind, seq, time: _time, ...fields } = event;
    const { format } = config().log;
    const forPeople = format === 'text' || (format === 'auto' && output.terminal);
    log[severityOf(event)](describe(event), forPeople ? unsaid(event) : { event: kind, seq, ...fields });
  }

  async function start(warnings: readonly Issue[]): Promise<string | undefined> {
    try {
      mkdirSync(runDir, { recursive: true, mode: 0o755 });
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return `cannot make ${runDir}: ${code === 'EACCES' ? 'permission denied; run this as root' : message}`;
    }
    const listening = await listenUnix(controlServer(director, log), join(runDir, 'control.sock'));
    if (!listening.ok) return listening.error;
    control = listening.value;
    alerts.configure(config().alerts);
    await listenWeb();
    for (const happening of warningsOf(file, warnings)) journal.add(happening);
    journal.add({ kind: 'process', process: 'supervisor', what: 'started', detail: `lvskeeper ${VERSION}, ${file}` });
    for (const happening of first.told) journal.add(happening);
    if (first.told.length > 0) configs.keepEnd();
    configureChildren();
    minder.begin();
    if (sight.allReady()) notify('READY=1');
    return undefined;
  }

  async function stop(why: string): Promise<void> {
    ending = true;
    // The word to resign goes first: every millisecond before it is one that clients wait. What a process that was dead,
    // or had to be killed, has not given away is given away in its place.
    const silent = vrrp.stop(END_WITHIN);
    const resigned = silent.then(minder.giveUp);
    // What belongs to a role goes after the addresses.
    const ended = Promise.all([resigned, silent.then(() => checker.stop(END_WITHIN))]);
    notify('STOPPING=1');
    await close(why, ended, ALERTS_WITHIN);
  }

  async function leave(): Promise<void> {
    ending = true;
    // To the service manager it is the same process, which does not answer for a moment.
    notifyReloading();
    // What a process that was dead, or had to be killed, could not leave to a successor in time is handed over.
    const left = vrrp.leave(END_WITHIN).then(minder.leave);
    await close('it is restarted', Promise.all([left, checker.leave(END_WITHIN)]), LAST_ALERTS_WITHIN);
  }

  async function close(why: string, ended: Promise<unknown>, alertsWithin: Duration): Promise<void> {
    configs.close();
    orders.close();
    serverOrders.close();
    discovery.close();
    peers.close();
    minder.close();
    journal.add({ kind: 'process', process: 'supervisor', what: 'stopping', detail: why });
    await ended;
    await alerts.drain(alertsWithin);
    await web?.listening.close();
    await control?.close();
  }

  /** A child runs from the first time that there is work for it: in the config, or left behind by the run before. */
  function configureChildren(): void {
    const trial = configs.trial() !== null;
    orders.configure(config().vrrp, trial);
    discovery.configure(config().services, trial);
    serverChanges.configure(discovery.over(config().services), trial);
    serverOrders.configure(serverChanges.services(), trial);
    tracks.configure(config().vrrp);
    peers.configure(config().services.length === 0 ? [] : config().director.peers);
    const routers = config().vrrp.length > 0 || vrrp.status() !== undefined || routersIn(runDir).length > 0;
    const watched = config().services.length > 0 || tracks.wanted().length > 0;
    const kept = loadOwned(runDir).size > 0 || !isEmpty(loadKeptSettings(runDir));
    const services = watched || wantsOfIpvs(config().ipvs) || checker.status() !== undefined || kept;
    if (routers) vrrp.configure(() => vrrpOrders());
    if (services) checker.configure(toldCheckerOrders);
  }

  /** An order is for a router, so the process that has the routers runs. */
  function tellOrders(): void {
    vrrp.configure(() => vrrpOrders());
  }

  function tellServerOrders(): void {
    checker.configure(toldCheckerOrders);
  }

  function tellServers(): void {
    serverOrders.configure(serverChanges.services(), configs.trial() !== null);
    tellServerOrders();
  }

  /** What goes may be found again soon, so what an operator has said of it only rests. */
  function takeDiscovered(): void {
    serverChanges.configure(discovery.over(config().services), true);
    serverOrders.configure(serverChanges.services(), true);
    tellServerOrders();
  }

  /** What the orders of one sort, kept in this file, need. */
  function orderTools<O>(file: string, lapsed: () => void): OrderTools<O> {
    const path = join(runDir, file);
    return {
      load: () => loadJson(path),
      save: (orders) => saveJson(path, orders),
      now: () => new Date(),
      later,
      report: journal.add,
      lapsed,
    };
  }

  function vrrpOrders(of: Config = config()): VrrpOrders {
    return {
      runDir: of.director.runDir,
      routers: of.vrrp,
      orders: Object.fromEntries(orders.current()),
      tracked: tracks.current(),
    };
  }

  /** The services of a config with what is found for them, and what an operator has changed. */
  const running = (of: Config): Config['services'] => serverChanges.over(discovery.over(of.services));

  function checkerOrders(of: Config = config()): CheckerOrders {
    return {
      runDir: of.director.runDir,
      services: running(of),
      ipvs: of.ipvs,
      homes: homesOf(of.vrrp),
      roles: roles.current(),
      serverOrders: Object.fromEntries(serverOrders.current()),
      virtualAddresses: of.vrrp.flatMap((router) => router.addresses.map((a) => a.address.address)),
      tracks: tracks.wanted(),
      tracked: tracks.current(),
    };
  }

  function toldCheckerOrders(fresh: boolean): ToldCheckerOrders {
    const orders = checkerOrders();
    const services = tell(orders.services, fresh ? [] : told);
    told = orders.services;
    return { ...orders, services };
  }

  async function listenWeb(): Promise<void> {
    const { listen } = config().metrics;
    const at = listen === null ? '' : formatEndpoint(listen);
    if ((web?.at ?? '') === at) return;
    await web?.listening.close();
    web = undefined;
    if (listen === null) return;
    const listening = await listenTcp(metricsServer(director, createMetrics(director), log), listen);
    if (listening.ok) web = { at, listening: listening.value };
    else journal.add({ kind: 'trouble', severity: 'error', what: 'no metrics', detail: listening.error });
  }

  /** Another config runs: what has a part in it is told. */
  async function changed(): Promise<void> {
    log.configure(config().log);
    alerts.configure(config().alerts);
    await listenWeb();
    configureChildren();
  }

  async function planOf(next: Config): Promise<PlanAnswer> {
    const [seen, addresses, table] = await Promise.all([
      vrrp.ask('status', ANSWER_WITHIN),
      vrrp.ask('plan', ANSWER_WITHIN, vrrpOrders(next)),
      checker.ask('plan', ANSWER_WITHIN, checkerOrders(next)),
    ]);
    // A part that cannot be asked, since it does not run for want of work, is compared with the kernel from here.
    const routers = seen?.routers ?? [];
    const whole = (of: Config): Config => ({ ...of, services: running(of) });
    return planWith({
      ...{ before: whole(config()), after: whole(next) },
      ...{ routers, addresses: addresses?.changes, table },
    });
  }

  return { director, start, stop, leave, giveUp: minder.giveUp, restarting: restart.promise };
}

const notifyReloading = (): boolean => notify(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
