import { expect, test } from "vitest";
import { CHATS as CHAT_KINDS } from "../../src/dialects/marketplace/schemas.ts";
import type { Kind, Role } from "../../src/domain/conversation.ts";
import { ERRORS, type ErrorCode } from "../../src/domain/error.ts";
import { messageIdOf } from "../../src/domain/id.ts";
import {
  type Action,
  type Actor,
  type Facts,
  type PlatformRole,
  POLICY,
  refusal,
} from "../../src/domain/policy.ts";
import {
  type Answer,
  type Caller,
  channelOf,
  groupOf,
  open,
  openLive,
  person,
  send,
  someone,
} from "../support.ts";
import { Hub, Io } from "./line.ts";

/**
 * The policy table over every transport: for each action, kind and relation, both REST APIs, a native socket
 * and both gateways answer what the table says.
 */

const UNIHUB = "/api/v1/chat";
const CHATS = "/api/chat";
const EMOJI = "👍";
const UNTIL = 3_600_000;

/** Who somebody is in a conversation, and what the table is to know of it. */
interface Relation {
  name: string;
  role?: Role;
  has?: "muted" | "removed" | "banned" | "nothing";
  platform?: PlatformRole;
}

const IN_MODERATED: readonly Relation[] = [
  { name: "owner", role: "owner" },
  { name: "moderator", role: "moderator" },
  { name: "member", role: "member" },
  { name: "muted member", role: "member", has: "muted" },
  { name: "removed member", role: "member", has: "removed" },
  { name: "banned member", role: "member", has: "banned" },
  { name: "stranger", has: "nothing" },
  { name: "resolver", has: "nothing", platform: "resolver" },
  { name: "admin", has: "nothing", platform: "admin" },
];
const IN_OTHERS: readonly Relation[] = [
  { name: "owner", role: "owner" },
  { name: "member", role: "member" },
  { name: "stranger", has: "nothing" },
  { name: "resolver", has: "nothing", platform: "resolver" },
  { name: "admin", has: "nothing", platform: "admin" },
];

/** Somebody with their connections; `socket` only where they may open one. */
interface Someone {
  relation: Relation;
  caller: Caller;
  hub: Hub;
  io: Io;
  socket: Awaited<ReturnType<typeof openLive>> | undefined;
}

/** The conversation, with a message of somebody else (1), one that stays (2), and one that does not exist. */
interface World {
  id: string;
  kind: Kind;
  isLocked: boolean;
}

type Code = ErrorCode | "ok";
type Ask = (who: Someone, world: World) => Promise<Code>;

