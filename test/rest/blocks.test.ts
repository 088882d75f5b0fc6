import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { deleteOldLiftedBlocks } from "../../src/directory/blocks.ts";
import { directoryOf } from "../../src/directory/directory.ts";
import {
  type Caller,
  channelOf,
  directPair,
  fetchJson,
  groupOf,
  person,
  send,
  someone,
} from "../support.ts";
import { BLOCKS, block, blocksIn, outcomeOf, pair, unblock } from "./blocked.ts";
import { CONVERSATIONS, DIRECT, fetchWith, GROUP, ISO_TIME, raw, USERS } from "./requests.ts";

const CHATS = "/api/chat";
const people = () => Promise.all([person("alice"), person("bob"), person("carol"), person("dave")]);

afterEach(() => {
  vi.restoreAllMocks();
});

describe("PUT, DELETE and GET /users/blocks", () => {
  test("204 and 204; the list has those blocked last first, with their names", async () => {
    const [alice, bob] = [await person("alice"), await person("bob", { name: "Bob" })];
    const carol = await person("carol");
    expect((await alice.get(BLOCKS)).body).toStrictEqual({ items: [] });
    await block(alice, bob);
    await block(alice, carol);
    await block(alice, bob);
    const { status, body } = await alice.get(BLOCKS);
    expect(status).toBe(200);
    const blockedAt = expect.stringMatching(ISO_TIME);
    expect(body).toStrictEqual({
      items: [
        { userId: carol.userId, name: null, avatarUrl: null, blockedAt },
        { userId: bob.userId, name: "Bob", avatarUrl: null, blockedAt },
      ],
    });
    expect((await bob.get(BLOCKS)).body).toStrictEqual({ items: [] });
    await unblock(alice, carol);
    await unblock(alice, carol);
    await unblock(alice, { userId: someone() });
    expect((await alice.get(BLOCKS)).body.items).toMatchObject([{ userId: bob.userId }]);
  });

  test("400 for oneself, and for somebody who is not known", async () => {
    const alice = await person("alice");
    const oneself = await alice.put(BLOCKS, { userId: alice.userId });
    expect(outcomeOf(oneself)).toEqual([400, "invalid_participants"]);
    const unknown = await alice.put(BLOCKS, { userId: someone() });
    expect(outcomeOf(unknown)).toEqual([400, "unknown_user"]);
    expect((await alice.get(BLOCKS)).body.items).toEqual([]);
  });

  test("a user id that is a UUID in upper case is the same user", async () => {
    const [alice, id] = [await person("alice"), crypto.randomUUID()];
    await (await person("admin", { role: "admin" })).put(USERS, { users: [{ id }] });
    await block(alice, { userId: id.toUpperCase() });
    expect((await alice.get(BLOCKS)).body.items).toMatchObject([{ userId: id }]);
    await unblock(alice, { userId: id.toUpperCase() });
    expect((await alice.get(BLOCKS)).body.items).toEqual([]);
  });

  test.each([{}, { userId: "" }, { userId: "a\u0000" }, { userId: 7 }])(
    "400 with %j",
    async (body) => {
      const alice = await person("alice");
      expect(outcomeOf(await alice.put(BLOCKS, body))).toEqual([400, "invalid_request"]);
      expect(outcomeOf(await alice.delete(BLOCKS, body))).toEqual([400, "invalid_request"]);
    },
  );

  test("401 without a token", async () => {
    expect((await fetchJson(BLOCKS)).status).toBe(401);
  });
});

