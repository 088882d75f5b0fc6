import type { Kind, Role } from "../../src/domain/conversation.ts";
import type { ErrorCode } from "../../src/domain/error.ts";
import { messageIdOf } from "../../src/domain/id.ts";
import type { Action, PlatformRole } from "../../src/domain/policy.ts";
import type { Hub, Io } from "../gateway/line.ts";
import { type Answer, type Caller, type openLive, send, someone } from "../support.ts";

/** What people attempt in a conversation, over each transport that has it. */

export const UNIHUB = "/api/v1/chat";
export const CHATS = "/api/chat";
const EMOJI = "👍";

/** Who somebody is in a conversation, and what the table is to know of it. */
export interface Relation {
  name: string;
  role?: Role;
  /** `blocked`: by the author of the messages; `blocks`: that author. */
  has?: "muted" | "removed" | "banned" | "blocked" | "blocks" | "nothing";
  platform?: PlatformRole;
}

/** Somebody with their connections, if any; `socket` only where they may open one. */
export interface Someone {
  relation: Relation;
  caller: Caller;
  hub?: Hub;
  io?: Io;
  socket?: Awaited<ReturnType<typeof openLive>> | undefined;
}

/** The conversation, with a message of somebody else (1), one that stays (2), and one that does not exist. */
export interface World {
  id: string;
  authorId: string;
  kind: Kind;
  isLocked: boolean;
}

export type Code = ErrorCode | "ok";
type Ask = (who: Someone, world: World) => Promise<Code>;

/** An attempt at something, and what it comes to for those who may: nothing changes, or the same again. */
export interface Attempt {
  action: Action;
  /** What is asked first, and refused by itself. */
  after?: Action;
  /** What all are told whom the table refuses, if it is not what the table says. */
  refused?: Code;
  /** The kinds that the address of UniHub has. */
  kinds?: readonly Kind[];
  admitted: (kind: Kind, relation: Relation) => Code;
  unihub?: Ask;
  marketplace?: Ask;
  native?: (world: World) => object;
  hub?: (world: World) => unknown[];
  io?: (world: World) => unknown[];
}

const codeOf = async (answer: Promise<Answer>): Promise<Code> => {
  const { status, body } = await answer;
  return status < 300 ? "ok" : body.code;
};
const at = (world: World, number: number) => messageIdOf(world.id, number);
const NOWHERE = 999;
const ok = () => "ok" as const;
const missing = () => "message_not_found" as const;
const NOBODY = someone("nobody");

const isPresent = ({ role, has }: Relation) =>
  role !== undefined && has !== "removed" && has !== "banned";