/** An attempt at something, and what it comes to for those who may: nothing changes, or the same again. */
interface Attempt {
  action: Action;
  admitted: (kind: Kind) => Code;
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

const ATTEMPTS: readonly Attempt[] = [
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
  { action: "deleteOthers", admitted: ok, ...deletionOf(1) },
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
];

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

/** What the table says. A deletion of somebody else's message is one of a message first. */
function expected(attempt: Attempt, { relation, caller }: Someone, world: World, staff: boolean) {
  const { role, has, platform = "user" } = relation;
  const actor: Actor = {
    ...{ userId: caller.userId, name: null, avatarUrl: null, role: platform },
    ...(staff ? { reach: "staff", kinds: CHAT_KINDS } : { reach: "member" }),
  };
  const facts: Facts = {
    kind: world.kind,
    member: role && { role, leftAt: has === "removed" || has === "banned" ? 1 : null },
    isPublic: false,
    ...(has === "banned" && { isBanned: true }),
    ...(has === "muted" && { mutedForMs: UNTIL }),
    ...(world.isLocked && { isLocked: true }),
  };
  const first = attempt.action === "deleteOthers" ? refusal(actor, "delete", facts) : undefined;
  return (first ?? refusal(actor, attempt.action, facts))?.code ?? attempt.admitted(world.kind);
}

/** What each transport answers, and what it should. */
async function differences(people: readonly Someone[], world: World): Promise<string[]> {
  const found: string[] = [];
  for (const attempt of ATTEMPTS) {
    for (const who of people) {
      const tell = (transport: string, answered: string, code: string) => {
        if (answered === code) return;
        const where = `${attempt.action} by ${who.relation.name} in ${world.kind}, ${transport}`;
        found.push(`${where}: ${answered} instead of ${code}`);
      };
      const asMember = expected(attempt, who, world, false);
      const asStaff = expected(attempt, who, world, true);
      if (attempt.unihub) tell("UniHub", await attempt.unihub(who, world), asMember);
      if (attempt.marketplace) tell("marketplace", await attempt.marketplace(who, world), asStaff);
      if (attempt.native && who.socket) {
        const { socket } = who;
        const id = crypto.randomUUID();
        socket.send({ id, ...attempt.native(world) });
        const isMine = (event: { type: string; id?: unknown }) =>
          (event.type === "ack" || event.type === "error") && event.id === id;
        await socket.until(() => socket.events.some(isMine));
        const answer = socket.events.find(isMine);
        tell("native", answer?.type === "error" ? answer.code : "ok", asMember);
      }
      if (attempt.hub) {
        const [method, ...args] = attempt.hub(world);
        const answer = await who.hub.ask(String(method), ...args);
        const message = asMember === "ok" ? "ok" : ERRORS[asMember][1];
        tell("SignalR", answer?.error ?? "ok", message);
      }
      if (attempt.io) {
        const answer = await who.io.ask(...attempt.io(world));
        tell("Socket.IO", answer.success ? "ok" : answer.code, asStaff);
      }
    }
  }
  return found;
}

async function connected(relation: Relation, caller: Caller, id: string): Promise<Someone> {
  const [hub, io] = await Promise.all([Hub.connect(caller), Io.connect(caller)]);
  const isMember = relation.role && relation.has !== "removed" && relation.has !== "banned";
  const socket = isMember ? await openLive(caller, id) : undefined;
  if (!socket) expect(await (await open(caller, id)).closed).toMatchObject({ code: 4403 });
  return { relation, caller, hub, io, socket };
}

const callersOf = (relations: readonly Relation[]) =>
  Promise.all(relations.map(({ platform }) => person("user", platform ? { role: platform } : {})));

test("the table names no action that is not attempted, but those of one's own membership", () => {
  const attempted = new Set(ATTEMPTS.map(({ action }) => action));
  const others = Object.keys(POLICY).filter((action) => !attempted.has(action as Action));
  expect(others).toEqual(["see", "flag", "leave", "join", "part", "close", "mentionAll"]);
});

test.each([
  ["group", false],
  ["group", true],
  ["channel", false],
  ["channel", true],
] as const)("in a %s, locked: %s", async (kind, isLocked) => {
  const callers = await callersOf(IN_MODERATED);
  const author = await person("author");
  const [owner, moderator, ...rest] = callers;
  if (!owner || !moderator) throw new Error("nobody");
  const members = IN_MODERATED.flatMap(({ role }, index) => (role ? (callers[index] ?? []) : []));
  const id =
    kind === "group"
      ? await groupOf(...members, author)
      : await channelOf(owner, [...members.slice(1), author], { isPublic: false });
  const path = `${UNIHUB}/conversations/${id}`;
  await owner.post(`${path}/moderators`, { userId: moderator.userId });
  for (const content of ["others'", "stays"]) await send(author, id, content);
  const until = new Date(Date.now() + UNTIL).toISOString();
  const named = (has: Relation["has"]) =>
    rest[IN_MODERATED.findIndex((relation) => relation.has === has) - 2]?.userId;
  expect((await owner.put(`${path}/participants/${named("muted")}/mute`, { until })).status).toBe(
    204,
  );
  const removal = kind === "group" ? `${path}/participants` : `${UNIHUB}/channels/${id}/members`;
  expect((await owner.delete(`${removal}/${named("removed")}`)).status).toBe(200);
  expect((await owner.post(`${path}/bans`, { userId: named("banned") })).status).toBe(204);
  if (isLocked) await owner.patch(path, { locked: true });
  const people = await Promise.all(
    IN_MODERATED.map((relation, index) => connected(relation, callers[index] ?? owner, id)),
  );
  expect(await differences(people, { id, kind, isLocked })).toEqual([]);
});

test.each(["direct", "support"] as const)("in a %s chat", async (kind) => {
  const relations = IN_OTHERS.filter(({ role }) =>
    kind === "direct" ? role !== "owner" : role !== "member",
  );
  const first = await person("user");
  const author = await person("author", { role: kind === "support" ? "support" : "user" });
  const id: string =
    kind === "direct"
      ? (await first.post(`${UNIHUB}/conversations/direct`, { otherUserId: author.userId })).body
          .conversationId
      : (await first.post(`${CHATS}/support`, {})).body.data.chat._id;
  for (const content of ["others'", "stays"]) await send(author, id, content);
  // Admins who are known before are in a new support chat.
  const callers = [first, ...(await callersOf(relations.slice(1)))];
  const people = await Promise.all(
    relations.map((relation, index) => connected(relation, callers[index] ?? first, id)),
  );
  expect(await differences(people, { id, kind, isLocked: false })).toEqual([]);
});
