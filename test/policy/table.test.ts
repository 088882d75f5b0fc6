import { expect, test } from "vitest";
import { CHATS as CHAT_KINDS } from "../../src/dialects/marketplace/schemas.ts";
import type { Kind } from "../../src/domain/conversation.ts";
import { ERRORS } from "../../src/domain/error.ts";
import { type Actor, type Facts, POLICY, refusal } from "../../src/domain/policy.ts";
import { Hub, Io } from "../gateway/line.ts";
import { type Caller, channelOf, groupOf, open, openLive, person, send } from "../support.ts";
import {
  ATTEMPTS,
  type Attempt,
  CHATS,
  type Code,
  LEAVING,
  type Relation,
  type Someone,
  UNIHUB,
  type World,
} from "./attempts.ts";

/**
 * The policy table over every transport: for each action, kind and relation, both REST APIs, a native socket
 * and both gateways answer what the table says.
 */

const UNTIL = 3_600_000;

const IN_MODERATED: readonly Relation[] = [
  { name: "owner", role: "owner" },
  { name: "moderator", role: "moderator" },
  { name: "member", role: "member" },
  { name: "muted member", role: "member", has: "muted" },
  { name: "removed member", role: "member", has: "removed" },
  { name: "banned member", role: "member", has: "banned" },
  { name: "blocked member", role: "member", has: "blocked" },
  { name: "member who blocks", role: "member", has: "blocks" },
  { name: "stranger", has: "nothing" },
  { name: "resolver", has: "nothing", platform: "resolver" },
  { name: "admin", has: "nothing", platform: "admin" },
  { name: "service", has: "nothing", platform: "service" },
];
/** In conversations of two. */
const OTHERS: readonly Relation[] = [
  { name: "stranger", has: "nothing" },
  { name: "resolver", has: "nothing", platform: "resolver" },
  { name: "admin", has: "nothing", platform: "admin" },
  { name: "service", has: "nothing", platform: "service" },
];
/** Where a block keeps both from writing. */
const BETWEEN_TWO = new Set<Kind>(["direct", "purchase-request"]);

/** What the table says, to the actor of an API. */
function expected(
  { action, after, refused, admitted }: Attempt,
  { relation, caller }: Someone,
  world: World,
  api: Pick<Actor, "reach" | "kinds">,
): Code {
  const { role, has, platform = "user" } = relation;
  const actor = { userId: caller.userId, name: null, avatarUrl: null, role: platform, ...api };
  const isBlocked = has === "blocked" || has === "blocks";
  const facts: Facts = {
    kind: world.kind,
    member: role && { role, leftAt: has === "removed" || has === "banned" ? 1 : null },
    isPublic: false,
    ...(has === "banned" && { isBanned: true }),
    ...(has === "muted" && { mutedForMs: UNTIL }),
    ...(world.isLocked && { isLocked: true }),
    ...(isBlocked && BETWEEN_TWO.has(world.kind) && { mayNotContact: true }),
  };
  const first = after && refusal(actor, after, facts);
  if (first) return first.code;
  const second = refusal(actor, action, facts);
  return second ? (refused ?? second.code) : admitted(world.kind, relation);
}

