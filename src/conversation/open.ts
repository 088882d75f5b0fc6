import { Links } from "../attachments/links.ts";
import { blocksAmong } from "../directory/blocks.ts";
import { directoryOf } from "../directory/directory.ts";
import { isLarge } from "../domain/conversation.ts";
import { type Failure, fail, type Result } from "../domain/error.ts";
import { effectOfBlocks, type Hides, NOBODY_HIDDEN } from "../domain/hides.ts";
import { type Actor, restriction } from "../domain/policy.ts";
import { MAX_FOLLOWED, VISIBLE_PRESENCE } from "../domain/presence.ts";
import { MAX_REPORT_DELAY_MS } from "../domain/presence-sources.ts";
import type { Env, Settings } from "../env.ts";
import type { FrameId } from "../live/frames.ts";
import { BANNED_CLOSE } from "../live/version.ts";
import { bannedFrame, type LinkTo } from "../live/wire.ts";
import { log } from "../logging.ts";
import { socketClosed, socketOpened } from "../metrics.ts";
import type { FilesToSend } from "./api.ts";
import { BeforeSendCalls } from "./before-send/entrypoint.ts";
import { hasHook } from "./before-send/hook.ts";
import { BeforeSendQueue } from "./before-send/queue.ts";
import { ChangeLimiter } from "./change-limiter.ts";
import { type Commit, Committer, type PendingCommand } from "./commit/committer.ts";
import type { Memory } from "./commit/draft.ts";
import { RateWindows } from "./commit/rate-windows.ts";
import { BLOCKING } from "./decide/blocks.ts";
import { decide } from "./decide/decide.ts";
import { RETAINING } from "./decide/purge.ts";
import { sentBefore } from "./decide/send.ts";
import type { Answer, Command, CommandRequest, Decision, Limits } from "./decide/types.ts";
import { lookUpHolds } from "./entered-holds.ts";
import { Figures } from "./figures.ts";
import { limitsOf } from "./limits.ts";
import { Alarms } from "./outbound/alarms.ts";
import { prepareBroadcast } from "./outbound/broadcast.ts";
import { EventLines } from "./outbound/event-lines.ts";
import { ConnectionReports } from "./outbound/inboxes/connection-reports.ts";
import { Inboxes } from "./outbound/inboxes/inboxes.ts";
import { InboxRows } from "./outbound/inboxes/rows.ts";
import { UserPresences } from "./outbound/inboxes/user-presences.ts";
import { Outbound } from "./outbound/outbound.ts";
import { FormerEpoch } from "./outbound/projection/former-epoch.ts";
import { Projector } from "./outbound/projection/projector.ts";
import { ackOf } from "./outbound/sockets/ack.ts";
import { firstSync } from "./outbound/sockets/first-visit.ts";
import type { Session } from "./outbound/sockets/session.ts";
import { Sessions } from "./outbound/sockets/sessions.ts";
import { SocketConsumer } from "./outbound/sockets/socket-consumer.ts";
import type { View } from "./outbound/sockets/view.ts";
import { Subscribers } from "./outbound/subscribers/subscribers.ts";
import { factsFor } from "./queries/facts.ts";
import { MessageTexts, NATIVE_FORM } from "./queries/message-texts.ts";
import { RecentMessages } from "./queries/recent.ts";
import { Requests } from "./requests.ts";
import { Retention } from "./retention.ts";
import { SearchIndex } from "./search/search-index.ts";
import { SearchQueue } from "./search/search-queue.ts";
import { SearchRate } from "./search/search-rate.ts";
import { sendWithFiles } from "./send-files.ts";
import type { Given } from "./start-over.ts";
import { inboxOf, subscriberOf } from "./stub.ts";
import { Blocks } from "./tables/blocks.ts";
import { readConversation, readCounters } from "./tables/conversation.ts";
import { type Fence, readEpoch } from "./tables/epochs.ts";
import { Holds } from "./tables/holds.ts";
import { presentMemberIds } from "./tables/members.ts";
import { readPendingFigures } from "./tables/pending-figures.ts";

