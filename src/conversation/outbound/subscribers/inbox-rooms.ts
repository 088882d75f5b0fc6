import { chatError, fail, ok, type Result } from "../../../domain/error.ts";
import type { Actor } from "../../../domain/policy.ts";
import type { ClientFrame, FrameId } from "../../../live/frames.ts";
import { errorEventOf } from "../../../live/wire.ts";
import type { Answer, Command } from "../../decide/types.ts";
import type { OpenConversation } from "../../open.ts";
import { isMember, mayType } from "../../queries/access.ts";
import { memberOf } from "../../tables/members.ts";
import { ackOf } from "../sockets/ack.ts";
import { commandOf, type Frame, historyQueryOf } from "../sockets/frame-decoding.ts";
import { greetingFor } from "../sockets/greeting.ts";
import { historyPage } from "../sockets/history-page.ts";
import { searchAnswer } from "../sockets/search-frame.ts";
import { syncFor } from "../sockets/sync.ts";
import type { GatewayAddress } from "./gateway-api.ts";
import type { FrameAnswer, Opened, Opening } from "./inbox-room-api.ts";
import { subscribe } from "./subscribe.ts";

/** Subscribes the inbox of a member, and answers with what a new socket would be sent. */
export async function openRoom(
  open: OpenConversation,
  actor: Actor,
  address: GatewayAddress,
  { since, epoch, features }: Opening,
): Promise<Result<Opened>> {
  if (!isMember(open, actor.userId)) return fail("not_a_member");
  const subscribed = await subscribe(open, actor, address);
  if (!subscribed.ok) return subscribed;
  // In one turn: what is committed from now on is delivered.
  const member = memberOf(open.sql, actor.userId);
  if (member?.leftAt !== null) return fail("not_a_member");
  const { hello, page } = greetingFor(open, member, address, features, { since, epoch });
  return ok({ hello, page, rev: open.memory.counters.rev });
}

/** Carries out the frames of a member in order, as those of a socket. */
export async function answerFrames(
  open: OpenConversation,
  actor: Actor,
  address: GatewayAddress,
  frames: readonly ClientFrame[],
): Promise<FrameAnswer[]> {
  return Promise.all(frames.map((frame) => answerFrame(open, actor, address, frame)));
}

function answerFrame(
  open: OpenConversation,
  actor: Actor,
  address: GatewayAddress,
  frame: ClientFrame,
): FrameAnswer | Promise<FrameAnswer> {
  switch (frame.op) {
    case "typing":
      if (mayType(open, actor)) {
        open.sessions.broadcastTyping(actor.userId, frame.active);
      }
      return { type: "none" };
    case "sync":
    case "history":
      // Objects of a frame are in order: a question includes the commands before it.
      open.settle();
      if (!isMember(open, actor.userId)) return refused("not_a_member", frame.id);
      return frame.op === "sync"
        ? pageFor(open, actor, address, frame)
        : historyFor(open, actor, address, frame);
    case "search":
      return isMember(open, actor.userId)
        ? foundFor(open, actor, address, frame)
        : refused("not_a_member", frame.id);
    default: {
      const command = commandOf(frame, open.limits.contentLength);
      if (!command.ok) return answerOf(open, address, command, frame.id);
      return carriedOut(open, actor, command.value, frame).then((result) =>
        answerOf(open, address, result, frame.id),
      );
    }
  }
}

function carriedOut(
  open: OpenConversation,
  actor: Actor,
  command: Command,
  frame: ClientFrame,
): Promise<Result<Answer>> {
  const keys = frame.op === "send" ? frame.attachments : undefined;
  if (keys?.length && command.type === "send") return open.sendUploaded(actor, command, keys);
  return new Promise((resolve) => {
    open.submit(actor, command, { to: "caller", resolve });
  });
}

/** A subscription that was lost meanwhile is made again. */
function pageFor(
  open: OpenConversation,
  { userId }: Actor,
  address: GatewayAddress,
  { since, id }: Frame<"sync">,
): FrameAnswer {
  const { subscribers } = open;
  if (!subscribers.isSubscribed(address.gateway)) {
    subscribers.add({ ...address, userId, counted: true });
  }
  const view = open.viewFor(userId, address.origin);
  return { type: "page", page: syncFor(view, { since, epoch: undefined }, userId, id) };
}

function historyFor(
  open: OpenConversation,
  { userId }: Actor,
  { origin }: GatewayAddress,
  frame: Frame<"history">,
): FrameAnswer {
  const query = historyQueryOf(open.memory, frame);
  if (!query.ok) return refused(query.error.code, frame.id);
  return {
    type: "history",
    text: historyPage(open.viewFor(userId, origin), query.value, frame.id),
  };
}

/** The inbox sends nothing to a socket on which the conversation is not open any more. */
async function foundFor(
  open: OpenConversation,
  actor: Actor,
  { origin }: GatewayAddress,
  frame: Frame<"search">,
): Promise<FrameAnswer> {
  const isThere = () => isMember(open, actor.userId);
  const searcher = { actor, origin, isThere };
  return { type: "history", text: await searchAnswer(open, searcher, frame) };
}

function answerOf(
  open: OpenConversation,
  { gateway }: GatewayAddress,
  result: Result<Answer>,
  id: FrameId,
): FrameAnswer {
  const { memory, subscribers, limits } = open;
  const text = JSON.stringify(ackOf(memory.conversation.id, result, id));
  // A commit without events is not delivered.
  const after = result.ok ? Math.min(result.value.rev, subscribers.sentTo(gateway)) : 0;
  const isOverRate = !result.ok && result.error.code === "rate_limited" && limits.abuse;
  return { type: "answer", text, after, ...(isOverRate && { refused: "rate" }) };
}

function refused(code: Parameters<typeof chatError>[0], id: FrameId): FrameAnswer {
  return { type: "answer", text: JSON.stringify(errorEventOf(chatError(code), id)), after: 0 };
}
