import type { Command } from "../../src/conversation/decide/types.ts";
import { messageIdOf } from "../../src/domain/id.ts";
import { answerTo } from "../live/answer.ts";
import { type Answer, type Caller, open, send } from "../support.ts";
import type { Act } from "./model.ts";

const CHAT = "/api/v1/chat";

/**
 * Executes an act as a client does, over REST or a socket: returns `ok`, or the error's code. An
 * act that only one of the two supports is executed by that one.
 */
export async function drive(
  caller: Caller,
  { id, kind }: { id: string; kind: "group" | "channel" },
  act: Act,
  bySocket: boolean,
): Promise<string> {
  const frame = frameOf(id, act);
  const answer = bySocket ? undefined : rest(caller, id, kind, act);
  if (answer) {
    const { status, body } = await answer;
    return status < 300 ? "ok" : body.code;
  }
  if (!frame) throw new Error(`no way to ${act.type}`);
  const socket = await open(caller, id);
  const closed = socket.closed.then(({ code }) => (code === 4403 ? "not_a_member" : String(code)));
  const opened = socket.next("sync").then(() => undefined);
  const refused = await Promise.race([opened, closed]);
  if (refused) return refused;
  const told = await answerTo(socket, frame);
  socket.close(1_000);
  return told.type === "error" ? told.code : "ok";
}

function rest(
  caller: Caller,
  id: string,
  kind: "group" | "channel",
  act: Act,
): Promise<Answer> | undefined {
  const group = `${CHAT}/conversations/${id}/participants`;
  const channel = `${CHAT}/channels/${id}`;
  const message = (number: number) => `${CHAT}/messages/${messageIdOf(id, number)}`;
  switch (act.type) {
    case "add":
      return caller.post(group, { participantId: act.whom });
    case "remove":
      return caller.delete(`${group}/${act.whom}`);
    case "join":
    case "leave":
    case "archive":
    case "unarchive":
      return caller.post(`${channel}/${act.type}`);
    case "invite":
      return caller.post(`${channel}/invitations`, { userId: act.whom });
    case "expel":
      return caller.delete(`${channel}/members/${act.whom}`);
    case "promote":
      return caller.post(`${channel}/moderators`, { userId: act.whom });
    case "demote":
      return caller.delete(`${channel}/moderators/${act.whom}`);
    case "send": {
      const { content, replyTo, mentions, mentionsAll } = act;
      const reply = replyTo === null ? {} : { replyToMessageId: messageIdOf(id, replyTo) };
      return send(caller, id, content, { ...reply, mentions, mentionsAll });
    }
    case "edit": {
      if (kind === "channel") return undefined;
      const { content, mentions } = act;
      const path = `/api/chat/${id}/messages/${messageIdOf(id, act.number)}`;
      return caller.put(path, { content, mentions });
    }
    case "react":
      return caller.post(`${message(act.number)}/reactions`, { emoji: act.emoji });
    case "unreact":
      return caller.delete(`${message(act.number)}/reactions/${encodeURIComponent(act.emoji)}`);
    case "read":
      return caller.post(`${message(act.number)}/read`);
    case "delete": {
      // The marketplace API has no channels.
      if (kind === "channel") return undefined;
      return caller.delete(`/api/chat/${id}/messages/${messageIdOf(id, act.number)}`);
    }
    case "readAll":
      return kind === "group" ? caller.patch(`/api/chat/${id}/messages/read`, {}) : undefined;
    case "readSome":
    case "readUpTo":
      return undefined;
  }
}

/** An act as a socket's frame, if sockets support it. */
export function frameOf(id: string, act: Act): object | undefined {
  switch (act.type) {
    case "send": {
      const replyTo = act.replyTo === null ? null : messageIdOf(id, act.replyTo);
      const { content, mentions, mentionsAll } = act;
      return { op: "send", content, replyTo, mentions, mentionsAll };
    }
    case "edit": {
      const { content, mentions } = act;
      return { op: "edit", messageId: messageIdOf(id, act.number), content, mentions };
    }
    case "react":
    case "unreact":
      return { op: act.type, messageId: messageIdOf(id, act.number), emoji: act.emoji };
    case "delete":
      return { op: "delete", messageId: messageIdOf(id, act.number) };
    case "readSome":
      return { op: "read", messageIds: act.numbers.map((number) => messageIdOf(id, number)) };
    case "readUpTo":
      return { op: "read", upTo: messageIdOf(id, act.number) };
    case "readAll":
      return { op: "read" };
    default:
      return undefined;
  }
}

/** An act as the command into which REST and sockets translate it. */
export function commandOf(id: string, act: Act, known: readonly string[]): Command {
  const messageId = (number: number) => messageIdOf(id, number);
  switch (act.type) {
    case "add": {
      const { whom } = act;
      const person = { userId: whom, name: null, avatarUrl: null };
      return { type: "add", person: known.includes(whom) ? person : undefined };
    }
    case "invite":
      return { type: "invite", userId: act.whom, known: known.includes(act.whom) };
    case "remove":
    case "expel":
    case "promote":
    case "demote":
      return { type: act.type, userId: act.whom };
    case "join":
    case "leave":
      return { type: act.type };
    case "archive":
      return { type: "close" };
    case "unarchive":
      return { type: "reopen" };
    case "send": {
      const replyTo = act.replyTo === null ? {} : { replyTo: messageId(act.replyTo) };
      const { content, mentions, mentionsAll } = act;
      const mentioning = { mentions, mentionsAll };
      return { type: "send", kind: "text", content, ...replyTo, ...mentioning, maxLength: 2_000 };
    }
    case "edit": {
      const { number, content, mentions } = act;
      const mentioning = mentions ? { mentions } : {};
      return {
        ...{ type: "edit", messageId: messageId(number), content },
        ...{ ...mentioning, maxLength: 2_000 },
      };
    }
    case "react":
    case "unreact":
      return { type: act.type, messageId: messageId(act.number), emoji: act.emoji };
    case "delete":
    case "read":
      return { type: act.type, messageId: messageId(act.number) };
    case "readUpTo":
      return { type: "read", upTo: messageId(act.number) };
    case "readSome":
      return { type: "read", messageIds: act.numbers.map(messageId) };
    case "readAll":
      return { type: "read" };
  }
}
