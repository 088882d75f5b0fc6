import { Links } from "../attachments/links.ts";
import { directoryOf } from "../directory/directory.ts";
import { type Dialect, isLarge } from "../domain/conversation.ts";
import { type Failure, fail, type Result } from "../domain/error.ts";
import type { Actor } from "../domain/policy.ts";
import type { Env, Settings } from "../env.ts";
import type { FrameId } from "../live/frames.ts";
import type { LinkTo } from "../live/wire.ts";
import { log } from "../logging.ts";
import { ChangeLimiter } from "./change-limiter.ts";
import { type Commit, Committer, type PendingCommand } from "./commit/committer.ts";
import type { Memory } from "./commit/draft.ts";
import { RateWindows } from "./commit/rate-windows.ts";
import { decide } from "./decide/decide.ts";
import { sentBefore } from "./decide/send.ts";
import type { AbuseLimits, Answer, Change, Command, Limits } from "./decide/types.ts";
import { ackOf, broadcast } from "./outbound/broadcast.ts";
import { Lines } from "./outbound/lines.ts";
import { Projector } from "./outbound/projection/projector.ts";
import { type Session, Sessions } from "./outbound/sockets/sessions.ts";
import type { View } from "./outbound/sockets/view.ts";
import { Subscribers } from "./outbound/subscribers/subscribers.ts";
import { RecentMessages } from "./queries/recent.ts";
import { sendWithFiles } from "./send-files.ts";
import { gatewayOf } from "./stub.ts";
import { readConversation, readCounters } from "./tables/conversation.ts";
import { filesOf } from "./tables/files.ts";

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
  readonly subscribers: Subscribers;
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
    this.subscribers = new Subscribers({
      sql: storage.sql,
      conversationId: conversation.id,
      rev: this.memory.counters.rev,
      stubOf: (protocol, gateway) => gatewayOf(env, protocol, gateway),
      onPresence: (userId) => this.sessions.presenceChanged(userId),
      onFailure: (error) => log("gateway_failed", { conversationId: conversation.id, error }),
    });
    const large = () => isLarge(this.memory.counters.memberCount);
    this.sessions = new Sessions({
      ...{ ctx, clock, quiet: large, elsewhere: this.subscribers },
      presenceDelayMs: settings.PRESENCE_DELAY_MS,
    });
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
    const everywhere = settings.REQUEST_LIMITS
      ? new ChangeLimiter({
          limiter: env.LIMIT_CHANGES,
          clock,
          onFailure: (error) => log("limiter_failed", { conversationId: conversation.id, error }),
        })
      : undefined;
    this.committer = new Committer({
      storage,
      memory: this.memory,
      limits: this.limits,
      windows: new RateWindows(storage.sql, everywhere),
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

  submit(actor: Actor, command: Command, reply: PendingCommand["reply"]): void {
    this.committer.submit({ actor, command, reply });
  }

  /** Carries out several commands of one person together, and resolves to what each of them came to. */
  submitAll(actor: Actor, commands: readonly Command[]): Promise<Result<Answer>[]> {
    const pending: PendingCommand[] = [];
    const results = commands.map(
      (command) =>
        new Promise<Result<Answer>>((resolve) => {
          pending.push({ actor, command, reply: { to: "caller", resolve } });
        }),
    );
    this.committer.submit(...pending);
    return Promise.all(results);
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
    sendWithFiles(this, this.env, actor, command, keys)
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
    return sentBefore(this.committer.state(), actor, command);
  }

  /** Why a command would be refused right now; `undefined`: it would not. */
  refusalOf(actor: Actor, command: Command): Failure | undefined {
    const state = this.committer.state();
    const now = Math.max(this.clock(), state.counters.lastCreatedAt);
    const decided = decide(state, { actor, command }, now);
    return decided.ok ? undefined : decided;
  }

  /** Links to files, of the public address or, in development, of the one that a reader came in by. */
  linkTo(origin: string): LinkTo {
    const links = new Links(this.settings.FILES_SECRET, this.settings.PUBLIC_URL ?? origin);
    return (attachment) => links.linkTo(attachment, this.clock());
  }

  /** What somebody looks at who came in by `origin`. */
  viewFor(origin: string): View {
    const { sql, recent, memory, epoch } = this;
    return { sql, recent, memory, epoch, linkTo: this.linkTo(origin) };
  }

  /** The lines of a broadcast, none so far. */
  noLines(): Lines {
    return new Lines((origin) => this.linkTo(origin), this.settings.PUBLIC_URL);
  }

  private committed(commit: Commit): void {
    const { changes } = commit;
    this.recent.follow(changes);
    broadcast(this, commit);
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

function abuseLimitsOf(settings: Settings): AbuseLimits {
  return {
    changesPerMinute: settings.CHANGES_PER_MINUTE,
    readsPerMinute: settings.READS_PER_MINUTE,
  };
}

/** What a conversation allows, by the API that created it. */
function limitsOf(settings: Settings, origin: Dialect): Limits {
  const unihub = origin === "unihub";
  return {
    messagesPerMinute: unihub
      ? settings.MESSAGES_PER_MINUTE_UNIHUB
      : settings.MESSAGES_PER_MINUTE_MARKETPLACE,
    contentLength: unihub ? settings.MAX_LENGTH_UNIHUB : settings.MAX_LENGTH_MARKETPLACE,
    editWindowMs: settings.EDIT_WINDOW_MINUTES * 60_000,
    ...(settings.REQUEST_LIMITS && { abuse: abuseLimitsOf(settings) }),
  };
}
