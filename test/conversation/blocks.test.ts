import { env } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { conversationOf } from "../../src/conversation/stub.ts";
import { writeBlocks } from "../../src/directory/blocks.ts";
import { directoryOf } from "../../src/directory/directory.ts";
import type { Block } from "../../src/domain/block.ts";
import type { Actor } from "../../src/domain/policy.ts";
import { Hub, Io } from "../gateway/line.ts";
import { openRooms } from "../inbox/room-client.ts";
import {
  type Caller,
  channelOf,
  directPair,
  fireAlarms,
  groupOf,
  objectOf,
  open,
  openLive,
  person,
  send,
  unreadOf,
} from "../support.ts";
import { text, together } from "./together.ts";

/** Blocks in a conversation: what they refuse, what is shown anew, and in which order facts arrive. */

const CHAT = "/api/v1/chat";
let versions = 0;

/** A fact as the inbox of a user tells it, newer than all before. */
function fact(user: Caller, other: Caller, blocked = true): Block {
  return { userId: user.userId, blockedId: other.userId, blocked, version: ++versions };
}

function apply(conversationId: string, ...blocks: Block[]): Promise<void> {
  return objectOf(conversationId).applyBlocks(blocks);
}

/** The same in D1 alone, where the inbox writes it first. */
async function writeToD1({ userId, ...change }: Block): Promise<void> {
  await writeBlocks(directoryOf(env.DB), userId, [{ ...change, at: Date.now() }]);
}

function actorOf({ userId }: Caller): Actor {
  return { userId, name: null, avatarUrl: null, role: "user", reach: "member" };
}

async function revOf(conversationId: string, who: Caller): Promise<number> {
  const row = await objectOf(conversationId).rearm(who.userId);
  if (!row) throw new Error("never a member");
  return row.rev;
}

/** The texts of the messages as a person sees them, newest first; `null`: hidden. */
async function textsFor(who: Caller, conversationId: string): Promise<(string | null)[]> {
  const { body } = await who.get(`${CHAT}/messages?conversationId=${conversationId}`);
  return body.items.map(({ content, hidden }: { content: string; hidden?: true }) =>
    hidden ? null : content,
  );
}

async function trio(): Promise<[Caller, Caller, Caller]> {
  return await Promise.all([person("alice"), person("eve"), person("carol")]);
}

describe("between two people", () => {
  test("nobody writes, edits, reacts or types, on any transport; what was sent before is answered", async () => {
    const { alice, bob, conversationId: id } = await directPair();
    const key = { clientMessageId: "before" };
    const { messageId } = (await send(bob, id, "before", key)).body;
    const code = "cannot_contact";
    for (const [by, other] of [[alice, bob] as const, [bob, alice] as const]) {
      await apply(id, fact(by, other));
      for (const who of [alice, bob]) {
        const rest = [
          await send(who, id, "hello"),
          await who.post(`/api/chat/${id}/messages`, { content: "hello" }),
          await who.post(`${CHAT}/messages/${messageId}/reactions`, { emoji: "👍" }),
        ];
        for (const { status, body } of rest) expect([status, body.code]).toEqual([403, code]);
        const live = await openLive(who, id);
        const room = await (await openRooms(who)).open(id);
        for (const socket of [live, room]) {
          socket.send({ op: "send", id: 1, content: "hello" });
          expect(await socket.next("error")).toMatchObject({ code });
        }
        const [io, hub] = [await Io.connect(who), await Hub.connect(who)];
        await io.ask("join-chat-room", id);
        await hub.ask("JoinConversation", id);
        const sent = await io.ask("send-message", { chatId: id, content: "hello" });
        expect(sent).toMatchObject({ code });
        expect(await io.ask("typing-start", id)).toMatchObject({ code });
        for (const method of ["SendMessage", "StartTyping"]) {
          const text = method === "SendMessage" ? ["hello"] : [];
          const { error } = await hub.ask(method, id, ...text);
          expect(error).toContain("cannot contact");
        }
      }
      const edit = await bob.put(`/api/chat/${id}/messages/${messageId}`, { content: "edited" });
      expect([edit.status, edit.body.code]).toEqual([403, code]);
      const again = await send(bob, id, "before", key);
      expect(again).toMatchObject({ status: 201, body: { messageId, deduplicated: true } });
      // Nothing is hidden here.
      for (const who of [alice, bob]) expect(await textsFor(who, id)).toEqual(["before"]);
      await apply(id, fact(by, other, false));
    }
    for (const who of [alice, bob]) expect((await send(who, id, "again")).status).toBe(201);
    expect(await unreadOf(alice, id)).toBe(2);
  }, 60_000);

  test("typing reaches nobody, and neither sees the other come or go", async () => {
    const { alice, bob, conversationId: id } = await directPair();
    const a = await openLive(alice, id);
    const b = await openLive(bob, id);
    await a.next("presence", ({ userId, online }) => userId === bob.userId && online);
    await apply(id, fact(alice, bob));
    for (const [socket, other] of [[a, bob] as const, [b, alice] as const]) {
      const gone = await socket.next("presence", ({ userId }) => userId === other.userId);
      expect(gone.online).toBe(false);
    }
    b.send({ op: "typing", active: true });
    b.send({ op: "read", id: "r" });
    await b.next("ack");
    const again = await open(bob, id);
    expect((await again.next("hello")).online).toEqual([bob.userId]);
    expect(a.all("typing")).toEqual([]);
    expect(a.all("sync")).toHaveLength(1);
    await apply(id, fact(alice, bob, false));
    const back = await a.next("presence", ({ userId }) => userId === bob.userId);
    expect(back.online).toBe(true);
  });
});

