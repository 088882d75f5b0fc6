import { CLOSE } from "../../../live/version.ts";
import type { Commit } from "../../commit/committer.ts";
import type { Broadcast } from "../broadcast.ts";
import type { Consumer, PushedCommit } from "../consumer.ts";
import type { EventLines } from "../event-lines.ts";
import { ackOf } from "./ack.ts";
import type { Session } from "./session.ts";
import type { Sessions } from "./sessions.ts";

type Outcomes = Commit["outcomes"];

export interface SocketConsumerOptions {
  sessions: Sessions;
  conversationId: string;
  /** The newest revision. */
  rev: () => number;
  clock: () => number;
  /** A `sync` that shows everything anew, as it is now. */
  resetFor: (session: Session) => string;
  /** Whether sockets are closed that keep sending although their sends are refused. */
  closesAbusive: boolean;
}

/**
 * Broadcasts commits to native sockets: one frame for each, with the events and, behind them, the answers
 * to its own commands. Each client keeps its own cursor: a socket that misses a broadcast is closed,
 * reconnects and resumes from there.
 */
export class SocketConsumer implements Consumer {
  readonly name = "sockets";
  readonly stage = "live";
  private readonly options: SocketConsumerOptions;
  private broadcastRev: number;

  constructor(options: SocketConsumerOptions) {
    this.options = options;
    this.broadcastRev = options.rev();
  }

  get cursor(): number {
    return this.broadcastRev;
  }

  deliver(commit: PushedCommit): void {
    if (commit.from !== this.cursor) this.closeAll();
    try {
      this.broadcast(commit);
    } catch (error) {
      this.closeAll();
      throw error;
    } finally {
      this.broadcastRev = commit.to;
    }
  }

  /** Answers the commands of a commit that changed nothing, or closes their sockets if that fails. */
  acknowledge(outcomes: Outcomes): void {
    const { sessions } = this.options;
    const own = new OwnLines();
    try {
      this.addAnswers(outcomes, own);
      sessions.deliver(undefined, own.bySession);
      this.closeAbusive(outcomes);
    } catch (error) {
      this.close(
        outcomes.flatMap(({ pending: { reply } }) => ("session" in reply ? reply.session : [])),
      );
      throw error;
    }
  }

  /** Closes sockets that missed a broadcast, and silent ones. */
  async catchUp(): Promise<void> {
    const { sessions, rev } = this.options;
    if (this.cursor !== rev()) {
      this.broadcastRev = rev();
      this.closeAll();
    }
    sessions.reap();
  }

  private broadcast(commit: PushedCommit): void {
    const { sessions } = this.options;
    const { events, departures, ownEvents, ...rest } = commit.broadcast();
    const own = new OwnLines();
    const shownAnew = this.showAnew(rest.shownAnew, own);
    for (const { userId, line } of ownEvents) {
      for (const session of sessions.ofUser(userId)) {
        if (session.live) own.add(session, line);
      }
    }
    this.addAnswers(commit.outcomes, own);
    for (const { userId, eventCount } of departures) {
      this.closeSocketsOf(userId, events, eventCount, own);
    }
    sessions.deliver(events, own.bySession, shownAnew);
    for (const { userId, reader } of rest.visibility) {
      sessions.showPresence(userId, reader);
      sessions.showElsewhere(reader, userId);
    }
    this.closeAbusive(commit.outcomes);
  }

  /** Whoever has blocked somebody, or no longer does, is shown everything anew instead of the events. */
  private showAnew(userIds: Broadcast["shownAnew"], own: OwnLines): Set<Session> {
    const { sessions, resetFor } = this.options;
    const shownAnew = new Set<Session>();
    for (const userId of userIds) {
      for (const session of sessions.ofUser(userId)) {
        if (!session.live) continue;
        own.add(session, resetFor(session));
        shownAnew.add(session);
      }
    }
    return shownAnew;
  }

  private addAnswers(outcomes: Outcomes, own: OwnLines): void {
    const { conversationId } = this.options;
    for (const { pending, result } of outcomes) {
      const { reply } = pending;
      if (reply.to !== "socket") continue;
      own.add(reply.session, JSON.stringify(ackOf(conversationId, result, reply.id)));
    }
  }

  /** Closes the sockets of a member who left, each behind the events up to their departure. */
  private closeSocketsOf(
    userId: string,
    events: EventLines,
    eventCount: number,
    own: OwnLines,
  ): void {
    const { sessions } = this.options;
    for (const session of [...sessions.ofUser(userId)]) {
      const common = session.live ? events.for(sessions.readerOf(session), eventCount) : [];
      const lines = [...common, ...own.take(session)];
      if (lines.length > 0) sessions.send(session, lines.join("\n"));
      sessions.leave(session, CLOSE.notAMember, "no longer a member");
    }
  }

  private closeAbusive(outcomes: Outcomes): void {
    const { sessions, clock, closesAbusive } = this.options;
    if (!closesAbusive) return;
    for (const { pending, result } of outcomes) {
      const { reply } = pending;
      if (result.ok || result.error.code !== "rate_limited" || reply.to !== "socket") continue;
      if (!reply.session.budget.refusedSend(clock())) continue;
      sessions.leave(reply.session, CLOSE.abuse, "too many commands");
    }
  }

  private closeAll(): void {
    this.close(this.options.sessions.all());
  }

  /** Closes sessions that missed something: their clients reconnect and resume. */
  private close(sessions: readonly Session[]): void {
    for (const session of sessions) {
      this.options.sessions.leave(session, CLOSE.goingAway, "please reconnect");
    }
  }
}

/** Lines for single sessions. */
class OwnLines {
  readonly bySession = new Map<Session, string[]>();

  add(session: Session, line: string): void {
    const lines = this.bySession.get(session);
    if (lines) lines.push(line);
    else this.bySession.set(session, [line]);
  }

  take(session: Session): string[] {
    const lines = this.bySession.get(session) ?? [];
    this.bySession.delete(session);
    return lines;
  }
}