/** How many inboxes a conversation calls within a second. */
const INBOX_CALLS_PER_SECOND = 500;

/**
 * A conversation that exists, awake: wires its memory, its committer and the consumers of its commits
 * together.
 */
export class OpenConversation {
  readonly sql: SqlStorage;
  readonly epoch: string;
  /** The revision with which the epoch began: cursors below it are of an earlier one. */
  readonly beganAt: number;
  /** The restore that had closed the conversation when the object woke. */
  readonly fence: Fence | null;
  readonly memory: Memory;
  readonly recent: RecentMessages;
  readonly texts: MessageTexts;
  readonly requests: Requests;
  readonly sessions: Sessions;
  readonly presences: UserPresences;
  readonly reports: ConnectionReports;
  readonly subscribers: Subscribers;
  readonly projector: Projector;
  readonly inboxes: Inboxes;
  readonly alarms: Alarms;
  readonly outbound: Outbound;
  readonly retention: Retention;
  readonly searchIndex: SearchIndex;
  readonly searchQueue = new SearchQueue();
  readonly searchRate: SearchRate;
  readonly limits: Limits;
  readonly clock: () => number;
  private readonly committer: Committer;
  /** `undefined`: there are no metrics. */
  private readonly figures: Figures | undefined;
  /** Where commands go: to the committer or, with a before-send hook, past the hook first. */
  private readonly entrance: Pick<Committer, "submit">;
  private readonly settings: Settings;
  private readonly env: Env;

