import { chatError, type Failure, fail, ok, type Result } from "../domain/error.ts";
import { parseMessageId } from "../domain/id.ts";
import { type ClientFrame, type FrameId, parseFrame, tooLarge } from "../live/frames.ts";
import { CLOSE, MAX_BAD_FRAMES } from "../live/version.ts";
import { errorEventOf, wireMessage } from "../live/wire.ts";
import type { Command } from "./commands.ts";
import { type HistoryQuery, history } from "./history.ts";
import type { OpenConversation } from "./open.ts";
import { actorOf } from "./seat.ts";
import type { Session } from "./sessions.ts";
import { syncFor } from "./sync.ts";

type Frame<Op extends ClientFrame["op"]> = Extract<ClientFrame, { op: Op }>;

/** Messages that `history` answers with when it does not say how many. */
const HISTORY_LIMIT = 50;

/**
 * Handles what a socket sent: every object of the frame in order, each answered. Commands are queued
 * and answered after their commit; the rest is answered here.
 */
export function handleFrame(
  open: OpenConversation,
  session: Session,
  data: string | ArrayBuffer,
): void {
  const { sessions } = open;
  if (sessions.expired(session)) return;
  session.heardAt = open.clock();
  sessions.reap();
  if (typeof data !== "string") {
    refuseFrame(open, session, fail("invalid_frame", { message: "Frames are text." }));
    return;
  }
  if (tooLarge(data)) {
    refuseFrame(open, session, fail("frame_too_large"));
    return;
  }
  const lines = data.split("\n").filter((line) => line !== "");
  if (lines.length === 0) refuseFrame(open, session, fail("invalid_frame"));
  for (const line of lines) {
    if (!sessions.of(session.socket)) return;
    const parsed = parseFrame(line);
    if (!parsed.ok) {
      refuseFrame(open, session, parsed, parsed.id);
      continue;
    }
    session.badFrames = 0;
    if (!isPlainSend(parsed.value) && !sessions.spend(session)) {
      const error = chatError("rate_limited", { retryAfterMs: 1_000 });
      sessions.send(session, JSON.stringify(errorEventOf(error, parsed.id)));
      continue;
    }
    handle(open, session, parsed.value);
  }
}

/** A send without files has the conversation's own limit; files cost D1 before it is looked at. */
function isPlainSend(frame: ClientFrame): boolean {
  return frame.op === "send" && !frame.attachments?.length;
}

function handle(open: OpenConversation, session: Session, frame: ClientFrame): void {
  // Objects of a frame are in order: a question knows of the commands before it.
  if (frame.op === "sync" || frame.op === "history") open.settle();
  switch (frame.op) {
    case "typing":
      open.sessions.tellTyping(session.seat.userId, frame.active);
      break;
    case "sync":
      answerSync(open, session, frame);
      break;
    case "history":
      answerHistory(open, session, frame);
      break;
    default: {
      const command = commandOf(frame, open.limits.contentLength);
      if (!command.ok) {
        open.sessions.send(session, JSON.stringify(errorEventOf(command.error, frame.id)));
        return;
      }
      const actor = actorOf(session.seat);
      if (frame.op === "send" && frame.attachments?.length && command.value.type === "send") {
        open.submitFiles(actor, command.value, frame.attachments, { session, id: frame.id });
      } else {
        open.submit(actor, command.value, { to: "socket", session, id: frame.id });
      }
    }
  }
}

function commandOf(
  frame: Frame<"send" | "edit" | "delete" | "react" | "unreact" | "read">,
  maxLength: number,
): Result<Command> {
  switch (frame.op) {
    case "send": {
      const { content, clientMessageId } = frame;
      const replyTo = frame.replyTo ?? undefined;
      const metadata = frame.metadata ?? undefined;
      return ok({
        type: "send",
        kind: "text",
        content,
        clientMessageId,
        replyTo,
        metadata,
        maxLength,
        fingerprint: frame.attachments?.length ? frame.attachments.join() : undefined,
      });
    }
    case "edit":
      return ok({
        type: "edit",
        messageId: frame.messageId,
        content: frame.content,
        maxLength,
      });
    case "delete":
      return ok({ type: "delete", messageId: frame.messageId });
    case "react":
    case "unreact":
      return ok({ type: frame.op, messageId: frame.messageId, emoji: frame.emoji });
    case "read":
      return ok({ type: "read", messageIds: frame.messageIds, upTo: frame.upTo });
  }
}

/** The catching up and the going live are one turn: nothing is lost between them, nothing doubled. */
function answerSync(open: OpenConversation, session: Session, frame: Frame<"sync">): void {
  const { since, id } = frame;
  const cursor = { since, epoch: undefined };
  const { userId, origin } = session.seat;
  const page = syncFor(open.viewFor(origin), cursor, userId, id);
  open.sessions.send(session, page.frame);
  if (!page.more) open.sessions.goLive(session);
}

function answerHistory(open: OpenConversation, session: Session, frame: Frame<"history">): void {
  const query = historyQuery(open, frame);
  if (!query.ok) {
    open.sessions.send(session, JSON.stringify(errorEventOf(query.error, frame.id)));
    return;
  }
  const { conversation, counters } = open.memory;
  const page = history(open.sql, open.recent, counters.lastNumber, query.value);
  const linkTo = open.linkTo(session.seat.origin);
  const messages = page.messages.map((message) => wireMessage(conversation.id, message, linkTo));
  const first = messages[0]?.number ?? 1;
  const event = {
    type: "sync",
    messages,
    members: [],
    reads: [],
    conversation: null,
    // What lies beyond the page, in the direction that was asked for.
    more:
      query.value.by === "after"
        ? (messages.at(-1)?.number ?? counters.lastNumber) < counters.lastNumber
        : first > 1,
    ...(frame.id !== undefined && { id: frame.id }),
  };
  open.sessions.send(session, JSON.stringify(event));
}

function historyQuery(open: OpenConversation, frame: Frame<"history">): Result<HistoryQuery> {
  const limit = frame.limit ?? HISTORY_LIMIT;
  for (const by of ["before", "after", "around"] as const) {
    const id = frame[by];
    if (id === undefined) continue;
    const parsed = parseMessageId(id);
    const { conversation, counters } = open.memory;
    if (parsed?.conversationId !== conversation.id || parsed.number > counters.lastNumber) {
      return fail("message_not_found");
    }
    return ok({ by, number: parsed.number, limit });
  }
  return ok({ by: "before", number: open.memory.counters.lastNumber + 1, limit });
}

/** Answers a frame that cannot be read; ten in a row close the socket. */
function refuseFrame(
  open: OpenConversation,
  session: Session,
  refused: Failure,
  id?: FrameId,
): void {
  open.sessions.send(session, JSON.stringify(errorEventOf(refused.error, id)));
  session.badFrames++;
  if (session.badFrames >= MAX_BAD_FRAMES) {
    open.sessions.leave(session, CLOSE.abuse, "too many frames that cannot be read");
  }
}