test("in a support chat a block does nothing", async () => {
  const [user, agent] = [await person("user"), await person("agent", { role: "support" })];
  const { body } = await user.post("/api/chat/support", { initialMessage: "help" });
  const { _id: id } = body.data.chat;
  const before = await revOf(id, user);
  await apply(id, fact(user, agent), fact(agent, user));
  expect(await revOf(id, user)).toBe(before);
  expect((await agent.post(`/api/chat/${id}/messages`, { content: "hello" })).status).toBe(201);
  expect((await user.post(`/api/chat/${id}/messages`, { content: "thanks" })).status).toBe(201);
});

describe("whoever blocks", () => {
  test("is shown everything anew, on open sockets and on those that resume; nobody else is", async () => {
    const [alice, eve, carol] = await trio();
    const id = await groupOf(alice, eve, carol);
    for (const text of ["one", "two"]) await send(eve, id, text);
    await send(carol, id, "three");
    const [a, c, e] = [
      await openLive(alice, id),
      await openLive(carol, id),
      await openLive(eve, id),
    ];
    const room = await (await openRooms(alice)).open(id);
    const hello = await (await open(alice, id)).next("hello");
    const { epoch, rev } = hello;
    expect(hello.you.unread).toBe(3);
    await apply(id, fact(alice, eve));
    for (const socket of [a, room]) {
      const reset = await socket.next("sync", (sync) => sync.reset === true);
      expect(reset).toMatchObject({ more: false, unread: 1, to: rev + 1 });
      const shown = reset.messages.map(({ hidden, content }) => [hidden, content]);
      expect(shown.slice(-3)).toEqual([
        ...[
          [true, ""],
          [true, ""],
        ],
        [undefined, "three"],
      ]);
    }
    const resumed = await open(alice, id, `?since=${rev}&epoch=${epoch}`);
    expect(await resumed.next("sync")).toMatchObject({ reset: true, unread: 1 });
    const later = await open(alice, id, `?since=${rev + 1}&epoch=${epoch}`);
    expect(await later.next("sync")).not.toHaveProperty("reset");
    const other = await open(carol, id, `?since=${rev}&epoch=${epoch}`);
    const sync = await other.next("sync");
    expect(sync).toMatchObject({ messages: [], members: [], reads: [], conversation: null });
    await send(eve, id, "four");
    for (const socket of [c, e]) {
      await socket.next("message", ({ message }) => message.content === "four");
      expect(socket.all("sync")).toHaveLength(1);
    }
    const four = await a.next("message", ({ message }) => message.number === 4);
    expect(four.message).toMatchObject({ hidden: true, content: "", senderId: eve.userId });
    await apply(id, fact(alice, eve, false));
    for (const socket of [a, room]) {
      const reset = await socket.next("sync", (sync) => sync.reset === true);
      expect(reset.messages.map(({ content }) => content).slice(-4)).toEqual([
        ...["one", "two", "three", "four"],
      ]);
      expect(reset.unread).toBe(1);
    }
    await send(eve, id, "five");
    await a.next("message", ({ message }) => message.content === "five");
    expect(await unreadOf(alice, id)).toBe(2);
  });

  test("in the commit of a message is shown it as well", async () => {
    const [alice, eve, carol] = await trio();
    const id = await groupOf(alice, eve, carol);
    const a = await openLive(alice, id);
    const conversation = conversationOf(env, id);
    const content = { type: "send", kind: "text", maxLength: 100 } as const;
    const options = { wait: false, readers: false };
    const [, , answers] = await Promise.all([
      conversation.submit(actorOf(carol), { ...content, content: "first" }, options),
      conversation.submit(actorOf(carol), { ...content, content: "of carol" }, options),
      conversation.submitAll(
        actorOf(eve),
        [
          { ...content, content: "of eve" },
          { type: "blocks", blocks: [fact(alice, eve)] },
          { ...content, content: "of eve too" },
        ],
        options,
      ),
    ]);
    expect(answers.map(({ result }) => result.ok)).toEqual([true, true, true]);
    const reset = await a.next("sync", (sync) => sync.reset === true);
    const shown = reset.messages.map((one) => (one.hidden ? null : one.content));
    expect(shown.toSorted()).toEqual(["first", null, null, "of carol"].toSorted());
    expect(reset.unread).toBe(2);
    expect(await unreadOf(alice, id)).toBe(2);
  });

  test("and leaves in the same commit is shown nothing that came after that", async () => {
    const [alice, eve, carol] = await trio();
    const id = await groupOf(carol, alice, eve);
    const a = await openLive(alice, id);
    const outcomes = await together(id, [
      [carol, text("before")],
      [carol, { type: "blocks", blocks: [fact(alice, eve)] }],
      [alice, { type: "remove", userId: alice.userId }],
      [carol, text("behind her back")],
    ]);
    expect(outcomes).toEqual(["ok", "ok", "ok", "ok"]);
    expect(await a.closed).toMatchObject({ code: 4403 });
    expect(a.frames.join()).toContain("before");
    expect(a.frames.join()).not.toContain("behind her back");
  });

  test("is told by nothing of whom they block that they are connected", async () => {
    const [alice, eve, carol] = await trio();
    const id = await groupOf(alice, eve, carol);
    const a = await openLive(alice, id);
    const e = await openLive(eve, id);
    await a.next("presence", ({ userId }) => userId === eve.userId);
    await apply(id, fact(alice, eve));
    const gone = await a.next("presence", ({ userId }) => userId === eve.userId);
    expect(gone.online).toBe(false);
    e.close(1_000);
    await openLive(eve, id);
    await openLive(carol, id);
    await a.next("presence", ({ userId }) => userId === carol.userId);
    expect(a.all("presence").filter(({ userId }) => userId === eve.userId)).toHaveLength(2);
    const hello = await (await open(alice, id)).next("hello");
    expect(hello.online).not.toContain(eve.userId);
    const theirs = await (await open(eve, id)).next("hello");
    expect(theirs.online).toContain(alice.userId);
    // Nothing tells the blocked person of it.
    expect(e.all("presence").filter(({ userId }) => userId === alice.userId)).toEqual([]);
  });
});

