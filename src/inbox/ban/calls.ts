import { conversationOf, gatewayOf } from "../../conversation/stub.ts";
import { CallTimeouts } from "../../conversation/timeout.ts";
import { addActs } from "../../directory/audit.ts";
import { putBan } from "../../directory/bans.ts";
import { directoryOf } from "../../directory/directory.ts";
import type { Act } from "../../domain/act.ts";
import type { BanState } from "../../domain/ban.ts";
import type { PresenceSource } from "../../domain/presence-sources.ts";
import type { Env } from "../../env.ts";

/** A call that is not answered within this time, or twice this time, has failed, and is repeated. */
const CALL_MS = 2_000;

/** The calls that carry out a ban of one user; every one may be made twice. */
export class BanCalls {
  private readonly env: Env;
  private readonly userId: string;
  private readonly timeouts = new CallTimeouts(CALL_MS);

  constructor(env: Env, userId: string) {
    this.env = env;
    this.userId = userId;
  }

  /** Ends the connections of the user in another object. */
  async evict([kind, id]: PresenceSource): Promise<void> {
    const { env, userId } = this;
    switch (kind) {
      case "conversation":
        await this.timeouts.limit(conversationOf(env, id).evict(userId));
        return;
      case "socketio":
      case "signalr":
        await this.timeouts.limit(gatewayOf(env, kind, id).evict(userId));
    }
  }

  /** Stores the ban and the acts that led to it in D1. */
  async store(ban: BanState, acts: readonly Act[]): Promise<void> {
    const directory = directoryOf(this.env.DB);
    await this.timeouts.limit(addActs(directory, acts));
    await this.timeouts.limit(putBan(directory, this.userId, ban, Date.now()));
  }
}
