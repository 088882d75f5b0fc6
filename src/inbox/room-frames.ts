import { type ChatError, chatError } from "../domain/error.ts";
import { parseConversationId } from "../domain/id.ts";
import type { ClientFrame } from "../live/frames.ts";
import type { CloseFrame, InboxFrame, OpenFrame, RoomFrame } from "../live/inbox-frames.ts";
import { CLOSE } from "../live/version.ts";
import type { Connection, Connections } from "./connections.ts";
import { hasFiles } from "./frame-queue.ts";
import type { Rooms } from "./rooms.ts";

export interface RoomHandling {
  connections: Connections;
  /** The conversations that are open over the socket. */
  rooms: Rooms;
}

type ForRoom = OpenFrame | CloseFrame | RoomFrame;

/** Frames whose answers may be long. */
const ASKING: ReadonlySet<ClientFrame["op"]> = new Set(["sync", "history", "search"]);

/** How long a client waits before it sends again what was over the socket's rate. */
const RETRY_AFTER_MS = 1_000;

/**
 * Whether a frame is for a conversation over this socket. Without being open, a conversation can be marked
 * as read: that is a command of the inbox.
 */
export function isForRoom(rooms: Rooms, frame: InboxFrame): frame is ForRoom {
  if (frame.op === "open" || frame.op === "close") return true;
  if (frame.op !== "in conversation") return false;
  return frame.frame.op !== "read" || roomOf(rooms, frame) !== undefined;
}

/** Carries it out, as far as the limits of the socket allow. */
export function handleInRoom(
  { connections, rooms }: RoomHandling,
  connection: Connection,
  frame: ForRoom,
): void {
  const penalty = isFree(rooms, connection, frame)
    ? undefined
    : connection.budget.command(Date.now());
  if (penalty === "end") connections.leave(connection, CLOSE.abuse, "too many commands");
  else if (frame.op === "open") open(rooms, frame, penalty !== undefined);
  else if (penalty === "refuse") refuse(rooms, frame, RETRY_AFTER_MS);
  else if (penalty === undefined) carryOut(rooms, connection, frame);
}

/**
 * A send without files has the conversation's own limit. A client that connects again opens all of its
 * conversations at once.
 */
function isFree(rooms: Rooms, connection: Connection, frame: ForRoom): boolean {
  if (frame.op === "open") return connection.freeOpenings-- > 0;
  if (frame.op === "close") return false;
  const { op } = frame.frame;
  return op === "send" && !hasFiles(frame.frame) && roomOf(rooms, frame) !== undefined;
}

/** Every `open` is answered, so that no client waits for it. */
function open(rooms: Rooms, frame: OpenFrame, isOverRate: boolean): void {
  const { id, since, epoch } = frame;
  const conversationId = parseConversationId(frame.conversationId);
  if (!conversationId) {
    rooms.closed(frame.conversationId, CLOSE.notFound, "no such conversation", id);
  } else if (isOverRate) {
    rooms.close(conversationId, id, { code: CLOSE.tryAgainLater, reason: "too many commands" });
  } else rooms.open({ conversationId, id, since, epoch });
}

function carryOut(rooms: Rooms, connection: Connection, frame: CloseFrame | RoomFrame): void {
  const conversationId = parseConversationId(frame.conversationId) ?? frame.conversationId;
  if (frame.op === "close") {
    rooms.close(conversationId, frame.id);
    return;
  }
  const waitMs = waitForAnswer(connection, conversationId, frame.frame);
  if (waitMs > 0) refuse(rooms, frame, waitMs);
  else rooms.submit(conversationId, frame.frame);
}

/** Milliseconds until the socket has room for one more answer to `sync`, `history` or `search`. */
function waitForAnswer({ budget }: Connection, conversationId: string, frame: ClientFrame): number {
  if (frame.op === "sync") budget.continues(frame.since, conversationId);
  return ASKING.has(frame.op) ? budget.answerWaitMs(Date.now()) : 0;
}

function refuse(rooms: Rooms, frame: CloseFrame | RoomFrame, retryAfterMs: number): void {
  const error: ChatError = chatError("rate_limited", { retryAfterMs });
  const id = frame.op === "close" ? frame.id : frame.frame.id;
  rooms.error(parseConversationId(frame.conversationId) ?? frame.conversationId, error, id);
}

function roomOf(rooms: Rooms, { conversationId }: RoomFrame) {
  return rooms.of(parseConversationId(conversationId) ?? "");
}
