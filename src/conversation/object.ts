import { DurableObject } from "cloudflare:workers";
import type { Block } from "../domain/block.ts";
import type { Ban, Member, Pin } from "../domain/conversation.ts";
import { chatError, fail, ok, type Result } from "../domain/error.ts";
import type { Receipt } from "../domain/message.ts";
import type { NotifiableAnswer, NotifiableQuery } from "../domain/notification.ts";
import type { PageOf } from "../domain/page.ts";
import type { Actor } from "../domain/policy.ts";
import type { ConnectionPresence } from "../domain/presence.ts";
import type { ReportedMessage } from "../domain/report.ts";
import { type Env, settingsOf } from "../env.ts";
import type { ClientFrame } from "../live/frames.ts";
import type { InboxRow } from "../live/inbox-events.ts";
import { CLOSE } from "../live/version.ts";
import { errorEventOf } from "../live/wire.ts";
import { log } from "../logging.ts";
import type {
  ConversationFigures,
  ConversationStub,
  Info,
  Overview,
  Rebuilt,
  SubmitOptions,
  Submitted,
} from "./api.ts";
import { IDENTITY_HEADER } from "./api.ts";
import {
  type Created,
  type Creation,
  createConversation,
  isOfMembers,
  NOT_THEIRS,
  newEpoch,
} from "./commit/create.ts";
import type { Answer, Command } from "./decide/types.ts";
import { destroy, isHeldHere } from "./destroy.ts";
import { erase } from "./erase.ts";
import type { ErasureProgress, ErasureRequest } from "./erase-api.ts";
import { hold, retain } from "./hold.ts";
import { identitySchema } from "./identity.ts";
import { OpenConversation } from "./open.ts";
import { connect } from "./outbound/sockets/connect.ts";
import { handleFrame } from "./outbound/sockets/frames.ts";
import { close, refusedUpgrade } from "./outbound/sockets/socket.ts";
import { eventsSince } from "./outbound/subscribers/events-since.ts";
import type { Batch, PresentGateway, Subscribed } from "./outbound/subscribers/gateway-api.ts";
import type { FrameAnswer, Opened, Opening } from "./outbound/subscribers/inbox-room-api.ts";
import { answerFrames, openRoom } from "./outbound/subscribers/inbox-rooms.ts";
import { subscribe } from "./outbound/subscribers/subscribe.ts";
import { answered } from "./queries/access.ts";
import type { ExportPage, ExportPart } from "./queries/export-api.ts";
import { exported } from "./queries/exported.ts";
import { figuresOf } from "./queries/figures.ts";
import type { FormOfPage, HistoryPage, HistoryText, PageQuery } from "./queries/history.ts";
import { type MessageForm, NATIVE_FORM } from "./queries/message-texts.ts";
import { notifiable } from "./queries/notifiable.ts";
import { overview } from "./queries/overview.ts";
import {
  bansOf,
  historyOf,
  historyTextOf,
  infoOf,
  membersOf,
  receiptsOf,
} from "./queries/questions.ts";
import { reportedMessages } from "./queries/reported.ts";
import { search } from "./queries/search.ts";
import type { SearchAnswer, SearchQuestion } from "./queries/search-api.ts";
import { rebuild, rebuildTombstone } from "./rebuild.ts";
import { restore, restoreNothing } from "./restore.ts";
import type { RestoreAnswer, RestoreStep } from "./restore-api.ts";
import { RESTORING } from "./restoring.ts";
import { answerPreviousNames, PREVIOUS_CONVERSATION_METHODS } from "./rpc-versions.ts";
import { restartAnew } from "./start-over.ts";
import {
  applyBlocks,
  LISTS_TIMEOUT_MS,
  precheck,
  submit,
  submitAll,
  submitWithFiles,
} from "./submit.ts";
import { isClosing } from "./tables/epochs.ts";
import { type FileReference, type FileState, fileState, voidUnlessUsed } from "./tables/files.ts";
import { membersAfter } from "./tables/members.ts";
import { isCreated, migrate } from "./tables/schema.ts";
import { type Destroyed, tombstoneIn } from "./tables/tombstone.ts";