  /** `onAhead`: D1 has revisions up to one, or an epoch, that are not stored any more. */
  constructor(
    ctx: DurableObjectState,
    env: Env,
    settings: Settings,
    clock: () => number,
    onAhead: (given: Given) => void,
  ) {
    const { storage } = ctx;
    const { sql } = storage;
    const { epoch, conversation } = readConversation(sql);
    const { beganAt, isUnswept, fence } = readEpoch(sql);
    const conversationId = conversation.id;
    this.sql = sql;
    this.epoch = epoch;
    this.beganAt = beganAt;
    this.fence = fence;
    this.clock = clock;
    this.settings = settings;
    this.env = env;
    const memory: Memory = {
      ...{ conversation, counters: readCounters(sql), members: new Map() },
      pendingFigures: readPendingFigures(sql),
      blocks: new Blocks(sql),
      holds: new Holds(sql),
    };
    this.memory = memory;
    this.recent = new RecentMessages(sql);
    this.requests = new Requests(sql);
    this.texts = new MessageTexts({
      ...{ conversationId, recent: this.recent, clock },
      linkTo: (address) => this.linkTo(address),
    });
    this.limits = limitsOf(settings, conversation);

    const rev = () => memory.counters.rev;
    const consumerFailed = (consumer: string, error: unknown) =>
      log("consumer_failed", { conversationId, consumer, error });
    this.alarms = new Alarms({
      ...{ clock, onFailure: consumerFailed },
      setAlarm: (time) => void storage.setAlarm(time),
      onInterrupted: () => this.inboxes.interrupted(),
    });
    this.subscribers = new Subscribers({
      ...{ sql, conversationId, rev, beganAt },
      hidesOf: (userId) => this.hidesOf(userId),
      stubOf: (protocol, gateway) => subscriberOf(env, protocol, gateway),
      onPresence: (userId) => {
        this.sessions.presenceChanged(userId);
        this.presences.check();
        this.presences.left(userId);
      },
      onFailure: (error) => log("gateway_failed", { conversationId, error }),
      retryWithin: (ms) => this.alarms.noLaterThan(this.subscribers.name, clock() + ms),
    });
    this.presences = new UserPresences({
      conversationId,
      isFollowing: () => memory.counters.memberCount <= MAX_FOLLOWED,
      members: () => presentMemberIds(sql, MAX_FOLLOWED),
      isHere: (userId) => this.isHere(userId),
      isReported: (userId) => this.reports.isReported(userId),
      isAnybodyHere: () => this.sessions.size > 0 || this.subscribers.userIds().length > 0,
      stubOf: (userId) => inboxOf(env, userId),
      onForgotten: (userId) => this.sessions.presenceForgotten(userId),
      onChange: (userId, visible, heldMs) => this.presenceKnown(userId, visible, heldMs),
      onFailure: (error) => log("presence_failed", { conversationId, error }),
      retryWithin: (ms) => this.alarms.noLaterThan(this.presences.name, clock() + ms),
    });
    this.alarms.add(this.presences.name, () => this.presences.catchUp());
    this.sessions = new Sessions({
      ...{ ctx, clock, elsewhere: this.subscribers },
      quiet: () => isLarge(memory.counters.memberCount),
      visibleOf: (userId) => this.presences.visibleOf(userId),
      isElsewhere: (userId) => this.presences.isElsewhere(userId),
      isVisible: (userId, reader) => this.isVisible(userId, reader),
      mayFollow: (userId, reader) => this.mayFollow(userId, reader),
      hidesOf: (userId) => this.hidesOf(userId),
      presenceDelayMs: settings.PRESENCE_DELAY_MS,
      onSockets: (userId) => {
        this.reports.changed(userId);
        this.presences.check();
      },
      onOpened: () => {
        this.presences.check();
        socketOpened(env.METRICS, "native");
      },
      onClosed: ({ openedAt }) => socketClosed(env.METRICS, "native", clock() - openedAt),
    });
    const reportDelayMs = Math.min(settings.PRESENCE_DELAY_MS, MAX_REPORT_DELAY_MS);
    this.reports = new ConnectionReports({
      ...{ sessions: this.sessions, clock },
      delayMs: reportDelayMs,
      source: ["conversation", conversationId],
      stubOf: (userId) => inboxOf(env, userId),
      onAnswer: (userId, presence = VISIBLE_PRESENCE) => {
        this.presences.take(userId, presence, reportDelayMs);
        this.presences.left(userId);
      },
      onFailure: (error) => log("presence_failed", { conversationId, error }),
      retryWithin: (ms) => this.alarms.noLaterThan(this.reports.name, clock() + ms),
    });
    this.alarms.add(this.reports.name, () => this.reports.catchUp());
    const directory = directoryOf(env.DB);
    const onGone = (userIds: readonly string[]) => this.inboxes.gone(userIds);
    this.projector = new Projector({
      ...{ sql, epoch, memory, clock, random: Math.random },
      log: (event, fields) => log(event, { conversationId, ...fields }),
      ...{ directory, onAhead },
      former: isUnswept
        ? new FormerEpoch({ sql, memory, epoch, beganAt, directory, onGone })
        : undefined,
      setAlarm: (time) => this.alarms.set(this.projector.name, time),
      onEntered: (userIds) => this.entered(env, userIds),
      onRecovered: () => this.inboxes.repeat(),
      onWritten: () => this.figures?.projected(),
    });
    this.inboxes = new Inboxes({
      ...{ sql, memory, clock, rows: new InboxRows({ sql, epoch, memory }) },
      callsPerSecond: INBOX_CALLS_PER_SECOND,
      stubOf: (userId) => inboxOf(env, userId),
      isHere: (userId) => this.isHere(userId),
      onFailure: (error) => log("inbox_failed", { conversationId, error }),
      callWithin: (ms) => this.alarms.noLaterThan(this.inboxes.name, clock() + ms),
    });
    const sockets = new SocketConsumer({
      ...{ sessions: this.sessions, conversationId, rev, clock },
      resetFor: ({ identity: { userId, origin } }) =>
        firstSync(this.viewFor(userId, origin), true, userId, undefined).frame,
      closesAbusive: this.limits.abuse !== undefined,
    });
    this.outbound = new Outbound({
      ...{ alarms: this.alarms, rev, onFailure: consumerFailed },
      prepare: ({ changes }) =>
        prepareBroadcast(memory, changes, this.noEvents(), (userId) => this.requests.has(userId)),
      acknowledge: (outcomes) => sockets.acknowledge(outcomes),
    });
    // Who follows the conversation, in the order in which they get a commit.
    const consumers = [sockets, this.subscribers, this.inboxes, this.projector];
    for (const consumer of consumers) this.outbound.add(consumer);

    if (env.METRICS) {
      const figures = new Figures({
        ...{ metrics: env.METRICS, kind: conversation.kind, clock },
        confirmed: () => storage.sync(),
        sockets: () => this.sessions.size,
      });
      this.figures = figures;
      this.alarms.add(figures.name, async () => figures.flush());
    }

    // The object woke before the alarm of its previous instance.
    void storage.getAlarm().then((time) => {
      if (time !== null) this.inboxes.interrupted();
    });

    this.searchIndex = new SearchIndex({
      ...{ storage, memory },
      onFailure: (error) => log("search_index_failed", { conversationId, error }),
    });
    const limiterFailed = (error: unknown) => log("limiter_failed", { conversationId, error });
    this.searchRate = new SearchRate({
      limiter: settings.REQUEST_LIMITS ? env.LIMIT_SEARCHES : undefined,
      onFailure: limiterFailed,
    });
    const windows = new RateWindows(
      sql,
      settings.REQUEST_LIMITS
        ? new ChangeLimiter({
            limiter: env.LIMIT_CHANGES,
            clock,
            onFailure: limiterFailed,
          })
        : undefined,
    );
    this.committer = new Committer({
      ...{ storage, memory, limits: this.limits, clock, windows },
      onCommit: (commit) => this.committed(commit),
      onFault: (error) => log("command_failed", { conversationId, error }),
      onBroken: (error) => {
        log("commit_failed", { conversationId, error });
        // Memory and storage may differ now: restart from what is stored.
        ctx.abort("a commit failed");
      },
    });
    this.retention = new Retention({
      ...{ sql, memory, clock, settingDays: this.limits.retentionDays },
      submit: async (command) => {
        const [result] = await this.submitAll(RETAINING, [command]);
        return result ?? fail("internal");
      },
      reached: (rev, timeoutMs) => this.projector.reached(rev, timeoutMs),
      runAt: (time) => this.alarms.set(this.retention.name, time),
    });
    this.alarms.add(this.retention.name, () => this.retention.run());
    this.entrance = hasHook(settings) ? this.hookBefore(windows) : this.committer;
  }