describe("a block is in every conversation that the two share", () => {
  test("once it was answered, in those alone; and likewise when it is lifted", async () => {
    const [alice, bob, carol] = await people();
    const { body } = await alice.post(DIRECT, { otherUserId: bob.userId });
    const shared = [
      body.conversationId,
      await groupOf(carol, alice, bob),
      await channelOf(bob, [alice]),
    ];
    const apart = [await groupOf(alice, carol), await groupOf(bob, carol)];
    await block(alice, bob);
    for (const id of shared) expect(await blocksIn(id)).toEqual([pair(alice, bob)]);
    for (const id of apart) expect(await blocksIn(id)).toEqual([]);
    await block(bob, alice);
    for (const id of shared) {
      expect(await blocksIn(id)).toEqual([pair(alice, bob), pair(bob, alice)].sort());
    }
    await unblock(alice, bob);
    for (const id of shared) expect(await blocksIn(id)).toEqual([pair(bob, alice)]);
  });

  test("also of somebody who has left, whose messages stay", async () => {
    const [alice, bob, carol] = await people();
    const group = await groupOf(alice, bob, carol);
    await alice.delete(`${CONVERSATIONS}/${group}/participants/${bob.userId}`);
    await block(alice, bob);
    expect(await blocksIn(group)).toEqual([pair(alice, bob)]);
  });

  test("lifted while the blocker is away, it does not hold when they come back much later", async () => {
    const [alice, bob] = await people();
    const channel = await channelOf(bob, [alice]);
    await block(alice, bob);
    await alice.post(`/api/v1/chat/channels/${channel}/leave`);
    await unblock(alice, bob);
    await deleteOldLiftedBlocks(directoryOf(env.DB), Date.now() + 31 * 24 * 60 * 60_000);
    await alice.post(`/api/v1/chat/channels/${channel}/join`);
    expect(await blocksIn(channel)).toEqual([]);
  });
});

describe("who enters a conversation brings their blocks", () => {
  test("a new group has those between any two of its members", async () => {
    const [alice, bob, carol, dave] = await people();
    await block(bob, carol);
    await block(dave, bob);
    await block(alice, await person("stranger"));
    const group = await groupOf(alice, bob, carol, dave);
    expect(await blocksIn(group)).toEqual([pair(bob, carol), pair(dave, bob)].sort());
  });

  test("one who is added, in both directions, also against those who have left", async () => {
    const [alice, bob, carol, dave] = await people();
    const group = await groupOf(alice, bob, carol);
    await alice.delete(`${CONVERSATIONS}/${group}/participants/${carol.userId}`);
    await block(bob, dave);
    await block(dave, carol);
    const added = await alice.post(`${CONVERSATIONS}/${group}/participants`, {
      participantId: dave.userId,
    });
    expect(added.status).toBe(200);
    expect(await blocksIn(group)).toEqual([pair(bob, dave), pair(dave, carol)].sort());
  });

  test("one who is added over the marketplace API, and one who joins a channel", async () => {
    const [alice, bob, carol] = await people();
    const group = await groupOf(alice, bob);
    await block(bob, carol);
    const added = await alice.post(`${CHATS}/${group}/participants`, { userId: carol.userId });
    expect(added.status).toBe(200);
    expect(await blocksIn(group)).toEqual([pair(bob, carol)]);
    const channel = await channelOf(alice, [bob, carol]);
    expect(await blocksIn(channel)).toEqual([pair(bob, carol)]);
  });
});

