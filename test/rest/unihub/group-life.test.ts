import { afterEach, describe, expect, test, vi } from "vitest";
import { text, together } from "../../conversation/together.ts";
import {
  type Caller,
  groupOf,
  openLive,
  person,
  type Socket,
  send,
  unreadOf,
} from "../../support.ts";
import { entryOf, page } from "../requests.ts";
import { add, expectError, newest, remove, sent } from "./client.ts";

afterEach(() => {
  vi.useRealTimers();
});

async function threePeople() {
  const [alice, bob, carol] = await Promise.all([
    person("alice", { name: "Alice" }),
    person("bob", { name: "Bob" }),
    person("carol"),
  ]);
  return { alice, bob, carol, group: await groupOf(alice, bob, carol) };
}

function added(caller: Caller) {
  return {
    type: "add",
    person: { userId: caller.userId, name: null, avatarUrl: null },
  } as const;
}

function contents(socket: Socket): string[] {
  return socket.all("message").map((event) => event.message.content);
}

describe("system messages", () => {
  test("adding, removing and leaving create one each, without a sender", async () => {
    const { alice, bob, carol, group } = await threePeople();
    const dave = await person("dave", { name: "Dave" });
    await add(alice, group, dave);
    await remove(alice, group, bob);
    await remove(carol, group, carol);
    const { body } = await page(alice, group);
    expect(body.items).toMatchObject(
      [`${carol.userId} left`, "Bob was removed", "Dave was added"].map((content) => ({
        content,
        ...{ type: "System", senderId: null, isDeleted: false, reactions: [] },
      })),
    );
  });

  test("do not count as unread, as the last message, or for a rate limit", async () => {
    const { alice, bob, carol, group } = await threePeople();
    const dave = await person("dave");
    const before = await send(alice, group, "first");
    await bob.post(`/api/v1/chat/messages/${before.body.messageId}/read`);
    await add(alice, group, dave);
    await remove(alice, group, dave);
    await remove(carol, group, carol);
    for (const member of [alice, bob]) {
      expect(await unreadOf(member, group)).toBe(0);
      expect(await entryOf(member, group)).toMatchObject({
        ...{ unreadCount: 0, lastMessage: { content: "first" } },
        lastMessageTime: before.body.sentAt,
      });
    }
    const after = await send(alice, group, "second");
    expect(after.headers.get("RateLimit-Remaining")).toBe("98");
    expect(await unreadOf(bob, group)).toBe(1);
  });

  test("a group with system messages only has no last message", async () => {
    const { alice, bob, group } = await threePeople();
    await remove(bob, group, bob);
    expect(await entryOf(alice, group)).toMatchObject({
      ...{ lastMessage: null, lastMessageTime: null, unreadCount: 0 },
    });
  });
});

describe("a removed member", () => {
  test("has all sockets closed with 4403 at once, and the others receive the removal", async () => {
    const { alice, bob, group } = await threePeople();
    const a = await openLive(alice, group);
    const devices = [await openLive(bob, group), await openLive(bob, group)];
    await remove(alice, group, bob);
    for (const device of devices) expect(await device.closed).toMatchObject({ code: 4403 });
    const { member } = await a.next("member");
    expect(member).toMatchObject({ userId: bob.userId, leftAt: expect.any(String) });
    const knock = await openLive(alice, group);
    expect(knock.all("hello")[0]?.online).toEqual([alice.userId]);
  });

  test("receives no later commands of the same group commit", async () => {
    const { alice, bob, carol, group } = await threePeople();
    const [a, b] = [await openLive(alice, group), await openLive(bob, group)];
    const outcomes = await together(group, [
      [carol, text("before")],
      [alice, { type: "remove", userId: bob.userId }],
      [bob, text("from outside")],
      [carol, text("after")],
    ]);
    expect(outcomes).toEqual(["ok", "ok", "not_a_member", "ok"]);
    expect(await b.closed).toMatchObject({ code: 4403 });
    expect(contents(b)).toEqual(["before"]);
    expect(b.events.at(-1)).toMatchObject({ type: "member", cause: "removed" });
    await a.until(() => a.all("message").length === 3);
    expect(contents(a)).toEqual(["before", "Bob was removed", "after"]);
    // In one frame; presence comes in frames of its own.
    const frame = a.frames.find((text) => text.includes('"after"'));
    expect(frame?.split("\n")).toHaveLength(4);
  });

  test("stays disconnected if the same group commit adds them again, and must reconnect", async () => {
    const { alice, bob, carol, group } = await threePeople();
    const b = await openLive(bob, group);
    expect(
      await together(group, [
        [alice, { type: "remove", userId: bob.userId }],
        [carol, text("meanwhile")],
        [alice, added(bob)],
      ]),
    ).toEqual(["ok", "ok", "ok"]);
    expect(await b.closed).toMatchObject({ code: 4403 });
    expect(contents(b)).toEqual([]);
    expect(await unreadOf(bob, group)).toBe(0);
  });
});

