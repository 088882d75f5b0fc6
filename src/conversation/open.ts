import { Links } from "../attachments/links.ts";
import { directoryOf } from "../directory/directory.ts";
import { isLarge, type Origin } from "../domain/conversation.ts";
import { fail, type Result } from "../domain/error.ts";
import { messageIdOf } from "../domain/id.ts";
import type { Actor } from "../domain/policy.ts";
import type { Env, Settings } from "../env.ts";
import type { ServerEvent } from "../live/events.ts";
import type { FrameId } from "../live/frames.ts";
import { CLOSE } from "../live/version.ts";
import {
  errorEventOf,
  type LinkTo,
  wireConversation,
  wireMember,
  wireMessage,
  wireRead,
} from "../live/wire.ts";
import { log } from "../logging.ts";
import { sentBefore } from "./commands/send.ts";
import type { Answer, Change, Command, Limits } from "./commands.ts";
import { type Commit, Committer, type Pending } from "./committer.ts";
import type { Memory } from "./draft.ts";
import { sendFiles } from "./files.ts";
import { gatewayOf } from "./gateways.ts";
import { Listeners } from "./listeners.ts";
import { readConversation, readCounters } from "./log/conversation-table.ts";
import { notesOf } from "./notes.ts";
import { Projector } from "./projector.ts";
import { RecentMessages } from "./recent.ts";
import { type Session, Sessions } from "./sessions.ts";

/**
 * A conversation that exists, awake: its memory, its committer, its sockets and its projector, tied
 * together. What has been committed goes, in that same turn, to the sockets, then to the callers, then
 * towards D1.
 */
export class OpenConversation {
  readonly sql: SqlStorage;
  readonly epoch: string;
  readonly memory: Memory;
  readonly recent: RecentMessages;
  readonly sessions: Sessions;
  readonly listeners: Listeners;
  readonly projector: Projector;
  readonly limits: Limits;
  readonly clock: () => number;
  private readonly committer: Committer;
  private readonly settings: Settings;
  private readonly env: Env;

  constructor(ctx: DurableObjectState, env: Env, settings: Settings, clock: () => number) {
    const { storage } = ctx;
    const { epoch, conversation } = readConversation(storage.sql);
    this.sql = storage.sql;
    this.epoch = epoch;
    this.clock = clock;
    this.settings = settings;
    this.env = env;
    this.memory = { conversation, counters: readCounters(storage.sql), members: new Map() };
    this.recent = new RecentMessages(storage.sql);
    this.limits = limitsOf(settings, conversation.origin);
    this.listeners = new Listeners({
      sql: storage.sql,
      conversationId: conversation.id,
      rev: this.memory.counters.rev,
      stubOf: (protocol, gateway) => gatewayOf(env, protocol, gateway),
      onPresence: (userId, online) => {
        if (this.sessions.ofUser(userId).size === 0) this.sessions.tellPresence(userId, online);
      },
      onFailure: (error) => log("gateway_failed", { conversationId: conversation.id, error }),
    });
    const large = () => isLarge(this.memory.counters.memberCount);
    this.sessions = new Sessions(ctx, clock, large, this.listeners);
    this.projector = new Projector({
      sql: storage.sql,
      directory: directoryOf(env.DB),
      epoch,
      memory: this.memory,
      setAlarm: (time) => void storage.setAlarm(time),
      clock,
      random: Math.random,
      log: (event, fields) => log(event, { conversationId: conversation.id, ...fields }),
    });
    this.committer = new Committer({
      storage,
      memory: this.memory,
      limits: this.limits,
      clock,
      onCommit: (commit) => this.committed(commit),
      onFault: (error) => log("command_failed", { conversationId: conversation.id, error }),
      onBroken: (error) => {
        log("commit_failed", { conversationId: conversation.id, error });
        // Memory and storage may differ now: start anew from what is stored.
        ctx.abort("a commit failed");
      },
    });
  }

  submit(actor: Actor, command: Command, reply: Pending["reply"]): void {
    this.committer.submit({ actor, command, reply });
  }

  /** Carries out what waits, so that whatever is asked next knows of it. */
  settle(): void {
    this.committer.flush();
  }

  /** A send with files, which are reserved first. */
  submitFiles(
    actor: Actor,
    command: Extract<Command, { type: "send" }>,
    keys: readonly string[],
    { session, id }: { session: Session; id: FrameId },
  ): void {
    sendFiles(this, this.env, actor, command, keys)
      .catch((error) => {
        log("files_failed", { conversationId: this.memory.conversation.id, error });
        return fail("unavailable");
      })
      .then((result) => this.sessions.send(session, JSON.stringify(this.ackOf(result, id))));
  }

