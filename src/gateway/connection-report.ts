import { backoffMs } from "../conversation/outbound/backoff.ts";
import type { InboxStub } from "../conversation/outbound/inboxes/inbox-api.ts";
import { Presence } from "../conversation/outbound/sockets/presence.ts";
import { CallTimeouts } from "../conversation/timeout.ts";
import type { ConnectionPresence } from "../domain/presence.ts";
import type { PresenceSource } from "../domain/presence-sources.ts";

/** A report is made at most so often, over about a minute: a pending timer keeps the object awake. */
const ATTEMPTS = 6;

export interface ConnectionReportOptions {
  /** How long a change must hold before it is reported, in milliseconds. */
  delayMs: number;
  /** What the inbox knows the connection as. */
  source: PresenceSource;
  isConnected: () => boolean;
  stubOf: (userId: string) => InboxStub;
  /** The inbox knows of the connection; one of the previous version says nothing. Rejects: it is reported again. */
  onReported: (presence: ConnectionPresence | undefined) => Promise<void>;
  onFailure: (error: unknown) => void;
}

/**
 * Reports to a user's inbox that their connection is open, and that it has ended. A missing report of the
 * end is made up for by the inbox, which asks.
 */
export class ConnectionReport {
  private readonly options: ConnectionReportOptions;
  private readonly timeouts = new CallTimeouts();
  private lasting: Presence | undefined;
  /** Calls are made one after the other. */
  private last = Promise.resolve();

  constructor(options: ConnectionReportOptions) {
    this.options = options;
  }

  /** The connection was open before the object hibernated. */
  restore(userId: string, isReported: boolean): void {
    this.lasting = this.newLasting(isReported ? [userId] : []);
    if (!isReported) this.changed(userId);
  }

  /** The connection was opened or has ended. */
  changed(userId: string): void {
    this.lasting ??= this.newLasting([]);
    this.lasting.changed(userId);
  }

  private newLasting(online: Iterable<string>): Presence {
    return new Presence({
      ...{ delayMs: this.options.delayMs, online, clock: () => Date.now() },
      isOnline: () => this.options.isConnected(),
      announce: (userId, isConnected, at) => {
        this.last = this.last.then(() => this.report(userId, isConnected, at));
      },
    });
  }

  private async report(userId: string, isConnected: boolean, at: number): Promise<void> {
    const { source, stubOf, onReported, onFailure } = this.options;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      // Another report follows.
      if (this.options.isConnected() !== isConnected) return;
      try {
        const stub = stubOf(userId);
        const call = isConnected ? stub.arrived(source, at) : stub.left(source, at);
        const presence = await this.timeouts.limit(call);
        if (isConnected && this.options.isConnected()) await onReported(presence);
        return;
      } catch (error) {
        onFailure(error);
      }
      await new Promise<void>((resolve) => setTimeout(resolve, backoffMs(attempt)));
    }
  }
}