describe("across a block, 403 cannot_contact for both, which does not tell who blocks whom", () => {
  const refused = [403, "cannot_contact"];

  test("for a new direct conversation; one that exists can be opened and read", async () => {
    const [alice, bob] = await people();
    const { alice: carol, bob: dave, conversationId } = await directPair();
    await send(carol, conversationId, "before");
    await block(alice, bob);
    await block(carol, dave);
    const messages: string[] = [];
    for (const [caller, other] of [
      [alice, bob],
      [bob, alice],
    ] as const) {
      const answer = await caller.post(DIRECT, { otherUserId: other.userId });
      expect(outcomeOf(answer)).toEqual(refused);
      messages.push(answer.body.error);
      const chat = await caller.post(CHATS, { participantIds: [other.userId], type: "direct" });
      expect(chat.status).toBe(403);
    }
    expect(new Set(messages).size).toBe(1);
    for (const [caller, other] of [
      [carol, dave],
      [dave, carol],
    ] as const) {
      const { status, body } = await caller.post(DIRECT, { otherUserId: other.userId });
      expect([status, body]).toEqual([201, { conversationId }]);
      const chat = await caller.post(CHATS, { participantIds: [other.userId], type: "direct" });
      expect(chat.status).toBe(200);
      const { body: page } = await caller.get(
        `/api/v1/chat/messages?conversationId=${conversationId}`,
      );
      expect(page.items).toMatchObject([{ content: "before" }]);
    }
    await unblock(alice, bob);
    expect((await bob.post(DIRECT, { otherUserId: alice.userId })).status).toBe(201);
  });

  test("for a new group with the other, over both APIs; not for one that a third person makes", async () => {
    const [alice, bob, carol] = await people();
    await block(alice, bob);
    for (const [caller, other] of [
      [alice, bob],
      [bob, alice],
    ] as const) {
      const participantIds = [other.userId, carol.userId];
      const group = await caller.post(GROUP, { title: "g", participantIds });
      expect(outcomeOf(group)).toEqual(refused);
      expect((await caller.post(CHATS, { participantIds, type: "group" })).status).toBe(403);
    }
    const participantIds = [alice.userId, bob.userId];
    expect((await carol.post(GROUP, { title: "g", participantIds })).status).toBe(201);
  });

  test("for a new chat about a purchase request; one that exists is found", async () => {
    const [buyer, seller] = [await person("buyer"), await person("seller")];
    const about = (purchaseRequestId: string) =>
      buyer.post(`${CHATS}/purchase-request`, { purchaseRequestId, sellerId: seller.userId });
    const [first, second] = [someone("request"), someone("request")];
    expect((await about(first)).status).toBe(201);
    await block(seller, buyer);
    expect((await about(first)).status).toBe(200);
    expect((await about(second)).status).toBe(403);
  });

  test("for adding the other to a group, after all other refusals", async () => {
    const [alice, bob, carol] = await people();
    const [ofAlice, ofBob] = [await groupOf(alice, carol), await groupOf(bob, carol)];
    const both = await groupOf(carol, alice, bob);
    await block(alice, bob);
    const add = (caller: Caller, group: string, other: Caller) =>
      caller.post(`${CONVERSATIONS}/${group}/participants`, { participantId: other.userId });
    expect(outcomeOf(await add(alice, ofAlice, bob))).toEqual(refused);
    expect(outcomeOf(await add(bob, ofBob, alice))).toEqual(refused);
    const chat = await alice.post(`${CHATS}/${ofAlice}/participants`, { userId: bob.userId });
    expect(chat.status).toBe(403);
    // What they would be told without a block.
    expect(outcomeOf(await add(alice, ofBob, bob))).toEqual([403, "not_a_member"]);
    expect(outcomeOf(await add(alice, both, bob))).toEqual([403, "forbidden"]);
    expect(await blocksIn(ofAlice)).toEqual([]);
    await unblock(alice, bob);
    expect((await add(alice, ofAlice, bob)).status).toBe(200);
    expect((await add(bob, ofBob, alice)).status).toBe(200);
  });

  test("for inviting the other to a channel, after all other refusals", async () => {
    const [alice, bob] = await people();
    const [ofAlice, ofBob] = [await channelOf(alice, [bob]), await channelOf(bob)];
    await block(alice, bob);
    const invite = (caller: Caller, channel: string, other: Caller) =>
      caller.post(`/api/v1/chat/channels/${channel}/invitations`, { userId: other.userId });
    expect(outcomeOf(await invite(bob, ofBob, alice))).toEqual(refused);
    expect(outcomeOf(await invite(alice, ofAlice, bob))).toEqual([400, "already_a_member"]);
    expect(outcomeOf(await invite(alice, ofBob, bob))).toEqual([403, "not_a_member"]);
    await bob.post(`/api/v1/chat/channels/${ofAlice}/leave`);
    expect(outcomeOf(await invite(alice, ofAlice, bob))).toEqual(refused);
    await unblock(alice, bob);
    expect((await invite(bob, ofBob, alice)).status).toBe(200);
  });

  test("not in support, where staff cannot be blocked", async () => {
    const agent = await person("agent", { role: "support" });
    const alice = await person("alice");
    await block(alice, agent);
    const { status, body } = await alice.post(`${CHATS}/support`, { subject: "help" });
    expect(status).toBe(201);
    expect(await blocksIn(body.data.chat._id)).toEqual([]);
  });
});

describe("when D1 is down", () => {
  test("a channel can still be joined", async () => {
    const [alice, bob] = await people();
    const channel = await channelOf(alice);
    vi.spyOn(console, "log").mockReturnValue(undefined);
    vi.spyOn(env.DB, "prepare").mockImplementation(() => {
      throw new Error("D1_ERROR: down");
    });
    expect((await bob.post(`/api/v1/chat/channels/${channel}/join`)).status).toBe(200);
  });
});