/** The methods of {@link ConversationStub}; what needs no waiting is answered at once. */
type Rpc = {
  [Name in Exclude<keyof ConversationStub, "fetch">]: (
    ...parameters: Parameters<ConversationStub[Name]>
  ) => ReturnType<ConversationStub[Name]> | Awaited<ReturnType<ConversationStub[Name]>>;
};

/**
 * The Durable Object of one conversation: its RPC methods, its sockets and its alarm. It holds no rules.
 * `api.ts` documents the methods.
 */
export class Conversation extends DurableObject<Env> implements Rpc {
  /** The forms in which pages are written. */
  protected readonly forms: readonly MessageForm[] = [];
  /** `undefined` until the conversation is created. */
  private loaded: OpenConversation | undefined;
  /** The deletion that is under way. */
  private destroying: Promise<never> | undefined;
  /** A restore has closed the conversation until it is carried out. */
  private isFenced = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
    if (!isCreated(ctx.storage.sql)) return;
    ctx.storage.transactionSync(() => migrate(ctx.storage.sql));
    this.loaded = this.opened();
    this.isFenced = isClosing(this.loaded.fence, Date.now());
  }

  async create(creation: Creation): Promise<Created> {
    if (this.destroying || (!this.open && tombstoneIn(this.ctx.storage.sql))) return NOT_THEIRS;
    const created = this.open === undefined;
    const open = this.open ?? this.created(creation);
    if (created) {
      open.outbound.check();
      open.inboxes.created();
    }
    if (!created && !isOfMembers(open.sql, creation)) return NOT_THEIRS;
    const { projector, memory } = open;
    return { created, listed: await projector.reached(memory.counters.rev, LISTS_TIMEOUT_MS) };
  }

  submit(actor: Actor, command: Command, options: SubmitOptions): Promise<Submitted> {
    return submit(this.open, actor, command, options);
  }

  sendWithFiles(
    ...[actor, command, files, options]: Parameters<ConversationStub["sendWithFiles"]>
  ): Promise<Submitted> {
    return submitWithFiles(this.open, actor, command, files, options);
  }

  submitAll(
    actor: Actor,
    commands: readonly Command[],
    options: SubmitOptions,
  ): Promise<Submitted[]> {
    return submitAll(this.open, actor, commands, options);
  }

  precheck(actor: Actor, command: Command): Result<Result<Answer> | undefined> {
    return precheck(this.open, actor, command);
  }

  async erase(request: ErasureRequest): Promise<ErasureProgress | undefined> {
    return this.open && erase(this.open, this.ctx, request);
  }

  async restore(request: RestoreStep): Promise<Result<RestoreAnswer>> {
    const { ctx, loaded: open } = this;
    if (!open) return restoreNothing(ctx, request);
    const setFenced = (isFenced: boolean) => {
      this.isFenced = isFenced;
    };
    return restore({ ctx, open, setFenced }, request);
  }

  async destroy(): Promise<Destroyed | undefined> {
    const { open, destroying } = this;
    if (destroying) return destroying;
    if (!open) return tombstoneIn(this.ctx.storage.sql);
    open.settle();
    if (isHeldHere(open.sql)) return "held";
    // From now on there is none, on every door.
    this.loaded = undefined;
    this.destroying = destroy(this.ctx, this.env, open).finally(() => {
      this.destroying = undefined;
      this.loaded = open;
    });
    return this.destroying;
  }

  async rebuild(from: "start" | "here"): Promise<Rebuilt | undefined> {
    if (this.open) return rebuild(this.open, this.env.DB, from);
    const tombstone = tombstoneIn(this.ctx.storage.sql);
    return tombstone && rebuildTombstone(tombstone, this.env.DB, Date.now());
  }

  voidClaim(claim: string): boolean {
    return this.open ? voidUnlessUsed(this.open.sql, claim) : true;
  }

  exported(part: ExportPart, after: string | undefined): Result<ExportPage> {
    return exported(this.open, part, after);
  }

  fileState(file: FileReference, reader: Actor | null): Result<FileState> {
    if (!this.open) return fail("conversation_not_found");
    if (!reader) return ok(fileState(this.open.sql, file));
    return answered(this.open, reader, "read", ({ sql }) => ok(fileState(sql, file)));
  }

  history(actor: Actor, query: PageQuery, as?: FormOfPage): Result<HistoryPage | HistoryText> {
    const form = this.forms.find(({ name }) => name === as?.form);
    return answered<HistoryPage | HistoryText>(this.open, actor, "read", (open) =>
      form && as
        ? historyTextOf(open, actor, query, form, as.origin)
        : historyOf(open, actor, query),
    );
  }

  async search(
    actor: Actor,
    question: SearchQuestion,
    as: FormOfPage,
  ): Promise<Result<SearchAnswer>> {
    const admitted = answered(this.open, actor, "read", (open) => ok(open));
    if (!admitted.ok) return admitted;
    const form = this.forms.find(({ name }) => name === as.form) ?? NATIVE_FORM;
    const { memory } = admitted.value;
    const options = { form, origin: as.origin, admittedAt: memory.counters.rev };
    return search(admitted.value, actor, question, options);
  }

  info(actor: Actor): Result<Info> {
    return answered(this.open, actor, "see", (open) => ok(infoOf(open, actor)));
  }

  overview(actor: Actor): Result<Overview> {
    return answered(this.open, actor, "read", (open) => ok(overview(open, actor)));
  }

  members(actor: Actor, page: PageOf): Result<Member[]> {
    return answered(this.open, actor, "read", (open) => ok(membersOf(open, page)));
  }

  figures(actor: Actor): Result<ConversationFigures> {
    return answered(this.open, actor, "read", (open) => ok(figuresOf(open)));
  }

  everyMember(actor: Actor, after: string, limit: number): Result<Member[]> {
    return answered(this.open, actor, "read", ({ sql }) => ok(membersAfter(sql, after, limit)));
  }

  bans(actor: Actor, page: PageOf): Result<Ban[]> {
    return answered(this.open, actor, "restrain", (open) => ok(bansOf(open, page)));
  }

  pins(actor: Actor): Result<Pin[]> {
    return answered(this.open, actor, "read", ({ memory }) => {
      return ok([...(memory.conversation.pins ?? [])]);
    });
  }

  receipts(actor: Actor, number: number, page: PageOf): Result<Receipt[]> {
    return answered(this.open, actor, "read", (open) => receiptsOf(open, actor, number, page));
  }

  reportedMessages(actor: Actor, number: number): Result<ReportedMessage[]> {
    this.open?.settle();
    return answered(this.open, actor, "read", (open) => reportedMessages(open, actor, number));
  }

  async subscribe(actor: Actor, gateway: PresentGateway): Promise<Result<Subscribed>> {
    const admitted = answered(this.open, actor, "read", (open) => ok(open));
    return admitted.ok ? subscribe(admitted.value, actor, gateway) : admitted;
  }

  unsubscribe(gateway: string): void {
    this.loaded?.subscribers.remove(gateway);
  }

  async openRoom(actor: Actor, inbox: PresentGateway, opening: Opening): Promise<Result<Opened>> {
    return this.open ? openRoom(this.open, actor, inbox, opening) : fail("conversation_not_found");
  }

  async answerFrames(
    actor: Actor,
    inbox: PresentGateway,
    frames: readonly ClientFrame[],
  ): Promise<FrameAnswer[]> {
    if (!this.open) throw new Error("frames for a conversation that does not exist");
    return answerFrames(this.open, actor, inbox, frames);
  }

  rearm(userId: string): InboxRow | undefined {
    // An inbox that hears of none does not ask again, and it may be there again.
    if (this.destroying) throw new Error("the conversation is being deleted");
    return this.open?.inboxes.rearm(userId);
  }

  notifiable(query: NotifiableQuery): NotifiableAnswer | undefined {
    this.open?.settle();
    return this.open && notifiable(this.open, query);
  }

  async applyBlocks(blocks: readonly Block[]): Promise<void> {
    if (this.open) await applyBlocks(this.open, blocks);
  }

  async hold(subject: string, standing: boolean): Promise<boolean> {
    // Should the deletion end before it has deleted anything, the hold has to stand.
    await this.destroying?.catch(() => undefined);
    return this.open !== undefined && hold(this.open, subject, standing);
  }

  async retain(days: number | null): Promise<boolean> {
    return this.open !== undefined && retain(this.open, days);
  }

  checkRetention(): void {
    this.open?.retention.check();
  }

  isConnected(userId: string): boolean {
    const { open } = this;
    if (!open) return false;
    open.sessions.evictStale(open.sessions.ofUser(userId));
    return open.sessions.ofUser(userId).size > 0;
  }

  presenceOf(userId: string, presence: ConnectionPresence): boolean {
    return this.open?.presences.changed(userId, presence) ?? false;
  }

  evict(userId: string): void {
    this.open?.evict(userId);
  }

  typing(actor: Actor, active: boolean): Result<null> {
    return answered(this.open, actor, "type", (open) => {
      open.sessions.broadcastTyping(actor.userId, active);
      return ok(null);
    });
  }

  eventsSince(actor: Actor, since: number, known: number, origin = ""): Result<Batch> {
    return answered(this.open, actor, "read", (open) =>
      ok(eventsSince(open.viewFor(actor.userId, origin), since, known, open.beganAt)),
    );
  }

  /** Accepts the socket of a person whom the Worker has verified: the only request there is. */
  override fetch(request: Request): Response {
    const parsed = identitySchema.safeParse(
      JSON.parse(decodeURIComponent(request.headers.get(IDENTITY_HEADER) ?? "null")),
    );
    if (!parsed.success) throw new Error("an upgrade without an identity");
    if (this.isFenced) return refusedUpgrade(CLOSE.goingAway, RESTORING);
    const { open } = this;
    if (!open) return refusedUpgrade(CLOSE.notFound, "no such conversation");
    return connect(open, parsed.data, new URL(request.url).searchParams);
  }

  override webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): void {
    const { loaded } = this;
    const session = loaded?.sessions.of(socket);
    if (!loaded || !session || this.isFenced) return;
    try {
      handleFrame(loaded, session, data);
    } catch (error) {
      log("frame_failed", { error });
      loaded.sessions.send(session, JSON.stringify(errorEventOf(chatError("internal"), undefined)));
    }
  }

  override webSocketClose(socket: WebSocket, code: number): void {
    this.loaded?.closed(socket);
    // 1005 and 1006 say that there was no code; they cannot be sent.
    close(socket, code === 1005 || code === 1006 ? 1000 : code, "");
  }

  override webSocketError(socket: WebSocket): void {
    this.webSocketClose(socket, 1006);
  }

  override async alarm(): Promise<void> {
    await this.loaded?.alarms.fired();
  }

  /** The conversation, unless it is closed by a restore: then every call fails, to be made again. */
  private get open(): OpenConversation | undefined {
    if (this.isFenced) throw new Error(RESTORING);
    return this.loaded;
  }

  private created(creation: Creation): OpenConversation {
    const id = this.ctx.id.name;
    if (id === undefined) throw new Error("conversations are addressed by name");
    const now = Date.now();
    const epoch = newEpoch(now, crypto.getRandomValues(new Uint8Array(5)));
    createConversation(this.ctx.storage, id, epoch, creation, now);
    this.loaded = this.opened();
    return this.loaded;
  }

  private opened(): OpenConversation {
    const settings = settingsOf(this.env);
    if (settings instanceof Error) throw settings;
    const { ctx, env } = this;
    return new OpenConversation(
      ...([ctx, env, settings, () => Date.now()] as const),
      // Somebody else has taken the storage back to an earlier time.
      (given) => {
        const request = { by: `${given.epoch} ${given.rev}`, restored: given };
        void restartAnew(ctx, request, Date.now()).catch(() => undefined);
      },
    );
  }
}

answerPreviousNames(Conversation, PREVIOUS_CONVERSATION_METHODS);