  /** What a send came to that was made before under the same key. */
  sentBefore(actor: Actor, command: Command): Result<Answer> | undefined {
    if (command.type !== "send") return undefined;
    const { state, now } = this.committer.state();
    return sentBefore(state, actor, command, now);
  }

  /** A link to a file, of the public address or of one that a client came in by. */
  readonly linkTo: LinkTo = (attachment) => {
    const { sessions, listeners } = this;
    const origin = this.settings.PUBLIC_URL ?? sessions.origin ?? listeners.origin ?? "";
    return new Links(this.settings.FILES_SECRET, origin).linkTo(attachment, this.clock());
  };

  private committed({ changes, outcomes }: Commit): void {
    this.recent.follow(changes);
    const own = new Map<Session, string[]>();
    const tell = (session: Session, line: string) => {
      const lines = own.get(session);
      if (lines) lines.push(line);
      else own.set(session, [line]);
    };
    const large = isLarge(this.memory.counters.memberCount);
    const events: string[] = [];
    // Who went in this group hears it, and nothing that came after it.
    const departures: { userId: string; heard: number }[] = [];
    for (const change of changes) {
      if (change.type === "flag") continue;
      const line = JSON.stringify(this.eventOf(change));
      if (change.type === "read" && large) {
        // Not broadcast, but a person's other devices follow.
        for (const session of this.sessions.ofUser(change.read.userId)) {
          if (session.live) tell(session, line);
        }
      } else {
        events.push(line);
      }
      if (change.type === "member" && change.member.leftAt !== null) {
        departures.push({ userId: change.member.userId, heard: events.length });
      }
    }
    for (const { pending, result } of outcomes) {
      const { reply } = pending;
      if (reply.to === "socket") tell(reply.session, JSON.stringify(this.ackOf(result, reply.id)));
    }
    for (const { userId, heard } of departures) {
      for (const session of [...this.sessions.ofUser(userId)]) {
        const lines = [
          ...(session.live ? events.slice(0, heard) : []),
          ...(own.get(session) ?? []),
        ];
        if (lines.length > 0) this.sessions.send(session, lines.join("\n"));
        this.sessions.leave(session, CLOSE.notAMember, "no longer a member");
        own.delete(session);
      }
    }
    this.sessions.deliver(events, own);
    const notes = () => notesOf(this.sql, changes, outcomes, large);
    this.listeners.committed(events, notes, departures, this.memory.counters.rev);
    for (const { pending, result } of outcomes) {
      if (pending.reply.to === "caller") pending.reply.resolve(result);
    }
    if (changes.length > 0) this.projector.committed(changes.some(carriesFiles));
  }

  private eventOf(change: Exclude<Change, { type: "flag" }>): ServerEvent {
    const { conversation, counters } = this.memory;
    switch (change.type) {
      case "message": {
        const message = wireMessage(conversation.id, change.message, this.linkTo);
        return { type: "message", rev: message.rev, cause: change.cause, message };
      }
      case "member": {
        const member = wireMember(change.member);
        return { type: "member", rev: member.rev, cause: change.cause, member };
      }
      case "read":
        return { type: "read", ...wireRead(change.read) };
      case "conversation": {
        const { rev } = change.conversation;
        return {
          type: "conversation",
          rev,
          conversation: wireConversation(change.conversation, counters),
        };
      }
    }
  }

  private ackOf(result: Result<Answer>, id: FrameId): ServerEvent {
    if (!result.ok) return errorEventOf(result.error, id);
    const { rev, message, deduplicated, rate } = result.value;
    return {
      type: "ack",
      ...(id !== undefined && { id }),
      rev,
      ...(message && { messageId: messageIdOf(this.memory.conversation.id, message.number) }),
      ...(deduplicated && { deduplicated }),
      ...(rate && { remaining: rate.remaining }),
    };
  }
}

/** The directory of uploads is asked by the next send whether these files were sent already. */
function carriesFiles(change: Change): boolean {
  return change.type === "message" && change.message.attachments.length > 0;
}

/** What a conversation allows, by the API that created it. */
function limitsOf(settings: Settings, origin: Origin): Limits {
  const unihub = origin === "unihub";
  return {
    messagesPerMinute: unihub
      ? settings.MESSAGES_PER_MINUTE_UNIHUB
      : settings.MESSAGES_PER_MINUTE_MARKETPLACE,
    contentLength: unihub ? settings.MAX_LENGTH_UNIHUB : settings.MAX_LENGTH_MARKETPLACE,
    editWindowMs: settings.EDIT_WINDOW_MINUTES * 60_000,
  };
}
