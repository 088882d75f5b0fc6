import { Buffer } from "node:buffer";
import { chatError, type Failure, fail } from "../../../domain/error.ts";
import { type ClientFrame, type FrameId, tooLarge } from "../../../live/frames.ts";
import { parseFrame } from "../../../live/parse-frame.ts";
import { CLOSE } from "../../../live/version.ts";
import { errorEventOf } from "../../../live/wire.ts";
import { actorOf } from "../../identity.ts";
import type { OpenConversation } from "../../open.ts";
import { mayType } from "../../queries/access.ts";
import { commandOf, type Frame, historyQueryOf } from "./frame-decoding.ts";
import { historyPage } from "./history-page.ts";
import { searchAnswer } from "./search-frame.ts";
import type { Session } from "./session.ts";
import type { Sessions } from "./sessions.ts";
import { syncFor } from "./sync.ts";

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
  session.lastFrameAt = open.clock();
  sessions.reap();
  if (typeof data !== "string") {
    refuseFrame(open, session, fail("invalid_frame", { message: "Frames are text." }));
    return;
  }
  if (tooLarge(data)) {
    const error = errorEventOf(chatError("frame_too_large"), undefined);
    sessions.send(session, JSON.stringify(error));
    sessions.leave(session, CLOSE.abuse, "a frame of more than 64 KiB");
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
    if (isPlainSend(parsed.value) || mayAct(open, session, parsed.id)) {
      handle(open, session, parsed.value);
    }
  }
}

/**
 * Whether a socket has room for one more command. The first that is too many within a second is refused,
 * the others are ignored, and a socket that continues is closed.
 */
function mayAct({ sessions, clock }: OpenConversation, session: Session, id: FrameId): boolean {
  const penalty = session.budget.command(clock());
  if (penalty === "refuse") refuseRate(sessions, session, 1_000, id);
  if (penalty === "end") sessions.leave(session, CLOSE.abuse, "too many commands");
  return penalty === undefined;
}

function refuseRate(sessions: Sessions, session: Session, retryAfterMs: number, id: FrameId): void {
  const error = errorEventOf(chatError("rate_limited", { retryAfterMs }), id);
  sessions.send(session, JSON.stringify(error));
}

/** A send without files has the conversation's own limit; files cost D1 queries before that is checked. */
function isPlainSend(frame: ClientFrame): boolean {
  return frame.op === "send" && !frame.attachments?.length;
}

function handle(open: OpenConversation, session: Session, frame: ClientFrame): void {
  // Objects of a frame are in order: a question includes the commands before it.
  if (frame.op === "sync" || frame.op === "history") open.settle();
  switch (frame.op) {
    case "typing":
      if (mayType(open, actorOf(session.identity))) {
        open.sessions.broadcastTyping(session.identity.userId, frame.active);
      }
      break;
    case "sync":
      answerSync(open, session, frame);
      break;
    case "history":
      answerHistory(open, session, frame);
      break;
    case "search":
      if (mayAsk(open, session, frame.id)) void answerSearch(open, session, frame);
      break;
    default: {
      const command = commandOf(frame, open.limits.contentLength);
      if (!command.ok) {
        open.sessions.send(session, JSON.stringify(errorEventOf(command.error, frame.id)));
        return;
      }
      const actor = actorOf(session.identity);
      if (frame.op === "send" && frame.attachments?.length && command.value.type === "send") {
        open.submitFiles(actor, command.value, frame.attachments, { session, id: frame.id });
      } else {
        open.submit(actor, command.value, { to: "socket", session, id: frame.id });
      }
    }
  }
}

/** The last page and going live are one turn: between them nothing is lost and nothing sent twice. */
function answerSync(open: OpenConversation, session: Session, frame: Frame<"sync">): void {
  const { since, id } = frame;
  session.budget.continues(since);
  if (!mayAsk(open, session, id)) return;
  const cursor = { since, epoch: undefined };
  const { userId, origin } = session.identity;
  const page = syncFor(open.viewFor(userId, origin), cursor, userId, id);
  sendAnswer(open, session, page.frame, page.to);
  if (!page.more) open.sessions.goLive(session);
}

function answerHistory(open: OpenConversation, session: Session, frame: Frame<"history">): void {
  const query = historyQueryOf(open.memory, frame);
  if (!query.ok) {
    open.sessions.send(session, JSON.stringify(errorEventOf(query.error, frame.id)));
    return;
  }
  if (mayAsk(open, session, frame.id)) {
    const { userId, origin } = session.identity;
    const page = historyPage(open.viewFor(userId, origin), query.value, frame.id);
    sendAnswer(open, session, page);
  }
}

/** Later frames are not held up by it. */
async function answerSearch(
  open: OpenConversation,
  session: Session,
  frame: Frame<"search">,
): Promise<void> {
  const { identity, socket } = session;
  const isThere = () => open.sessions.of(socket) === session && !open.sessions.expired(session);
  const searcher = { actor: actorOf(identity), origin: identity.origin, isThere };
  const answer = await searchAnswer(open, searcher, frame);
  if (isThere()) sendAnswer(open, session, answer);
}

/** Whether a socket has room for one more answer to `sync`, `history` or `search`. */
function mayAsk({ sessions, clock }: OpenConversation, session: Session, id: FrameId): boolean {
  const waitMs = session.budget.answerWaitMs(clock());
  if (waitMs > 0) refuseRate(sessions, session, waitMs, id);
  return waitMs === 0;
}

/** Sends an answer, or closes a socket that has left too much unread: it reconnects and resumes. */
function sendAnswer(
  { sessions, clock }: OpenConversation,
  session: Session,
  frame: string,
  to?: number,
): void {
  const reads = session.budget.answered(Buffer.byteLength(frame), clock(), to);
  if (reads) sessions.send(session, frame);
  else sessions.leave(session, CLOSE.goingAway, "too much asked for and not read");
}

/** Answers a frame that cannot be read; the tenth closes the socket. */
function refuseFrame(
  { sessions, clock }: OpenConversation,
  session: Session,
  refused: Failure,
  id?: FrameId,
): void {
  sessions.send(session, JSON.stringify(errorEventOf(refused.error, id)));
  if (session.budget.badFrame(clock())) {
    sessions.leave(session, CLOSE.abuse, "too many frames that cannot be read");
  }
}
