import type { GatewayStub, Protocol } from "../conversation/outbound/subscribers/gateway-api.ts";
import { CallTimeouts } from "../conversation/timeout.ts";
import type { PresenceSource } from "../domain/presence-sources.ts";
import type { InboxRow } from "../live/inbox-events.ts";
import { MAX_SOCKETS_PER_USER } from "../live/version.ts";

type Follower = readonly [protocol: Protocol, gateway: string];

export interface FollowersOptions {
  sql: SqlStorage;
  stubOf: (protocol: Protocol, gateway: string) => GatewayStub;
  /** A gateway may have missed the row of a conversation. */
  onMissed: (conversationId: string, error: unknown) => void;
}

/**
 * The user's connections of Socket.IO and SignalR that are told of rows as the inbox's own sockets are. One
 * row each, so that the object can hibernate. One that no longer wants them is removed.
 */
export class Followers {
  private readonly options: FollowersOptions;
  private readonly timeouts = new CallTimeouts();
  private readonly all = new Map<string, Follower>();
  private isCreated: boolean;

  constructor(options: FollowersOptions) {
    this.options = options;
    const { sql } = options;
    this.isCreated =
      sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'followers'").toArray().length > 0;
    if (!this.isCreated) return;
    const stored = sql.exec<{ gateway: string; protocol: Protocol }>("SELECT * FROM followers");
    for (const { gateway, protocol } of stored) this.all.set(gateway, [protocol, gateway]);
  }

  get size(): number {
    return this.all.size;
  }

  /** The connections, as presence knows them. */
  sources(): PresenceSource[] {
    return [...this.all.values()];
  }

  /** False where there are too many; may be called twice. */
  add(protocol: Protocol, gateway: string): boolean {
    if (this.all.has(gateway)) return true;
    if (this.all.size >= MAX_SOCKETS_PER_USER) return false;
    const { sql } = this.options;
    if (!this.isCreated) {
      sql.exec("CREATE TABLE followers (gateway TEXT PRIMARY KEY, protocol TEXT) WITHOUT ROWID");
    }
    this.isCreated = true;
    sql.exec("INSERT INTO followers (gateway, protocol) VALUES (?, ?)", gateway, protocol);
    this.all.set(gateway, [protocol, gateway]);
    return true;
  }

  remove(gateway: string): void {
    if (!this.all.delete(gateway)) return;
    this.options.sql.exec("DELETE FROM followers WHERE gateway = ?", gateway);
  }

  /** Tells all of them of a row; nothing waits for it. */
  tell(row: InboxRow): void {
    for (const follower of this.all.values()) void this.call(follower, row);
  }

  private async call([protocol, gateway]: Follower, row: InboxRow): Promise<void> {
    const { stubOf, onMissed } = this.options;
    try {
      if (await this.timeouts.limit(stubOf(protocol, gateway).deliverRow(row))) return;
      this.remove(gateway);
      if (this.size === 0) onMissed(row.conversationId, undefined);
    } catch (error) {
      onMissed(row.conversationId, error);
    }
  }
}
