import { Buffer } from "node:buffer";
import type { Command } from "../conversation/decide/types.ts";
import { actorOf } from "../conversation/identity.ts";
import { ackOf } from "../conversation/outbound/sockets/ack.ts";
import { type ChatError, chatError } from "../domain/error.ts";
import { parseConversationId } from "../domain/id.ts";
import { carryOut } from "../edge/conversations.ts";
import { isTransient } from "../edge/failure.ts";
import type { Env } from "../env.ts";
import { type FrameId, tooLarge } from "../live/frames.ts";
import { type InboxFrame, parseInboxFrame, type RoomFrame } from "../live/inbox-frames.ts";
import { CLOSE } from "../live/version.ts";
import { errorEventOf } from "../live/wire.ts";
import { log } from "../logging.ts";
import type { Connection } from "./connections.ts";
import { type ListSource, listPage } from "./greeting.ts";
import { handlePresenceFrame, type PresenceHandling } from "./presence/frames.ts";
import { handleInRoom, isForRoom, type RoomHandling } from "./room-frames.ts";

export interface FrameHandling extends ListSource, PresenceHandling, RoomHandling {
  env: Env;
}

/**
 * Handles what a socket sent: every object of the frame in order, each answered. What is for one conversation
 * is given to it in order, also where an earlier object for the inbox is not answered yet.
 */
export async function handleFrame(
  handling: FrameHandling,
  connection: Connection,
  data: string | ArrayBuffer,
): Promise<void> {
  const { connections } = handling;
  if (connections.expired(connection)) return;
  connection.lastFrameAt = Date.now();
  if (typeof data === "string" && tooLarge(data)) {
    refuse(handling, connection, chatError("frame_too_large"));
    connections.leave(connection, CLOSE.abuse, "a frame of more than 64 KiB");
    return;
  }
  const lines = typeof data === "string" ? data.split("\n").filter((line) => line !== "") : [];
  if (lines.length === 0) badFrame(handling, connection, chatError("invalid_frame"));
  const own: (() => Promise<void>)[] = [];
  for (const line of lines) {
    if (!connections.of(connection.socket)) return;
    const parsed = parseInboxFrame(line);
    if (!parsed.ok) badFrame(handling, connection, parsed.error, parsed.id);
    else if (isForRoom(handling.rooms, parsed.value)) {
      handleInRoom(handling, connection, parsed.value);
    } else if (mayAct(handling, connection, parsed.id)) {
      const frame = parsed.value;
      own.push(() => handle(handling, connection, frame));
    }
  }
  for (const handleOwn of own) await handleOwn();
}

async function handle(
  handling: FrameHandling,
  connection: Connection,
  frame: InboxFrame,
): Promise<void> {
  switch (frame.op) {
    case "list": {
      const waitMs = connection.budget.answerWaitMs(Date.now());
      if (waitMs > 0) {
        refuse(handling, connection, chatError("rate_limited", { retryAfterMs: waitMs }), frame.id);
        return;
      }
      answer(handling, connection, await listPage(handling, connection, frame.after, frame.id));
      return;
    }
    case "archive": {
      const { archived, id } = frame;
      await command(handling, connection, frame.conversationId, { type: "archive", archived }, id);
      return;
    }
    case "in conversation":
      await read(handling, connection, frame);
      return;
    case "watch":
    case "unwatch":
    case "set":
      await handlePresenceFrame(handling, connection, frame);
  }
}

async function read(
  handling: FrameHandling,
  connection: Connection,
  { conversationId, frame }: RoomFrame,
): Promise<void> {
  if (frame.op !== "read") return;
  const { messageIds, upTo, id } = frame;
  await command(handling, connection, conversationId, { type: "read", messageIds, upTo }, id);
}

/** Has a conversation carry out a command, and passes its answer on. */
async function command(
  handling: FrameHandling,
  connection: Connection,
  named: string,
  command: Command,
  id: FrameId,
): Promise<void> {
  const conversationId = parseConversationId(named);
  if (!conversationId) {
    refuse(handling, connection, chatError("conversation_not_found"), id);
    return;
  }
  try {
    const { result } = await carryOut(
      { env: handling.env },
      conversationId,
      actorOf(connection.identity),
      command,
      { wait: false, readers: false },
    );
    const ack = ackOf(conversationId, result, id);
    handling.connections.send(connection, JSON.stringify(ack));
  } catch (error) {
    log("call_failed", { conversationId, error });
    refuse(handling, connection, chatError(isTransient(error) ? "unavailable" : "internal"), id);
  }
}

/** Whether a socket has room for one more command; one that goes on beyond its rate is closed. */
function mayAct(handling: FrameHandling, connection: Connection, id: FrameId): boolean {
  const penalty = connection.budget.command(Date.now());
  if (penalty === "refuse") {
    refuse(handling, connection, chatError("rate_limited", { retryAfterMs: 1_000 }), id);
  }
  if (penalty === "end") {
    handling.connections.leave(connection, CLOSE.abuse, "too many commands");
  }
  return penalty === undefined;
}

/** Sends an answer, or closes a socket that has left too much unread: it reconnects and starts again. */
function answer({ connections }: FrameHandling, connection: Connection, frame: string): void {
  if (connection.budget.answered(Buffer.byteLength(frame), Date.now())) {
    connections.send(connection, frame);
  } else connections.leave(connection, CLOSE.goingAway, "too much asked for and not read");
}

function refuse(
  { connections }: FrameHandling,
  connection: Connection,
  error: ChatError,
  id?: FrameId,
): void {
  connections.send(connection, JSON.stringify(errorEventOf(error, id)));
}

/** Answers a frame that cannot be read; the tenth closes the socket. */
function badFrame(
  handling: FrameHandling,
  connection: Connection,
  error: ChatError,
  id?: FrameId,
): void {
  refuse(handling, connection, error, id);
  if (connection.budget.badFrame(Date.now())) {
    handling.connections.leave(connection, CLOSE.abuse, "too many frames that cannot be read");
  }
}