describe("when the owner leaves", () => {
  test("the longest-standing member becomes the owner, regardless of the order of ids", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const later = () => vi.setSystemTime(Date.now() + 1_000);
    const people = await Promise.all([person("alice"), person("bob"), person("carol")]);
    const [alice, bob, carol] = people;
    const dave = await person("dave");
    const group = await groupOf(alice, bob, carol);
    later();
    await remove(bob, group, bob);
    await add(alice, group, dave);
    later();
    await add(alice, group, bob);
    const [b, c] = [await openLive(bob, group), await openLive(carol, group)];
    expect((await remove(alice, group, alice)).status).toBe(200);
    for (const socket of [b, c]) {
      const { member } = await socket.next("member", ({ cause }) => cause === "role");
      expect(member).toMatchObject({ userId: carol.userId, role: "owner" });
    }
    for (const other of [bob, dave]) {
      expectError(await add(other, group, alice), 403, "forbidden");
    }
    // Dave is next, because he joined before Bob joined again.
    await remove(carol, group, carol);
    expectError(await remove(bob, group, dave), 403, "forbidden");
    expect((await add(dave, group, alice)).status).toBe(200);
  });

  test("and joins again, they are an ordinary member", async () => {
    const { alice, bob, carol, group } = await threePeople();
    await remove(alice, group, alice);
    const heir = [bob, carol].toSorted((x, y) => (x.userId < y.userId ? -1 : 1))[0] ?? bob;
    expect((await newest(heir, group)).content).toBe("Alice left");
    await add(heir, group, alice);
    expectError(await remove(alice, group, heir), 403, "forbidden");
  });

  test("the new owner's unread count is right, also if they sent in the same group commit", async () => {
    const { alice, bob, carol, group } = await threePeople();
    const heir = [bob, carol].toSorted((x, y) => (x.userId < y.userId ? -1 : 1))[0] ?? bob;
    await sent(alice, group, "unread by the heir");
    expect(
      await together(group, [
        [heir, text("one")],
        [alice, { type: "remove", userId: alice.userId }],
        [heir, text("two")],
      ]),
    ).toEqual(["ok", "ok", "ok"]);
    expect(await unreadOf(heir, group)).toBe(1);
    expect((await entryOf(heir, group)).unreadCount).toBe(1);
  });
});

describe("a member who leaves and joins again in one group commit", () => {
  test("has nothing unread, although they sent in it before", async () => {
    const { alice, bob, carol, group } = await threePeople();
    await sent(alice, group, "unread by Bob");
    expect(
      await together(group, [
        [bob, text("mine")],
        [alice, { type: "remove", userId: bob.userId }],
        [carol, text("meanwhile")],
        [alice, added(bob)],
      ]),
    ).toEqual(["ok", "ok", "ok", "ok"]);
    expect(await unreadOf(bob, group)).toBe(0);
    expect((await entryOf(bob, group)).unreadCount).toBe(0);
  });
});