describe("facts about blocks", () => {
  test("are taken once and in the order of their versions, whatever order they arrive in", async () => {
    const [alice, eve, carol] = await trio();
    const id = await groupOf(alice, eve, carol);
    await send(eve, id, "text");
    const [first, lifted, last] = [
      fact(alice, eve),
      fact(alice, eve, false),
      fact(alice, eve),
    ] as const;
    await apply(id, last);
    const rev = await revOf(id, alice);
    await apply(id, first, lifted);
    await apply(id, last, lifted);
    expect(await revOf(id, alice)).toBe(rev);
    expect(await textsFor(alice, id)).toEqual([null]);
    await apply(id, fact(alice, eve, false), fact(alice, eve));
    expect(await textsFor(alice, id)).toEqual([null]);
  });

  test("of people who were never here, or about oneself, do nothing", async () => {
    const [alice, eve, stranger] = await trio();
    const id = await groupOf(alice, eve, await person());
    const rev = await revOf(id, alice);
    await apply(id, fact(stranger, eve), fact(alice, alice));
    expect(await revOf(id, alice)).toBe(rev);
  });

  test("come with a join, in the same commit", async () => {
    const [alice, eve, carol] = await trio();
    const id = await channelOf(carol, [eve]);
    await send(eve, id, "before");
    const command = { type: "join", blocks: [fact(alice, eve)] } as const;
    const options = { wait: false, readers: false };
    const { result } = await conversationOf(env, id).submit(actorOf(alice), command, options);
    expect(result.ok).toBe(true);
    expect(await textsFor(alice, id)).toEqual([null]);
    await send(eve, id, "after");
    expect(await unreadOf(alice, id)).toBe(0);
    await send(carol, id, "hello");
    expect(await unreadOf(alice, id)).toBe(1);
  });

  test("that D1 has and a join did not see are looked up once D1 has the member, in both directions", async () => {
    const [alice, eve, carol] = await trio();
    const id = await channelOf(carol, []);
    await writeToD1(fact(alice, eve));
    const options = { wait: true, readers: false };
    for (const who of [eve, alice]) {
      await conversationOf(env, id).submit(actorOf(who), { type: "join" }, options);
    }
    await send(eve, id, "text");
    await vi.waitFor(async () => expect(await textsFor(alice, id)).toEqual([null]));
    expect(await textsFor(carol, id)).toEqual(["text"]);

    const other = await channelOf(carol, []);
    for (const who of [alice, eve]) {
      await conversationOf(env, other).submit(actorOf(who), { type: "join" }, options);
    }
    await send(eve, other, "text");
    await vi.waitFor(async () => expect(await textsFor(alice, other)).toEqual([null]));
  });

  test("are looked up again after D1 failed, or the object was evicted", async () => {
    const [alice, eve, carol] = await trio();
    const id = await channelOf(carol, [eve]);
    await send(eve, id, "text");
    await writeToD1(fact(alice, eve));
    const prepare = env.DB.prepare.bind(env.DB);
    const spy = vi.spyOn(env.DB, "prepare").mockImplementation((query) => {
      if (query.includes("lifted_blocks")) throw new Error("D1 fails on purpose");
      return prepare(query);
    });
    const options = { wait: true, readers: false };
    await conversationOf(env, id).submit(actorOf(alice), { type: "join" }, options);
    expect(spy).toHaveBeenCalled();
    spy.mockRestore();
    expect(await textsFor(alice, id)).toEqual(["text"]);
    await vi.waitFor(
      async () => {
        await fireAlarms(id);
        expect(await textsFor(alice, id)).toEqual([null]);
      },
      { timeout: 10_000 },
    );
  });

  test("that were lifted while a member was away no longer hide anything when they are back", async () => {
    const [alice, eve, carol] = await trio();
    const id = await channelOf(carol, [eve, alice]);
    const blocked = fact(alice, eve);
    await writeToD1(blocked);
    await apply(id, blocked);
    await alice.post(`${CHAT}/channels/${id}/leave`);
    await send(eve, id, "text");
    await writeToD1(fact(alice, eve, false));
    const options = { wait: true, readers: false };
    await conversationOf(env, id).submit(actorOf(alice), { type: "join" }, options);
    await vi.waitFor(async () => expect(await textsFor(alice, id)).toEqual(["text"]));
    expect(await unreadOf(alice, id)).toBe(0);
  });
});

describe("notifications", () => {
  const query = { level: "all", after: undefined } as const;

  test("are of nothing that a block hides, be it a mention; what others sent before it is found", async () => {
    const [alice, eve, carol] = await trio();
    const id = await groupOf(eve, alice, carol);
    const { userId } = alice;
    const asked = () => objectOf(id).notifiable({ userId, ...query });
    await apply(id, fact(alice, eve));
    await send(eve, id, "text", { mentions: [userId] });
    await send(eve, id, "all", { mentionsAll: true });
    expect(await asked()).not.toHaveProperty("notifiable");
    await send(carol, id, "shown");
    for (let i = 0; i < 3; i++) await send(eve, id, `more ${i}`);
    const answer = await asked();
    expect(answer?.notifiable).toMatchObject({ message: { text: "shown" }, unread: 1 });
    // What was hidden then stays read when the block is lifted.
    await apply(id, fact(alice, eve, false));
    expect((await asked())?.notifiable).toMatchObject({ message: { text: "shown" }, unread: 1 });
    await send(eve, id, "later");
    expect((await asked())?.notifiable).toMatchObject({ message: { text: "later" }, unread: 2 });
  });
});