/** What each transport answers, and what it should. */
async function differences(
  people: readonly Someone[],
  world: World,
  attempts: readonly Attempt[],
): Promise<string[]> {
  const found: string[] = [];
  for (const attempt of attempts) {
    for (const who of people) {
      const tell = (transport: string, answered: string, code: string) => {
        if (answered === code) return;
        const where = `${attempt.action} by ${who.relation.name} in ${world.kind}, ${transport}`;
        found.push(`${where}: ${answered} instead of ${code}`);
      };
      const asMember = expected(attempt, who, world, { reach: "member" });
      const asStaff = expected(attempt, who, world, { reach: "staff", kinds: CHAT_KINDS });
      if (attempt.unihub) {
        const { kinds } = attempt;
        const code = expected(attempt, who, world, { reach: "member", ...(kinds && { kinds }) });
        tell("UniHub", await attempt.unihub(who, world), code);
      }
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
      if (attempt.hub && who.hub) {
        const [method, ...args] = attempt.hub(world);
        const answer = await who.hub.ask(String(method), ...args);
        const message = asMember === "ok" ? "ok" : ERRORS[asMember][1];
        tell("SignalR", answer?.error ?? "ok", message);
      }
      if (attempt.io && who.io) {
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

/** Who is who in a new group or channel. */
async function moderated(kind: "group" | "channel", isLocked: boolean) {
  const callers = await callersOf(IN_MODERATED);
  const [author, other] = await Promise.all([person("author"), person("other")]);
  const [owner, moderator] = callers;
  if (!owner || !moderator) throw new Error("nobody");
  const members = IN_MODERATED.flatMap(({ role }, index) => (role ? (callers[index] ?? []) : []));
  const id =
    kind === "group"
      ? await groupOf(...members, author, other)
      : await channelOf(owner, [...members.slice(1), author, other], { isPublic: false });
  const path = `${UNIHUB}/conversations/${id}`;
  await owner.post(`${path}/moderators`, { userId: moderator.userId });
  for (const content of ["others'", "stays"]) await send(author, id, content);
  const named = (has: Relation["has"]) => {
    const caller = callers[IN_MODERATED.findIndex((relation) => relation.has === has)];
    if (!caller) throw new Error(`nobody ${has}`);
    return caller;
  };
  const until = new Date(Date.now() + UNTIL).toISOString();
  const mute = `${path}/participants/${named("muted").userId}/mute`;
  expect((await owner.put(mute, { until })).status).toBe(204);
  const removal = kind === "group" ? `${path}/participants` : `${UNIHUB}/channels/${id}/members`;
  expect((await owner.delete(`${removal}/${named("removed").userId}`)).status).toBe(200);
  const banned = { userId: named("banned").userId };
  expect((await owner.post(`${path}/bans`, banned)).status).toBe(204);
  await block(author, named("blocked"));
  await block(named("blocks"), author);
  if (isLocked) await owner.patch(path, { locked: true });
  const people = IN_MODERATED.map((relation, index) => ({
    relation,
    caller: callers[index] ?? owner,
  }));
  return { people, world: { id, authorId: author.userId, kind, isLocked } };
}

async function block(blocker: Caller, { userId }: Caller): Promise<void> {
  const { status, headers } = await blocker.put("/api/users/blocks", { userId });
  expect([status, headers.get("Warning")]).toEqual([204, null]);
}

test("the table names no action that is not attempted", () => {
  const attempted = new Set([...ATTEMPTS, ...Object.values(LEAVING)].map(({ action }) => action));
  expect([...attempted].sort()).toEqual(Object.keys(POLICY).sort());
});

test.each([
  ["group", false],
  ["group", true],
  ["channel", false],
  ["channel", true],
] as const)("in a %s, locked: %s", async (kind, isLocked) => {
  const { people, world } = await moderated(kind, isLocked);
  const all = await Promise.all(
    people.map(({ relation, caller }) => connected(relation, caller, world.id)),
  );
  const elsewhere = kind === "group" ? LEAVING.channel : LEAVING.group;
  expect(await differences(all, world, [...ATTEMPTS, elsewhere])).toEqual([]);
});

test.each([
  ["group", "unihub"],
  ["group", "marketplace"],
  ["channel", "unihub"],
] as const)("leaving a %s, %s", async (kind, transport) => {
  const { people, world } = await moderated(kind, false);
  const { action, admitted, [transport]: ask } = LEAVING[kind];
  if (!ask) throw new Error(`no ${action} over ${transport}`);
  // The owner last: whoever becomes the owner is somebody else in the table.
  const attempts = [{ action, admitted, [transport]: ask }];
  expect(await differences(people.toReversed(), world, attempts)).toEqual([]);
});

test.each([
  ["direct", undefined],
  ["direct", "blocked"],
  ["direct", "blocks"],
  ["purchase-request", undefined],
  ["purchase-request", "blocked"],
  ["purchase-request", "blocks"],
  ["support", undefined],
  ["support", "blocked"],
  ["support", "blocks"],
] as const)("in a %s chat, whose member has: %s", async (kind, has) => {
  const isSupport = kind === "support";
  const role = isSupport ? "owner" : "member";
  const relations: Relation[] = [{ name: `${role} ${has}`, role, ...(has && { has }) }, ...OTHERS];
  const first = await person("user");
  const author = await person("author", { role: isSupport ? "support" : "user" });
  const id = await conversationOf(kind, first, author);
  for (const content of ["others'", "stays"]) await send(author, id, content);
  if (has === "blocked") await block(author, first);
  if (has === "blocks") await block(first, author);
  // Admins who are known before are in a new support chat.
  const callers = [first, ...(await callersOf(OTHERS))];
  const people = await Promise.all(
    relations.map((relation, index) => connected(relation, callers[index] ?? first, id)),
  );
  const world = { id, authorId: author.userId, kind, isLocked: false };
  const attempts = [...ATTEMPTS, ...Object.values(LEAVING)];
  expect(await differences(people, world, attempts)).toEqual([]);
});

async function conversationOf(
  kind: "direct" | "purchase-request" | "support",
  first: Caller,
  { userId }: Caller,
): Promise<string> {
  switch (kind) {
    case "direct": {
      const path = `${UNIHUB}/conversations/direct`;
      return (await first.post(path, { otherUserId: userId })).body.conversationId;
    }
    case "purchase-request": {
      const body = { purchaseRequestId: crypto.randomUUID(), sellerId: userId };
      return (await first.post(`${CHATS}/purchase-request`, body)).body.data.chat._id;
    }
    case "support":
      return (await first.post(`${CHATS}/support`, {})).body.data.chat._id;
  }
}
