import { DurableObject } from "cloudflare:workers";
import type { Conversation as ConversationFacts, Member } from "../domain/conversation.ts";
import { chatError, fail, ok, type Result } from "../domain/error.ts";
import { type Actor, refusal } from "../domain/policy.ts";
import { type Env, settingsOf } from "../env.ts";
import { CLOSE, MAX_SOCKETS_PER_USER } from "../live/version.ts";
import { errorEventOf } from "../live/wire.ts";
import { log } from "../logging.ts";
import type { Answer, Command } from "./commands.ts";
import { type Creation, createConversation, newEpoch } from "./create.ts";
import { handleFrame } from "./frames.ts";
import { type HistoryPage, type HistoryQuery, history } from "./history.ts";
import { memberOf, presentMembers } from "./log/members.ts";
import { messageAt } from "./log/messages.ts";
import { readersOf } from "./log/reads.ts";
import { isCreated, migrate } from "./log/schema.ts";
import { OpenConversation } from "./open.ts";
import { refusedUpgrade, type Seat, seat } from "./sessions.ts";
import { helloFor, syncFor, unreadOf } from "./sync.ts";

/** The header in which the Worker tells the object whom it has verified. Never taken from a client. */
export const SEAT_HEADER = "X-Parley-Seat";

/** How long a REST write waits at most until the lists show it. */
const LISTS_TIMEOUT_MS = 250;

export interface Submitted {
  result: Result<Answer>;
  /** Whether D1 has it: `false` when that was not waited for, took too long, or D1 is unwell. */
  listed: boolean;
}

/**
 * What the Worker may ask of a conversation. Written out, because the platform's own type for stubs
 * gives up on JSON of any shape.
 */
export interface ConversationStub {
  create(creation: Creation): Promise<{ created: boolean; listed: boolean }>;
  submit(actor: Actor, command: Command, wait: boolean): Promise<Submitted>;
  history(actor: Actor, query: HistoryQuery): Promise<Result<HistoryPage>>;
  info(actor: Actor): Promise<Result<Info>>;
  members(actor: Actor, page: PageOf): Promise<Result<Member[]>>;
  receipts(actor: Actor, number: number, page: PageOf): Promise<Result<Receipt[]>>;
  fetch(request: Request): Promise<Response>;
}

export interface Info {
  conversation: ConversationFacts;
  memberCount: number;
  /** The caller's own membership, if they are in it. */
  you: Member | undefined;
}

/** A page of a list; the first is 1. */
export interface PageOf {
  page: number;
  pageSize: number;
}

export interface Receipt {
  userId: string;
  readAt: number;
}

/**
 * One conversation: the shell around its log. It holds no rules: it opens what is stored, hands
 * commands to the committer and frames to `frames.ts`, and answers questions from the log.
 */
export class Conversation extends DurableObject<Env> {
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
      this.open.projector.committed();
    }
    const { projector, memory } = this.open;
    return { created, listed: await projector.reached(memory.counters.rev, LISTS_TIMEOUT_MS) };
  }

  /**
   * Carries out a command, and resolves once it is durable and, with `wait`, once the lists show it or
   * have failed to within 250 ms.
   */
  async submit(actor: Actor, command: Command, wait: boolean): Promise<Submitted> {
    const { open } = this;
    if (!open) return { result: fail("conversation_not_found"), listed: false };
    const result = await new Promise<Result<Answer>>((resolve) => {
      open.submit(actor, command, { to: "caller", resolve });
    });
    const listed =
      wait && result.ok && (await open.projector.reached(result.value.rev, LISTS_TIMEOUT_MS));
    return { result, listed };
  }

  /** A page of messages. */
  history(actor: Actor, query: HistoryQuery): Result<HistoryPage> {
    return this.answer(actor, "read", (open) =>
      ok(history(open.sql, open.memory.counters.lastNumber, query)),
    );
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

  /** A page of the present members, in order of their ids. */
  members(actor: Actor, { page, pageSize }: PageOf): Result<Member[]> {
    return this.answer(actor, "read", ({ sql }) =>
      ok(presentMembers(sql, pageSize, (page - 1) * pageSize)),
    );
  }

  /** Who has read a message and when, those who did first before the others; never its author. */
  receipts(actor: Actor, number: number, { page, pageSize }: PageOf): Result<Receipt[]> {
    return this.answer(actor, "read", ({ sql }) => {
      const message = messageAt(sql, number);
      if (!message) return fail("message_not_found");
      return ok(readersOf(sql, number, message.senderId, pageSize, (page - 1) * pageSize));
    });
  }

  /** Takes a verified person's socket in: the Worker's upgrade, and the only request there is. */
  override fetch(request: Request): Response {
    const parsed = seat.safeParse(
      JSON.parse(decodeURIComponent(request.headers.get(SEAT_HEADER) ?? "null")),
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

  override webSocketClose(socket: WebSocket): void {
    const session = this.open?.sessions.of(socket);
    if (session) this.open?.sessions.leave(session);
  }

  override webSocketError(socket: WebSocket): void {
    this.webSocketClose(socket);
  }

  override async alarm(): Promise<void> {
    this.open?.sessions.reap();
    await this.open?.projector.alarm();
  }

  /** Answers a question from the log, for those who may ask it. */
  private answer<T>(
    actor: Actor,
    action: "see" | "read",
    from: (open: OpenConversation) => Result<T>,
  ): Result<T> {
    const { open } = this;
    if (!open) return fail("conversation_not_found");
    const refused = refusal(actor, action, {
      member: memberOf(open.sql, actor.userId),
      isPublic: open.memory.conversation.visibility === "public",
    });
    return refused ? { ok: false, error: refused } : from(open);
  }

  private opened(): OpenConversation {
    const settings = settingsOf(this.env);
    if (settings instanceof Error) throw settings;
    return new OpenConversation(this.ctx, this.env, settings, () => Date.now());
  }
}

function connect(open: OpenConversation, seat: Seat, query: URLSearchParams): Response {
  const { sql, memory, epoch, sessions } = open;
  const member = memberOf(sql, seat.userId);
  if (member?.leftAt !== null) return refusedUpgrade(CLOSE.notAMember, "not a member");
  if (sessions.ofUser(seat.userId).size >= MAX_SOCKETS_PER_USER) {
    const message = `At most ${MAX_SOCKETS_PER_USER} connections to a conversation; close one.`;
    const error = errorEventOf(chatError("rate_limited", { message }), undefined);
    return refusedUpgrade(CLOSE.abuse, "too many sockets", JSON.stringify(error));
  }
  const pair = new WebSocketPair();
  const session = sessions.accept(pair[1], seat);
  const cursor = { since: sinceOf(query.get("since")), epoch: query.get("epoch") ?? undefined };
  const you = { member, unread: unreadOf(sql, memory, member) };
  const hello = helloFor(memory, epoch, you, sessions.online(), sessions.size, open.limits);
  const page = syncFor(sql, memory, epoch, cursor, seat.userId);
  sessions.send(session, `${JSON.stringify(hello)}\n${page.frame}`);
  if (!page.more) sessions.goLive(session);
  return new Response(null, { status: 101, webSocket: pair[0] });
}

/** A revision from the query; what is none is taken as a first visit. */
function sinceOf(text: string | null): number | undefined {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