/** Whoever may do these may do them again. */
export const ATTEMPTS: readonly Attempt[] = [
  {
    action: "see",
    kinds: ["channel"],
    admitted: ok,
    unihub: ({ caller }, { id }) => codeOf(caller.get(`${UNIHUB}/channels/${id}`)),
  },
  {
    action: "read",
    admitted: ok,
    unihub: ({ caller }, { id }) => codeOf(caller.get(`${UNIHUB}/messages?conversationId=${id}`)),
    marketplace: ({ caller }, { id }) => codeOf(caller.get(`${CHATS}/${id}/messages`)),
    hub: ({ id }) => ["JoinConversation", id],
    io: ({ id }) => ["join-chat-room", id],
  },
  {
    action: "send",
    admitted: ok,
    unihub: ({ caller }, { id }) => codeOf(send(caller, id, "hello")),
    marketplace: ({ caller }, { id }) =>
      codeOf(caller.post(`${CHATS}/${id}/messages`, { content: "hello" })),
    native: () => ({ op: "send", content: "hello" }),
    hub: ({ id }) => ["SendMessage", id, "hello"],
    io: ({ id }) => ["send-message", { chatId: id, content: "hello" }],
  },
  {
    action: "type",
    admitted: ok,
    hub: ({ id }) => ["StopTyping", id],
    io: ({ id }) => ["typing-stop", id],
  },
  {
    action: "mentionAll",
    after: "send",
    refused: "forbidden",
    admitted: ok,
    unihub: ({ caller }, { id }) => codeOf(send(caller, id, "all", { mentionsAll: true })),
    marketplace: ({ caller }, { id }) =>
      codeOf(caller.post(`${CHATS}/${id}/messages`, { content: "all", mentionsAll: true })),
    native: () => ({ op: "send", content: "all", mentionsAll: true }),
  },
  {
    action: "flag",
    admitted: ok,
    unihub: ({ caller }, { id }) => codeOf(caller.post(`${UNIHUB}/conversations/${id}/accept`)),
    marketplace: ({ caller }, { id }) => codeOf(caller.post(`${CHATS}/${id}/accept`)),
  },
  {
    action: "mark",
    admitted: ok,
    unihub: ({ caller }, world) => codeOf(caller.post(`${UNIHUB}/messages/${at(world, 2)}/read`)),
    marketplace: ({ caller }, { id }) => codeOf(caller.patch(`${CHATS}/${id}/messages/read`, {})),
    native: () => ({ op: "read" }),
    hub: (world) => ["MarkAsRead", at(world, 2)],
    io: ({ id }) => ["mark-read", { chatId: id }],
  },
  {
    action: "edit",
    admitted: missing,
    marketplace: ({ caller }, world) =>
      codeOf(caller.put(`${CHATS}/${world.id}/messages/${at(world, NOWHERE)}`, { content: "x" })),
    native: (world) => ({ op: "edit", messageId: at(world, NOWHERE), content: "x" }),
  },
  {
    action: "react",
    admitted: ok,
    unihub: ({ caller }, world) =>
      codeOf(caller.post(`${UNIHUB}/messages/${at(world, 2)}/reactions`, { emoji: EMOJI })),
    native: (world) => ({ op: "react", messageId: at(world, 2), emoji: EMOJI }),
    hub: (world) => ["AddReaction", at(world, 2), EMOJI],
  },
  { action: "delete", admitted: missing, ...deletionOf(NOWHERE) },
  { action: "deleteOthers", after: "delete", admitted: ok, ...deletionOf(1) },
  {
    action: "moderate",
    admitted: ok,
    unihub: ({ caller }, { id }) =>
      codeOf(caller.patch(`${UNIHUB}/conversations/${id}`, { slowModeSeconds: 0 })),
    marketplace: ({ caller }, { id }) =>
      codeOf(caller.patch(`${CHATS}/${id}`, { slowModeSeconds: 0 })),
  },
  {
    action: "restrain",
    admitted: ok,
    unihub: ({ caller }, { id }) => codeOf(caller.get(`${UNIHUB}/conversations/${id}/bans`)),
    marketplace: ({ caller }, { id }) => codeOf(caller.get(`${CHATS}/${id}/bans`)),
  },
  {
    action: "own",
    admitted: (kind) => (kind === "channel" ? "not_in_channel" : "participant_not_found"),
    unihub: ({ caller }, { id }) =>
      codeOf(caller.post(`${UNIHUB}/conversations/${id}/moderators`, { userId: NOBODY })),
    marketplace: ({ caller }, { id }) =>
      codeOf(caller.post(`${CHATS}/${id}/moderators`, { userId: NOBODY })),
  },
  {
    action: "manage",
    admitted: () => "participant_not_found",
    unihub: ({ caller }, { id }) =>
      codeOf(caller.delete(`${UNIHUB}/conversations/${id}/participants/${NOBODY}`)),
    marketplace: ({ caller }, { id }) =>
      codeOf(caller.delete(`${CHATS}/${id}/participants/${NOBODY}`)),
  },
  {
    action: "admit",
    admitted: () => "participant_not_found",
    unihub: ({ caller }, { id }) =>
      codeOf(caller.delete(`${UNIHUB}/channels/${id}/members/${NOBODY}`)),
  },
  {
    action: "manage",
    admitted: () => "already_a_member",
    unihub: ({ caller }, { id, authorId: participantId }) =>
      codeOf(caller.post(`${UNIHUB}/conversations/${id}/participants`, { participantId })),
    marketplace: ({ caller }, { id, authorId: userId }) =>
      codeOf(caller.post(`${CHATS}/${id}/participants`, { userId })),
  },
  {
    action: "admit",
    admitted: () => "already_a_member",
    unihub: ({ caller }, { id, authorId: userId }) =>
      codeOf(caller.post(`${UNIHUB}/channels/${id}/invitations`, { userId })),
  },
  {
    action: "join",
    admitted: (_, relation) => (isPresent(relation) ? "already_a_member" : "invitation_required"),
    unihub: ({ caller }, { id }) => codeOf(caller.post(`${UNIHUB}/channels/${id}/join`)),
  },
  {
    action: "close",
    admitted: ok,
    unihub: ({ caller }, { id }) => codeOf(caller.post(`${UNIHUB}/channels/${id}/unarchive`)),
  },
];

/** Whoever may do one of these is no member afterwards: in groups the first, in channels the second. */
export const LEAVING: Readonly<Record<"group" | "channel", Attempt>> = {
  group: {
    action: "leave",
    admitted: ok,
    unihub: ({ caller }, { id }) =>
      codeOf(caller.delete(`${UNIHUB}/conversations/${id}/participants/${caller.userId}`)),
    marketplace: ({ caller }, { id }) =>
      codeOf(caller.delete(`${CHATS}/${id}/participants/${caller.userId}`)),
  },
  channel: {
    action: "part",
    admitted: (_, relation) => {
      if (!isPresent(relation)) return "not_in_channel";
      return relation.role === "owner" ? "owner_stays" : "ok";
    },
    unihub: ({ caller }, { id }) => codeOf(caller.post(`${UNIHUB}/channels/${id}/leave`)),
  },
};

function deletionOf(number: number): Omit<Attempt, "action" | "admitted"> {
  return {
    unihub: ({ caller }, world) => codeOf(caller.delete(`${UNIHUB}/messages/${at(world, number)}`)),
    marketplace: ({ caller }, world) =>
      codeOf(caller.delete(`${CHATS}/${world.id}/messages/${at(world, number)}`)),
    native: (world) => ({ op: "delete", messageId: at(world, number) }),
    hub: (world) => ["DeleteMessage", at(world, number)],
    io: (world) => ["delete-message", { chatId: world.id, messageId: at(world, number) }],
  };
}