  submit(actor: Actor, command: Command, reply: PendingCommand["reply"]): void {
    this.entrance.submit({ actor, command, reply });
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
    this.entrance.submit(...pending);
    return Promise.all(results);
  }

  /** Commits the commands that wait, so that what is asked next includes them. */
  settle(): void {
    this.committer.flush();
  }

  /** A socket was closed, by which the object may have woken. */
  closed(socket: WebSocket): void {
    const session = this.sessions.of(socket) ?? this.sessions.restoreClosed(socket);
    if (!session) return;
    if (session.reported) this.reports.restore(session.identity.userId);
    this.sessions.leave(session);
  }

  /** Ends the connections of a user who is banned from the service: nothing more is sent to them. */
  evict(userId: string): void {
    this.sessions.evict(userId, bannedFrame(), ...BANNED_CLOSE);
    this.subscribers.evict(userId);
    // Whatever is opened from now on is reported anew.
    this.reports.evicted(userId);
  }

  /** A send with files, which are reserved first. */
  sendWithFiles(
    actor: Actor,
    command: Extract<Command, { type: "send" }>,
    files: FilesToSend,
  ): Promise<Result<Answer>> {
    return sendWithFiles(this, this.env, actor, command, files);
  }

  /** The same with files that were uploaded under these keys; resolves to `unavailable` where it fails. */
  sendUploaded(
    actor: Actor,
    command: Extract<Command, { type: "send" }>,
    keys: readonly string[],
  ): Promise<Result<Answer>> {
    return this.sendWithFiles(actor, command, {
      files: keys.map((key) => ({ key })),
      claim: crypto.randomUUID(),
    }).catch((error) => {
      log("files_failed", { conversationId: this.memory.conversation.id, error });
      return fail("unavailable");
    });
  }

