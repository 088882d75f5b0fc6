import { DurableObject } from "cloudflare:workers";
import { directoryOf } from "../directory/directory.ts";
import type { Member } from "../domain/conversation.ts";
import { chatError, fail, ok, type Result } from "../domain/error.ts";
import type { Receipt } from "../domain/message.ts";
import { offsetOf, type PageOf } from "../domain/page.ts";
import { type Actor, isStaff, refusal } from "../domain/policy.ts";
import { type Env, settingsOf } from "../env.ts";
import { CLOSE } from "../live/version.ts";
import { errorEventOf } from "../live/wire.ts";
import { log } from "../logging.ts";
import type { ConversationStub, Info, Overview, Rebuilt, SubmitOptions, Submitted } from "./api.ts";
import { IDENTITY_HEADER } from "./api.ts";
import { type Creation, createConversation, newEpoch } from "./commit/create.ts";
import type { Answer, Command } from "./decide/types.ts";
import { identitySchema } from "./identity.ts";
import { OpenConversation } from "./open.ts";
import { addMembers } from "./outbound/projection/people.ts";
import { connect } from "./outbound/sockets/connect.ts";
import { handleFrame } from "./outbound/sockets/frames.ts";
import { close, refusedUpgrade } from "./outbound/sockets/socket.ts";
import { eventsSince } from "./outbound/subscribers/events-since.ts";
import type { Batch, GatewayAddress, Subscribed } from "./outbound/subscribers/gateway-api.ts";
import { subscribe } from "./outbound/subscribers/subscribe.ts";
import { type HistoryPage, type HistoryQuery, history } from "./queries/history.ts";
import { overview } from "./queries/overview.ts";
import { answerPreviousNames, PREVIOUS_CONVERSATION_METHODS } from "./rpc-versions.ts";
import { type FileReference, type FileState, fileState, voidUnlessUsed } from "./tables/files.ts";
import { memberOf, presentMembers } from "./tables/members.ts";
import { messageAt } from "./tables/messages.ts";
import { READERS_MAX, readersOf } from "./tables/receipts.ts";
import { isCreated, migrate } from "./tables/schema.ts";

/** How long a REST write waits at most until the lists show it. */
const LISTS_TIMEOUT_MS = 250;
/** How long a call that rebuilds waits at most; what is left then goes on without it. */
const REBUILD_TIMEOUT_MS = 20_000;

const NOT_FOUND: Submitted = {
  result: fail("conversation_not_found"),
  listed: false,
  readers: [],
};

/** The same functions as the stub's; answers that need no waiting are given at once. */
type Rpc = {
  [Name in Exclude<keyof ConversationStub, "fetch">]: (
    ...parameters: Parameters<ConversationStub[Name]>
  ) => ReturnType<ConversationStub[Name]> | Awaited<ReturnType<ConversationStub[Name]>>;
};

/**
 * One conversation: the shell around its log. It holds no rules: it opens what is stored, hands
 * commands to the committer and frames to `frames.ts`, and answers questions from the log.
 */