describe("GET /users?q=", () => {
  const found = async (caller: Caller, q: string) =>
    (await caller.get(`${USERS}?q=${q}`)).body.users.map(({ id }: { id: string }) => id);

  test("leaves out those whom the caller blocks, and those who block the caller; not by id", async () => {
    const q = someone("zed");
    const [alice, blocked, blocker, other] = await Promise.all(
      ["alice", "blocked", "blocker", "other"].map((name) =>
        person(name, { name: `${q} ${name}` }),
      ),
    );
    if (!alice || !blocked || !blocker || !other) throw new Error("four people");
    await block(alice, blocked);
    await block(blocker, alice);
    expect(new Set(await found(alice, q))).toEqual(new Set([alice.userId, other.userId]));
    expect(await found(other, q)).toHaveLength(4);
    const ids = [blocked, blocker].map(({ userId }) => userId).join();
    expect((await alice.get(`${USERS}?ids=${ids}`)).body.users).toHaveLength(2);
  });
});

describe("USER_SEARCH", () => {
  async function world() {
    const q = someone("yve");
    const [alice, bob, former, stranger, member] = await Promise.all(
      ["alice", "bob", "former", "stranger", "member"].map((name) =>
        person(name, { name: `${q} ${name}` }),
      ),
    );
    if (!alice || !bob || !former || !stranger || !member) throw new Error("five people");
    await alice.post(DIRECT, { otherUserId: bob.userId });
    await channelOf(stranger, [member, alice]);
    const group = await groupOf(alice, bob, former);
    await alice.delete(`${CONVERSATIONS}/${group}/participants/${former.userId}`);
    const left = await channelOf(await person(), [former, stranger]);
    await stranger.post(`/api/v1/chat/channels/${left}/leave`);
    const apart = await person("apart", { name: `${q} apart` });
    return { q, alice, bob, former, stranger, member, apart };
  }
  const look = async (search: string, caller: Caller, query: string) => {
    const answer = await fetchWith(
      { USER_SEARCH: search },
      `${USERS}?${query}`,
      raw(caller, "GET"),
    );
    expect(answer.status).toBe(200);
    return answer.body.users.map(({ id }: { id: string }) => id).sort();
  };
  const idsOf = (...callers: Caller[]) => callers.map(({ userId }) => userId).sort();

  test("contacts: those of conversations that the caller is in, by name and by id", async () => {
    const { q, alice, bob, former, stranger, member, apart } = await world();
    const everybody = [alice, bob, former, stranger, member, apart];
    const ids = `ids=${everybody.map(({ userId }) => userId).join()}`;
    for (const query of [`q=${q}`, ids]) {
      const contacts = idsOf(alice, bob, former, stranger, member);
      expect(await look("contacts", alice, query)).toEqual(contacts);
      expect(await look("contacts", bob, query)).toEqual(idsOf(alice, bob, former));
      // Of a conversation that they were removed from they see nobody.
      expect(await look("contacts", former, query)).toEqual(idsOf(former, stranger));
      expect(await look("everyone", apart, query)).toEqual(idsOf(...everybody));
    }
    await block(alice, bob);
    expect(await look("contacts", bob, `q=${q}`)).toEqual(idsOf(bob, former));
    expect(await look("contacts", bob, ids)).toEqual(idsOf(alice, bob, former));
  });

  test("off: nobody by name, contacts by id", async () => {
    const { q, alice, bob, former, apart } = await world();
    const ids = `ids=${[alice, bob, former, apart].map(({ userId }) => userId).join()}`;
    expect(await look("off", bob, `q=${q}`)).toEqual([]);
    expect(await look("off", bob, ids)).toEqual(idsOf(alice, bob, former));
  });

  test("an admin finds everyone", async () => {
    const { q, alice, bob, former, stranger, member, apart } = await world();
    const admin = await person("admin", { role: "admin" });
    for (const search of ["contacts", "off"]) {
      const found = await look(search, admin, `q=${q}`);
      expect(found).toEqual(idsOf(alice, bob, former, stranger, member, apart));
    }
  });
});