  /** The same of a socket, which is sent the answer. */
  submitFiles(
    actor: Actor,
    command: Extract<Command, { type: "send" }>,
    keys: readonly string[],
    { session, id }: { session: Session; id: FrameId },
  ): void {
    const conversationId = this.memory.conversation.id;
    void this.sendUploaded(actor, command, keys).then((result) =>
      this.sessions.send(session, JSON.stringify(ackOf(conversationId, result, id))),
    );
  }

  /** What a send came to that was made before under the same key. */
  sentBefore(actor: Actor, command: Command): Result<Answer> | undefined {
    if (command.type !== "send") return undefined;
    return sentBefore(this.committer.state(), actor, command);
  }

  /** Why somebody who may send may not do so right now; what slow mode refuses is not known before. */
  restrictionOf(actor: Actor): Failure | undefined {
    const error = restriction(actor, "send", factsFor(this, actor.userId));
    return error && { ok: false, error };
  }

  /** Why a command would be refused right now; `undefined`: it would not. */
  refusalOf(actor: Actor, command: Command): Failure | undefined {
    const decided = this.decided({ actor, command });
    return decided.ok ? undefined : decided;
  }

  private decided(request: CommandRequest): Result<Decision> {
    const state = this.committer.state();
    return decide(state, request, Math.max(this.clock(), state.counters.lastCreatedAt));
  }

  private hookBefore(windows: RateWindows): BeforeSendQueue {
    const { settings, memory, clock, committer } = this;
    const calls = new BeforeSendCalls();
    return new BeforeSendQueue({
      ...{ committer, fails: settings.MODERATION_FAILS, timeoutMs: settings.MODERATION_TIMEOUT_MS },
      ask: (question) => calls.ask(question),
      conversation: () => memory.conversation,
      decide: (request) => this.decided(request),
      onRejected: ({ actor: { userId }, command }) => {
        const now = clock();
        const window = command.type === "send" ? windows.sends : windows.changes;
        window.add(new Map([[userId, [now]]]), now);
      },
      onFailure: (reason) =>
        log("moderation_failed", { conversationId: memory.conversation.id, reason }),
    });
  }

  /** Where links of a reader begin who connected to `origin`. */
  addressOf(origin: string): string {
    return this.settings.PUBLIC_URL ?? origin;
  }

  /** The conversation as a reader sees it who connected to `origin`. */
  viewFor(userId: string, origin: string): View {
    const { sql, recent, memory, epoch } = this;
    const hides = this.hidesOf(userId);
    const isHiding = effectOfBlocks(memory.conversation.kind) === "hide";
    const changedAt = isHiding ? memory.blocks.changedAt(userId) : 0;
    const hidesSince = Math.max(this.beganAt, changedAt);
    const lifted = isHiding ? memory.blocks.liftedBy(userId) : [];
    const write = this.texts.writer(NATIVE_FORM, this.addressOf(origin), hides);
    const linkTo = this.linkTo(origin);
    const isHidden = (userId: string) => this.requests.has(userId);
    return {
      ...{ sql, recent, memory, epoch, hides, lifted, hidesSince },
      isHidden,
      linkTo,
      write,
    };
  }

  /** Whom a reader hides. */
  hidesOf(userId: string): Hides {
    const { conversation, blocks } = this.memory;
    return effectOfBlocks(conversation.kind) === "hide" ? blocks.heldBy(userId) : NOBODY_HIDDEN;
  }