export class Conversation extends DurableObject<Env> implements Rpc {
  private open: OpenConversation | undefined;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
    if (!isCreated(ctx.storage.sql)) return;
    ctx.storage.transactionSync(() => migrate(ctx.storage.sql));
    this.open = this.opened();
  }

  /** Creates the conversation unless it exists, and resolves once the lists show it or have failed to. */
  async create(creation: Creation): Promise<{ created: boolean; listed: boolean }> {
    const created = this.open === undefined;
    if (!this.open) {
      const id = this.ctx.id.name;
      if (id === undefined) throw new Error("conversations are addressed by name");
      const now = Date.now();
      const epoch = newEpoch(now, crypto.getRandomValues(new Uint8Array(5)));
      createConversation(this.ctx.storage, id, epoch, creation, now);
      this.open = this.opened();
      this.open.projector.committed([]);
    }
    const { projector, memory } = this.open;
    return { created, listed: await projector.reached(memory.counters.rev, LISTS_TIMEOUT_MS) };
  }

  /**
   * Carries out a command, and resolves once it is durable and, with `wait`, once the lists show it or
   * have failed to within 250 ms.
   */
  async submit(actor: Actor, command: Command, options: SubmitOptions): Promise<Submitted> {
    const { open } = this;
    if (!open) return NOT_FOUND;
    const result = await new Promise<Result<Answer>>((resolve) => {
      open.submit(actor, command, { to: "caller", resolve });
    });
    return this.submitted(open, actor, command, result, options);
  }

  /** Sends a message with files, which it reserves first and releases when the message is refused. */
  async sendWithFiles(
    ...[actor, command, files, options]: Parameters<ConversationStub["sendWithFiles"]>
  ): Promise<Submitted> {
    const admitted = this.answer(actor, "send", (open) => ok(open));
    if (!admitted.ok) return { ...NOT_FOUND, result: admitted };
    const result = await admitted.value.sendWithFiles(actor, command, files);
    return this.submitted(admitted.value, actor, command, result, options);
  }

  /** The same with several commands of one person, at most 128, in order and in one commit. */
  async submitAll(
    actor: Actor,
    commands: readonly Command[],
    options: SubmitOptions,
  ): Promise<Submitted[]> {
    const { open } = this;
    if (!open) return commands.map(() => NOT_FOUND);
    const results = await open.submitAll(actor, commands);
    return Promise.all(
      commands.map((command, i) =>
        this.submitted(open, actor, command, results[i] ?? fail("internal"), options),
      ),
    );
  }

  /**
   * Looks at a command before it is carried out. Of a send, before its files are stored or claimed:
   * refuses somebody who may not send here, and finds what the same send came to before. Any other is
   * refused as it would be right now. `undefined`: nothing is in its way.
   */
  precheck(actor: Actor, command: Command): Result<Result<Answer> | undefined> {
    if (command.type !== "send") {
      return this.open
        ? (this.open.refusalOf(actor, command) ?? ok(undefined))
        : fail("conversation_not_found");
    }
    return this.answer(actor, "send", (open) => ok(open.sentBefore(actor, command)));
  }

  async rebuild(from: "start" | "here"): Promise<Rebuilt | undefined> {
    if (!this.open) return undefined;
    const { memory, projector, sql } = this.open;
    if (from === "start") {
      await addMembers(directoryOf(this.env.DB), sql);
      projector.restart();
    }
    await projector.reached(memory.counters.rev, REBUILD_TIMEOUT_MS);
    const { rev, projectedRev } = memory.counters;
    return { conversationId: memory.conversation.id, rev, projectedRev };
  }

  voidClaim(claim: string): boolean {
    return this.open ? voidUnlessUsed(this.open.sql, claim) : true;
  }

  /** What became of a file, as the log knows it; for anybody with a link, or for a reader. */
  fileState(file: FileReference, reader: Actor | null): Result<FileState> {
    if (!this.open) return fail("conversation_not_found");
    if (!reader) return ok(fileState(this.open.sql, file));
    return this.answer(reader, "read", ({ sql }) => ok(fileState(sql, file)));
  }

  /** A page of messages. */
  history(actor: Actor, query: HistoryQuery): Result<HistoryPage> {
    return this.answer(actor, "read", ({ sql, memory, recent }) => {
      const { lastNumber } = memory.counters;
      const before = query.by === "page" ? query.before : undefined;
      if (before && "number" in before && before.number > lastNumber) {
        return fail("message_not_found");
      }
      return ok(history(sql, recent, lastNumber, query));
    });
  }

  /** What the conversation is. */
  info(actor: Actor): Result<Info> {
    return this.answer(actor, "see", ({ sql, memory }) => {
      const member = memberOf(sql, actor.userId);
      return ok({
        conversation: memory.conversation,
        memberCount: memory.counters.memberCount,
        you: member?.leftAt === null ? member : undefined,
      });
    });
  }

  /** What the conversation is, who is in it, and how far each of them has read. */
  overview(actor: Actor): Result<Overview> {
    return this.answer(actor, "read", (open) => ok(overview(open)));
  }

  /** A page of the present members, in order of their ids. */
  members(actor: Actor, page: PageOf): Result<Member[]> {
    return this.answer(actor, "read", ({ sql }) =>
      ok(presentMembers(sql, page.pageSize, offsetOf(page))),
    );
  }

  /** Who has read a message and when, those who did first before the others; never its author. */
  receipts(actor: Actor, number: number, page: PageOf): Result<Receipt[]> {
    return this.answer(actor, "read", ({ sql }) => {
      const message = messageAt(sql, number);
      if (!message) return fail("message_not_found");
      return ok(readersOf(sql, message, page.pageSize, offsetOf(page)));
    });
  }

  async subscribe(actor: Actor, gateway: GatewayAddress): Promise<Result<Subscribed>> {
    const admitted = this.answer(actor, "read", (open) => ok(open));
    return admitted.ok ? subscribe(admitted.value, actor, gateway) : admitted;
  }

  unsubscribe(gateway: string): void {
    this.open?.subscribers.remove(gateway);
  }

  typing(actor: Actor, active: boolean): Result<null> {
    return this.answer(actor, "send", ({ sessions }) => {
      sessions.broadcastTyping(actor.userId, active);
      return ok(null);
    });
  }

  eventsSince(actor: Actor, since: number, known: number, origin = ""): Result<Batch> {
    return this.answer(actor, "read", (open) =>
      ok(eventsSince(open.viewFor(origin), since, known)),
    );
  }

  /** Takes a verified person's socket in: the Worker's upgrade, and the only request there is. */
  override fetch(request: Request): Response {
    const parsed = identitySchema.safeParse(
      JSON.parse(decodeURIComponent(request.headers.get(IDENTITY_HEADER) ?? "null")),
    );
    if (!parsed.success) throw new Error("an upgrade without a seat");
    const { open } = this;
    if (!open) return refusedUpgrade(CLOSE.notFound, "no such conversation");
    return connect(open, parsed.data, new URL(request.url).searchParams);
  }

  override webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): void {
    const session = this.open?.sessions.of(socket);
    if (!this.open || !session) return;
    try {
      handleFrame(this.open, session, data);
    } catch (error) {
      log("frame_failed", { error });
      this.open.sessions.send(
        session,
        JSON.stringify(errorEventOf(chatError("internal"), undefined)),
      );
    }
  }

  override webSocketClose(socket: WebSocket, code: number): void {
    const session = this.open?.sessions.of(socket);
    if (session) this.open?.sessions.leave(session);
    // 1005 and 1006 say that there was no code; they cannot be sent.
    close(socket, code === 1005 || code === 1006 ? 1000 : code, "");
  }

  override webSocketError(socket: WebSocket): void {
    this.webSocketClose(socket, 1006);
  }

  override async alarm(): Promise<void> {
    const { open } = this;
    if (!open) return;
    open.sessions.reap();
    const [remindInMs] = await Promise.all([
      open.subscribers.retryUndelivered(),
      open.projector.alarm(),
    ]);
    if (remindInMs !== undefined) open.projector.wakeWithin(remindInMs);
  }

  /** What the caller of a command learns, with what was asked for beside it. */
  private async submitted(
    open: OpenConversation,
    actor: Actor,
    command: Command,
    result: Result<Answer>,
    options: SubmitOptions,
  ): Promise<Submitted> {
    const listed =
      options.wait &&
      result.ok &&
      (await open.projector.reached(result.value.rev, LISTS_TIMEOUT_MS));
    if (result.ok) this.noteStaff(open, actor, command.type);
    // A message that was sent just now has no readers: nothing is looked for.
    const isNew = command.type === "send" && result.ok && !result.value.deduplicated;
    const message = result.ok && options.readers && !isNew ? result.value.message : undefined;
    const readers = message ? readersOf(open.sql, message, READERS_MAX) : [];
    return { result, listed, readers };
  }

  /** Answers a question from the log, for those who may ask it. */
  private answer<T>(
    actor: Actor,
    action: "see" | "read" | "send",
    from: (open: OpenConversation) => Result<T>,
  ): Result<T> {
    const { open } = this;
    if (!open) return fail("conversation_not_found");
    const refused = refusal(actor, action, {
      kind: open.memory.conversation.kind,
      member: memberOf(open.sql, actor.userId),
      isPublic: open.memory.conversation.visibility === "public",
    });
    if (refused) return { ok: false, error: refused };
    this.noteStaff(open, actor, action);
    return from(open);
  }

  /** Logs that somebody was let in by their role: who, what, and why. */
  private noteStaff(open: OpenConversation, actor: Actor, action: string): void {
    if (!isStaff(actor) || memberOf(open.sql, actor.userId)?.leftAt === null) return;
    log("staff_access", {
      conversationId: open.memory.conversation.id,
      userId: actor.userId,
      action,
      allowedBy: `role ${actor.role}`,
    });
  }

  private opened(): OpenConversation {
    const settings = settingsOf(this.env);
    if (settings instanceof Error) throw settings;
    return new OpenConversation(this.ctx, this.env, settings, () => Date.now());
  }
}

answerPreviousNames(Conversation, PREVIOUS_CONVERSATION_METHODS);
