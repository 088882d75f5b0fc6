import type { InboxAnswer, Watcher } from "../../conversation/outbound/inboxes/inbox-api.ts";
import { lacksMethod } from "../../conversation/rpc-versions.ts";
import { conversationOf, gatewayOf, inboxOf } from "../../conversation/stub.ts";
import { CallTimeouts } from "../../conversation/timeout.ts";
import type { ConnectionPresence, ShownPresence } from "../../domain/presence.ts";
import type { PresenceSource } from "../../domain/presence-sources.ts";
import type { Env } from "../../env.ts";

/** The calls of one user's inbox to other objects that concern presence; every one may be made twice. */
export class PresenceCalls {
  private readonly env: Env;
  private readonly userId: string;
  private readonly timeouts = new CallTimeouts();

  constructor(env: Env, userId: string) {
    this.env = env;
    this.userId = userId;
  }

  /** Asks a conversation or gateway whether the user is connected to it. */
  async askSource([kind, id]: PresenceSource): Promise<boolean> {
    const { env, userId } = this;
    try {
      switch (kind) {
        case "conversation":
          return await this.timeouts.limit(conversationOf(env, id).isConnected(userId));
        case "socketio":
        case "signalr":
          return await this.timeouts.limit(gatewayOf(env, kind, id).isConnected(userId));
        default:
          return false;
      }
    } catch (error) {
      // An object of the previous version reports nothing, and cannot be asked.
      if (lacksMethod(error, "isConnected")) return true;
      throw error;
    }
  }

  /** Tells somebody who watches the user. */
  async tell([kind, id]: Watcher, presence: ShownPresence): Promise<InboxAnswer> {
    if (kind !== "user") return "away";
    return await this.timeouts.limit(inboxOf(this.env, id).presenceOf(this.userId, presence));
  }

  /** Tells a conversation or gateway; false: a conversation that shows the user to nobody. */
  async tellPlace([kind, id]: PresenceSource, presence: ConnectionPresence): Promise<boolean> {
    const { env, userId } = this;
    try {
      switch (kind) {
        case "conversation":
          return await this.timeouts.limit(conversationOf(env, id).presenceOf(userId, presence));
        case "socketio":
        case "signalr":
          return await this.timeouts.limit(gatewayOf(env, kind, id).presenceOf(userId, presence));
        default:
          return false;
      }
    } catch (error) {
      // One of the previous version shows everybody who is connected to it.
      if (lacksMethod(error, "presenceOf")) return false;
      throw error;
    }
  }

  async dropped([kind, id]: Watcher): Promise<void> {
    if (kind === "user") await this.timeouts.limit(inboxOf(this.env, id).unwatched(this.userId));
  }

  /** Watches another user; what they are shown now. */
  watch(other: string): Promise<ShownPresence> {
    return this.timeouts.limit(inboxOf(this.env, other).watch(["user", this.userId]));
  }

  ask(other: string): Promise<ShownPresence> {
    return this.timeouts.limit(inboxOf(this.env, other).presenceNow(this.userId));
  }
}