  /** Whether messages count as read by a reader because of a block, which may have been lifted. */
  isHiding(userId: string): boolean {
    const { conversation, blocks } = this.memory;
    return effectOfBlocks(conversation.kind) === "hide" && blocks.of(userId).length > 0;
  }

  private isHere(userId: string): boolean {
    return this.sessions.ofUser(userId).size > 0 || this.subscribers.has(userId);
  }

  /** An inbox has said whether a user may be shown as connected. */
  private presenceKnown(userId: string, visible: boolean | undefined, heldMs: number): void {
    if (visible !== undefined) {
      this.sessions.setVisible(userId, visible);
      this.subscribers.setVisible(userId, visible);
    }
    this.sessions.presenceChanged(userId, heldMs);
  }

  /** Whether a person may see that another one is connected to something else: as for presence of users. */
  private mayFollow(userId: string, reader: string): boolean {
    if (this.requests.has(userId) || this.requests.has(reader)) return false;
    const { blocks } = this.memory;
    const isBlocked =
      !blocks.areNone && (blocks.heldBy(reader).has(userId) || blocks.heldBy(userId).has(reader));
    return !isBlocked && this.presences.isFollower(reader);
  }

  /** Whether a person may see that another one is connected here, and types. */
  private isVisible(userId: string, reader: string): boolean {
    if (this.requests.has(userId) && reader !== userId) return false;
    const { conversation, blocks } = this.memory;
    if (blocks.areNone) return true;
    if (blocks.heldBy(reader).has(userId)) return false;
    return effectOfBlocks(conversation.kind) !== "refuse" || !blocks.heldBy(userId).has(reader);
  }

  /** Links to files, at the public address or, in development, at the one that a reader connected to. */
  private linkTo(origin: string): LinkTo {
    const links = new Links(this.settings.FILES_SECRET, this.addressOf(origin));
    return (attachment) => links.linkTo(attachment, this.clock());
  }

  /** D1 has people as members from now on: takes what it knows of them that concerns the conversation. */
  private async entered(env: Env, userIds: readonly string[]): Promise<void> {
    await Promise.all([
      this.lookUpBlocks(env, userIds),
      lookUpHolds(
        {
          ...{ sql: this.sql, directory: directoryOf(env.DB) },
          submit: (command) => void this.submitAll(RETAINING, [command]),
        },
        userIds,
      ),
    ]);
  }

  /** Takes what D1 knows of blocks between people who have entered and the others. */
  private async lookUpBlocks(env: Env, userIds: readonly string[]): Promise<void> {
    const { id, kind } = this.memory.conversation;
    if (effectOfBlocks(kind) === "none") return;
    const blocks = await blocksAmong(directoryOf(env.DB), id, userIds);
    // Not waited for: the commit waits for nothing, and the projection not for itself.
    if (blocks.length > 0) void this.submitAll(BLOCKING, [{ type: "blocks", blocks }]);
  }

  private noEvents(): EventLines {
    return new EventLines((origin) => this.linkTo(origin), this.settings.PUBLIC_URL);
  }

  private committed(commit: Commit): void {
    const accepted = this.requests.follow(commit.changes);
    // Whoever is shown everything anew is shown what this commit has changed as well.
    const isShownAnew = commit.changes.some(({ type }) => type === "block");
    if (isShownAnew) this.recent.follow(commit.changes);
    this.outbound.committed(commit);
    this.figures?.committed(commit);
    const isUpdated = commit.changes.some(
      (change) => change.type === "conversation" && !change.isPurged,
    );
    // Something may have been unpinned, or the days be others.
    if (isUpdated && this.retention.isConfigured) this.retention.check();
    for (const userId of accepted) this.sessions.revealed(userId);
    const members = commit.changes.flatMap((change) =>
      change.type === "member" ? change.member : [],
    );
    if (members.length > 0) {
      const departed = members.filter(({ leftAt }) => leftAt !== null);
      this.presences.membersChanged(departed.map(({ userId }) => userId));
    }
    if (!isShownAnew) this.recent.follow(commit.changes);
  }
}
