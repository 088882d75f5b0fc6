import { Links } from "../attachments/links.ts";
import { directoryOf } from "../directory/directory.ts";
import { isLarge, type Origin } from "../domain/conversation.ts";
import { fail, type Result } from "../domain/error.ts";
import type { Actor } from "../domain/policy.ts";
import type { Env, Settings } from "../env.ts";
import type { FrameId } from "../live/frames.ts";
import type { LinkTo } from "../live/wire.ts";
import { log } from "../logging.ts";
import { sentBefore } from "./commands/send.ts";
import type { Answer, Change, Command, Limits } from "./commands.ts";
import { type Commit, Committer, type Pending } from "./committer.ts";
import type { Memory } from "./draft.ts";
import { sendFiles } from "./files.ts";
import { gatewayOf } from "./gateways.ts";
import { Listeners } from "./listeners.ts";
import { readConversation, readCounters } from "./log/conversation-table.ts";
import { filesOf } from "./log/files.ts";
import { Projector } from "./projector.ts";
import { RecentMessages } from "./recent.ts";
import { type Session, Sessions } from "./sessions.ts";
import { ackOf, tell } from "./tell.ts";

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
    const conversationId = this.memory.conversation.id;
    sendFiles(this, this.env, actor, command, keys)
      .catch((error) => {
        log("files_failed", { conversationId, error });
        return fail("unavailable");
      })
      .then((result) =>
        this.sessions.send(session, JSON.stringify(ackOf(conversationId, result, id))),
      );
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

  private committed(commit: Commit): void {
    const { changes } = commit;
    this.recent.follow(changes);
    tell(this, commit);
    if (changes.length === 0) return;
    this.projector.committed(
      changes,
      changes.some((change) => concernsFiles(this.sql, change)),
    );
  }
}

/**
 * The directory of uploads is asked by the next send whether these files were sent already, and by the
 * next download whether their message was deleted.
 */
function concernsFiles(sql: SqlStorage, change: Change): boolean {
  if (change.type !== "message") return false;
  const { attachments, deletedAt, number } = change.message;
  return attachments.length > 0 || (deletedAt !== null && filesOf(sql, number).length > 0);
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
