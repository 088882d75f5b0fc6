import type { ConnectionPresence } from "../../../domain/presence.ts";
import type { PresenceSource } from "../../../domain/presence-sources.ts";
import { CallTimeouts } from "../../timeout.ts";
import { backoffMs } from "../backoff.ts";
import { Presence } from "../sockets/presence.ts";
import type { Sessions } from "../sockets/sessions.ts";
import type { InboxStub } from "./inbox-api.ts";

/** Inboxes that are called at the same time. */
const CONCURRENT = 50;

export interface ConnectionReportsOptions {
  /** What inboxes know this conversation as. */
  source: PresenceSource;
  sessions: Sessions;
  clock: () => number;
  /** How long a change must hold before it is reported, in milliseconds. */
  delayMs: number;
  stubOf: (userId: string) => InboxStub;
  /** An inbox has answered; one of the previous version says nothing. */
  onAnswer: (userId: string, presence: ConnectionPresence | undefined) => void;
  onFailure: (error: unknown) => void;
  /** Has {@link ConnectionReports.catchUp} called so many milliseconds from now, or sooner. */
  retryWithin: (milliseconds: number) => void;
}

interface Report {
  readonly isConnected: boolean;
  /** When it changed. */
  readonly at: number;
  readonly failures: number;
  /** Whether it has failed, and is to be made again by {@link ConnectionReports.catchUp}. */
  readonly isWaiting: boolean;
}

/**
 * Reports to the inboxes of users that their first socket was opened here or the last one closed. A report
 * that fails is retried; one that a crash prevents is made up for by the inbox, which asks.
 */
export class ConnectionReports {
  readonly name = "connections";
  private readonly options: ConnectionReportsOptions;
  private readonly lasting: Presence;
  private readonly timeouts = new CallTimeouts();
  /** By user: what is to be reported. */
  private readonly pending = new Map<string, Report>();
  private readonly calling = new Set<string>();
  private isChecked = false;

  constructor(options: ConnectionReportsOptions) {
    this.options = options;
    const { sessions, clock, delayMs } = options;
    this.lasting = new Presence({
      ...{ delayMs, clock },
      isOnline: (userId) => sessions.ofUser(userId).size > 0,
      announce: (userId, isConnected, at) => this.report(userId, isConnected, at),
      online: sessions.reportedUsers(),
    });
  }

  /** Whether the inbox of a user has been told, or is being told, that they have a socket here. */
  isReported(userId: string): boolean {
    return this.lasting.online.has(userId);
  }

  /** The inbox of a user was told before the object woke. */
  restore(userId: string): void {
    this.lasting.restore(userId);
  }

  /** A user's sockets changed. */
  changed(userId: string): void {
    this.lasting.changed(userId);
  }

  /** A user's sockets were ended, and the inbox is told at once; one that is opened next is reported again. */
  evicted(userId: string): void {
    if (this.lasting.forget(userId)) this.report(userId, false, this.options.clock());
  }

  /** Retries reports, and makes those that were due when the object went to sleep. */
  async catchUp(): Promise<void> {
    if (!this.isChecked) for (const userId of this.options.sessions.userIds()) this.changed(userId);
    this.isChecked = true;
    // All of them, however long they have waited: there is one alarm, which was set for the first.
    for (const [userId, report] of this.pending) {
      if (report.isWaiting) this.pending.set(userId, { ...report, isWaiting: false });
    }
    this.callDue();
  }

  private report(userId: string, isConnected: boolean, at: number): void {
    this.pending.set(userId, { isConnected, at, failures: 0, isWaiting: false });
    this.callDue();
  }

  private callDue(): void {
    for (const [userId, report] of this.pending) {
      if (this.calling.size >= CONCURRENT) return;
      if (!report.isWaiting && !this.calling.has(userId)) void this.call(userId, report);
    }
  }

  private async call(userId: string, report: Report): Promise<void> {
    const { source, sessions, stubOf, onAnswer, onFailure, retryWithin } = this.options;
    this.calling.add(userId);
    try {
      const stub = stubOf(userId);
      const { isConnected, at } = report;
      const call = isConnected ? stub.arrived(source, at) : stub.left(source, at);
      const presence = await this.timeouts.limit(call);
      if (this.pending.get(userId) === report) this.pending.delete(userId);
      if (isConnected) sessions.markReported(userId);
      onAnswer(userId, presence);
    } catch (error) {
      onFailure(error);
      const failures = report.failures + 1;
      if (this.pending.get(userId) === report) {
        this.pending.set(userId, { ...report, failures, isWaiting: true });
        retryWithin(backoffMs(failures));
      }
    }
    this.calling.delete(userId);
    this.callDue();
  }
}
