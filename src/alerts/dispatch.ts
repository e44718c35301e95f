/**
 * Alerts on their way out: one queue for each sink.
 *
 * - Strictly in order: the next alert of a sink is not tried before the one ahead was delivered or given up.
 * - At least once, within the sink's `attempts`, with `backoff` between them.
 * - A sink that is dead or slow delays nothing but itself. Its queue is bounded: the oldest waiting alert is dropped, counted
 *   and logged, since of a long outage the latest state is what matters.
 * - On a reload a sink of the same name keeps its queue and goes on with its new settings.
 */

import { setTimeout } from 'node:timers/promises';
import type { Duration } from '../base/time.ts';
import type { AlertConfig } from '../config/config.ts';
import type { Log } from '../system/log.ts';
import { type Alert, type Send, TOPICS } from './alert.ts';
import { backoff } from './backoff.ts';
import { execSender } from './exec/send.ts';
import { webhookSender } from './webhook/send.ts';

export type SinkCounts = {
  readonly name: string;
  readonly type: AlertConfig['type'];
  /** Alerts waiting, the one under way included. */
  readonly queued: number;
  readonly delivered: number;
  /** Attempts that failed, whether or not another followed. */
  readonly failedAttempts: number;
  /** Alerts given up after their last attempt or a refusal. */
  readonly givenUp: number;
  /** Alerts that had no room in the queue, or were left at the end. */
  readonly dropped: number;
};

export type Dispatcher = {
  /** Takes the sinks of a config, new or reloaded. */
  configure(sinks: readonly AlertConfig[]): void;
  /** Queues the alert for every sink that wants its topic. Returns at once. */
  offer(alert: Alert): void;
  counts(): readonly SinkCounts[];
  /** Waits until all queues are empty, at most `deadline`; what is then left is dropped and logged. Takes no alerts after. */
  drain(deadline: Duration): Promise<void>;
};

export type DispatchTools = {
  readonly log: Log;
  /** In [0, 1). */
  readonly random: () => number;
  /** Resolves after `pause`, or at once when `signal` is aborted. */
  readonly wait: (pause: Duration, signal: AbortSignal) => Promise<void>;
  readonly sender?: (config: AlertConfig) => Send;
  /** Alerts that may wait for one sink behind the one under way. Default 1,000. */
  readonly room?: number;
};

/** The kinds of sink there are. */
export function senderFor(config: AlertConfig): Send {
  switch (config.type) {
    case 'webhook':
      return webhookSender(config);
    case 'exec':
      return execSender(config);
  }
}

type Sink = {
  config: AlertConfig;
  send: Send;
  readonly queue: Alert[];
  /** Settles when the queue is empty; absent when nothing is under way. */
  working: Promise<void> | undefined;
  readonly stop: AbortController;
  readonly counted: { delivered: number; failedAttempts: number; givenUp: number; dropped: number };
};

export function createDispatcher(tools: DispatchTools): Dispatcher {
  const { log, sender = senderFor, room = 1000 } = tools;
  let sinks = new Map<string, Sink>();
  let closed = false;

  /** Delivers the head of the queue, or gives it up. */
  async function settleHead(sink: Sink, alert: Alert): Promise<void> {
    for (let attempt = 1; !sink.stop.signal.aborted; attempt++) {
      const sent = await sink.send(alert, sink.stop.signal);
      if (sent.ok) {
        sink.counted.delivered++;
        return;
      }
      if (sink.stop.signal.aborted) return;
      sink.counted.failedAttempts++;
      const { name, attempts } = sink.config;
      const fields = { sink: name, alert: alert.seq, attempt, attempts, reason: sent.reason };
      if (!sent.again || attempt >= attempts) {
        sink.counted.givenUp++;
        log.error('alert given up', { ...fields, summary: alert.summary });
        return;
      }
      log.warning('alert not delivered, will try again', fields);
      await tools.wait(backoff(attempt, tools.random()), sink.stop.signal);
    }
  }

  async function work(sink: Sink): Promise<void> {
    for (let head = sink.queue[0]; head !== undefined && !sink.stop.signal.aborted; head = sink.queue[0]) {
      await settleHead(sink, head);
      if (!sink.stop.signal.aborted) sink.queue.shift();
    }
    sink.working = undefined;
  }

  function abandon(sink: Sink, why: string): void {
    sink.stop.abort();
    if (sink.queue.length === 0) return;
    sink.counted.dropped += sink.queue.length;
    log.warning('alerts dropped', { sink: sink.config.name, alerts: sink.queue.length, reason: why });
  }

  return {
    configure(configs) {
      const next = new Map<string, Sink>();
      for (const config of configs) {
        const old = sinks.get(config.name);
        if (old) Object.assign(old, { config, send: sender(config) });
        next.set(config.name, old ?? newSink(config, sender(config)));
      }
      for (const [name, sink] of sinks) if (!next.has(name)) abandon(sink, 'the sink was removed from the config');
      sinks = next;
    },

    offer(alert) {
      if (closed) return;
      for (const sink of sinks.values()) {
        if (!sink.config.on.includes(TOPICS[alert.kind])) continue;
        if (sink.queue.length > room) {
          const [lost] = sink.queue.splice(1, 1);
          sink.counted.dropped++;
          log.warning('alert dropped: the queue is full', {
            sink: sink.config.name,
            alert: lost?.seq,
            summary: lost?.summary,
          });
        }
        sink.queue.push(alert);
        sink.working ??= work(sink);
      }
    },

    counts: () =>
      [...sinks.values()].map(({ config: { name, type }, queue, counted }) => ({
        name,
        type,
        queued: queue.length,
        ...counted,
      })),

    async drain(deadline) {
      closed = true;
      const deadlineOver = new AbortController();
      const idle = Promise.all([...sinks.values()].map((sink) => sink.working));
      await Promise.race([idle, wait(deadline, deadlineOver.signal)]);
      deadlineOver.abort();
      for (const sink of sinks.values()) abandon(sink, 'the daemon stops');
      await Promise.all([...sinks.values()].map((sink) => sink.working));
    },
  };
}

const newSink = (config: AlertConfig, send: Send): Sink => ({
  config,
  send,
  queue: [],
  working: undefined,
  stop: new AbortController(),
  counted: { delivered: 0, failedAttempts: 0, givenUp: 0, dropped: 0 },
});

/** The real `wait`. */
export const wait = (pause: Duration, signal: AbortSignal): Promise<void> =>
  setTimeout(Math.max(0, Math.ceil(pause)), undefined, { signal }).catch(() => {});
