import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, test } from "vitest";
import { type Caller, objectOf, openLive, person, someone } from "../../support.ts";
import {
  addTo,
  CHATS,
  contentsOf,
  directChat,
  entryOf,
  expectInvalid,
  expectRefusal,
  FOREIGN,
  groupChat,
  idsOf,
  infoOf,
  NOBODYS,
  participantsOf,
  removeFrom,
  send,
} from "./chats.ts";

let alice: Caller;
let bob: Caller;
let carol: Caller;
let dave: Caller;
let chatId: string;

beforeEach(async () => {
  ({ alice, bob, carol, chatId } = await groupChat());
  dave = await person("dave", { name: "Dave" });
});

describe("POST /api/chat/:id/participants", () => {
  test("200 by the creator, with the updated chat", async () => {
    const answer = await addTo(alice, chatId, dave.userId);
    expect(answer.status).toBe(200);
    const { chat } = answer.body.data;
    expect(participantsOf(chat)).toEqual(idsOf(alice, bob, carol, dave));
    const added = chat.participants.find((p: { userId: string }) => p.userId === dave.userId);
    expect(added).toMatchObject({ name: "Dave", role: "member" });
    expect(Date.parse(added.joinedAt)).toBeGreaterThanOrEqual(Date.parse(chat.createdAt));
    for (const caller of [alice, dave]) {
      expect(participantsOf(await entryOf(caller, chatId))).toEqual(participantsOf(chat));
      expect(participantsOf(await infoOf(caller, chatId))).toEqual(participantsOf(chat));
    }
  });

  test("200 and sockets receive the member event and the system message", async () => {
    const socket = await openLive(bob, chatId);
    await addTo(alice, chatId, dave.userId);
    const { cause, member } = await socket.next("member");
    expect({ cause, member }).toMatchObject({
      cause: "added",
      member: { userId: dave.userId, name: "Dave", role: "member", leftAt: null },
    });
    expect(socket.all("message")).toMatchObject([
      { cause: "created", message: { senderId: null, kind: "system", content: "Dave was added" } },
    ]);
  });

  test("200 and the new participant sees earlier messages, all of them read", async () => {
    await send(alice, chatId, "before");
    await addTo(alice, chatId, dave.userId);
    expect(await contentsOf(dave, chatId)).toEqual(["Dave was added", "before"]);
    expect(await entryOf(dave, chatId)).toMatchObject({
      unreadCount: 0,
      lastMessage: { content: "before" },
    });
    await send(alice, chatId, "after");
    expect(await entryOf(dave, chatId)).toMatchObject({ unreadCount: 1 });
    expect((await infoOf(alice, chatId)).unreadCounts).toEqual({
      [alice.userId]: 0,
      [bob.userId]: 2,
      [carol.userId]: 2,
      [dave.userId]: 1,
    });
  });

  test("200 for a participant who is added again: messages sent in between are not unread", async () => {
    await send(alice, chatId, "never read by bob");
    await removeFrom(alice, chatId, bob.userId);
    await send(alice, chatId, "meanwhile");
    expect((await addTo(alice, chatId, bob.userId)).status).toBe(200);
    expect(await entryOf(bob, chatId)).toMatchObject({ unreadCount: 0 });
    expect(await contentsOf(bob, chatId, "?limit=2")).toEqual(["Bob was added", "meanwhile"]);
  });

  test("200 by an admin who is not a participant", async () => {
    const admin = await person("admin", { role: "admin" });
    const answer = await addTo(admin, chatId, dave.userId);
    expect(answer.status).toBe(200);
    expect(participantsOf(answer.body.data.chat)).toEqual(idsOf(alice, bob, carol, dave));
  });

  test.each([
    [{}, "userId"],
    [{ userId: "" }, "userId"],
    [{ userId: 7 }, "userId"],
    [{ userId: "x".repeat(129) }, "userId"],
  ])("400 with an invalid body, case %#", async (body, path) => {
    expectInvalid(await alice.post(`${CHATS}/${chatId}/participants`, body), path);
  });

  test("400 for a user who is already a participant", async () => {
    expectRefusal(await addTo(alice, chatId, bob.userId), 400, "already_a_member");
    expectRefusal(await addTo(alice, chatId, alice.userId), 400, "already_a_member");
    expect(await contentsOf(alice, chatId)).toEqual([]);
  });

  test("400 for a chat that is not a group", async () => {
    const pair = await directChat();
    const request = { purchaseRequestId: "r", sellerId: bob.userId };
    const chats = [
      pair.chatId,
      (await pair.alice.post(`${CHATS}/support`, {})).body.data.chat._id,
      (await pair.alice.post(`${CHATS}/purchase-request`, request)).body.data.chat._id,
    ];
    const admin = await person("admin", { role: "admin" });
    for (const id of chats) {
      for (const caller of [pair.alice, admin]) {
        expectRefusal(await addTo(caller, id, dave.userId), 400, "not_a_group");
      }
    }
  });

  test("400 for a group with a thousand participants", async () => {
    await runInDurableObject(objectOf(chatId), (_, { storage }) => {
      storage.sql.exec("UPDATE counters SET member_count = 999");
    });
    await evictDurableObject(objectOf(chatId));
    expect((await addTo(alice, chatId, dave.userId)).status).toBe(200);
    expectRefusal(await addTo(alice, chatId, (await person()).userId), 400, "group_full");
  });

  test("403 for every other participant, for users outside the chat, and for roles without this right", async () => {
    const others = [bob, dave];
    for (const role of ["resolver", "support", "user"]) others.push(await person(role, { role }));
    for (const other of others) {
      const answer = await addTo(other, chatId, dave.userId);
      expect(answer.status).toBe(403);
      expect(answer.body).toMatchObject({ success: false });
    }
    expect(participantsOf(await infoOf(alice, chatId))).toEqual(idsOf(alice, bob, carol));
  });

  test("404 with an unknown user", async () => {
    expectRefusal(await addTo(alice, chatId, someone("nobody")), 404, "unknown_user");
  });

  test("404 for an id that names no chat", async () => {
    for (const id of [NOBODYS, FOREIGN, "no-id"]) {
      expectRefusal(await addTo(alice, id, dave.userId), 404, "conversation_not_found");
    }
  });
});
