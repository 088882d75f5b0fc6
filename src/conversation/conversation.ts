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
import { isCreated, migrate } from "./log/schema.ts";
import { OpenConversation } from "./open.ts";
import { close, refusedUpgrade, type Seat, seat } from "./sessions.ts";
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
  fetch(request: Request): Promise<Response>;
}

export interface Info {
  conversation: ConversationFacts;
  /** The present members, at most 500. */
  members: Member[];
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

  /** A page of messages, for those who may read them. */
  history(actor: Actor, query: HistoryQuery): Result<HistoryPage> {
    const { open } = this;
    if (!open) return fail("conversation_not_found");
    const refused = refusal(actor, "read", { member: memberOf(open.sql, actor.userId) });
    if (refused) return { ok: false, error: refused };
    return ok(history(open.sql, open.memory.counters.lastNumber, query));
  }

  /** What the conversation is and who is in it (the first 500), for those who may read it. */
  info(actor: Actor): Result<Info> {
    const { open } = this;
    if (!open) return fail("conversation_not_found");
    const refused = refusal(actor, "read", { member: memberOf(open.sql, actor.userId) });
    if (refused) return { ok: false, error: refused };
    return ok({
      conversation: open.memory.conversation,
      members: presentMembers(open.sql, 500),
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
    this.open?.sessions.reap();
    await this.open?.projector.alarm();
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
  sessions.weed(sessions.ofUser(seat.userId));
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
  return text !== null && /^\d+$/.test(text) ? Number(text) : undefined;
}
