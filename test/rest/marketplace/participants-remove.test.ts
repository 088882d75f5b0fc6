import { beforeEach, describe, expect, test } from "vitest";
import { type Caller, openLive, person, someone } from "../../support.ts";
import {
  addTo,
  CHATS,
  chatsOf,
  contentsOf,
  directChat,
  expectRefusal,
  groupChat,
  history,
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
let chatId: string;

beforeEach(async () => {
  ({ alice, bob, carol, chatId } = await groupChat());
});

describe("DELETE /api/chat/:id/participants/:participantId", () => {
  test("200 by the creator, and the removed user's list no longer contains the chat", async () => {
    const answer = await removeFrom(alice, chatId, bob.userId);
    expect(answer.status).toBe(200);
    expect(answer.body).toStrictEqual({ success: true, data: { participantId: bob.userId } });
    expect(participantsOf(await infoOf(alice, chatId))).toEqual(idsOf(alice, carol));
    expect(await chatsOf(bob)).toEqual([]);
    expectRefusal(await history(bob, chatId), 403, "not_a_member");
    expectRefusal(await send(bob, chatId, "still here?"), 403, "not_a_member");
    expect(await contentsOf(alice, chatId)).toEqual(["Bob was removed"]);
  });

  test("200 and sockets receive the removal; the removed user's sockets receive nothing more", async () => {
    const gone = await openLive(bob, chatId);
    const socket = await openLive(carol, chatId);
    await removeFrom(alice, chatId, bob.userId);
    expect(await gone.closed).toMatchObject({ code: 4403 });
    const event = await socket.next("member");
    expect(event).toMatchObject({ cause: "removed", member: { userId: bob.userId } });
    expect(event.member.leftAt).not.toBeNull();
    await send(alice, chatId, "without bob");
    await socket.next("message", ({ message }) => message.content === "without bob");
    expect(JSON.stringify(gone.events)).not.toContain("without bob");
  });

  test("200 for participants who remove themselves", async () => {
    expect((await removeFrom(bob, chatId, bob.userId)).status).toBe(200);
    expect(participantsOf(await infoOf(alice, chatId))).toEqual(idsOf(alice, carol));
    expect(await contentsOf(alice, chatId)).toEqual(["Bob left"]);
  });

  test("200 by an admin who is not a participant", async () => {
    const admin = await person("admin", { role: "admin" });
    expect((await removeFrom(admin, chatId, bob.userId)).status).toBe(200);
    expect(participantsOf(await infoOf(alice, chatId))).toEqual(idsOf(alice, carol));
  });

  test("200 and if the creator leaves, the longest-standing participant becomes the owner", async () => {
    const dave = await person("dave");
    await addTo(alice, chatId, dave.userId);
    await removeFrom(alice, chatId, alice.userId);
    const info = await infoOf(dave, chatId);
    const owners = info.participants.filter((p: { role: string }) => p.role === "owner");
    expect(owners).toHaveLength(1);
    const [{ userId }] = owners;
    expect(idsOf(bob, carol)).toContain(userId);
    expect(info.createdBy).toBe(alice.userId);
    const heir = userId === bob.userId ? bob : carol;
    expect((await removeFrom(heir, chatId, dave.userId)).status).toBe(200);
    expectRefusal(await addTo(alice, chatId, dave.userId), 403, "not_a_member");
  });

  test("200 with an id that needs escaping", async () => {
    const admin = await person("admin", { role: "admin" });
    const odd = `${someone("a/b")} ü?&#`;
    await admin.put("/api/users", { users: [{ id: odd }] });
    await addTo(alice, chatId, odd);
    const answer = await removeFrom(alice, chatId, odd);
    expect(answer.body).toEqual({ success: true, data: { participantId: odd } });
  });

  test("400 when fewer than two would remain", async () => {
    await removeFrom(alice, chatId, bob.userId);
    for (const caller of [alice, carol, await person("admin", { role: "admin" })]) {
      expectRefusal(await removeFrom(caller, chatId, carol.userId), 400, "too_few_members");
    }
    expect(participantsOf(await infoOf(alice, chatId))).toEqual(idsOf(alice, carol));
  });

  test("400 for a chat that is not a group", async () => {
    const pair = await directChat();
    for (const { userId } of [pair.alice, pair.bob]) {
      expectRefusal(await removeFrom(pair.alice, pair.chatId, userId), 400, "not_a_group");
    }
  });

  test("403 for every other participant, for users outside the chat, and for roles without this right", async () => {
    expectRefusal(await removeFrom(bob, chatId, carol.userId), 403, "forbidden");
    expectRefusal(await removeFrom(bob, chatId, alice.userId), 403, "forbidden");
    for (const role of ["user", "support", "resolver"]) {
      const stranger = await person(role, { role });
      expectRefusal(await removeFrom(stranger, chatId, carol.userId), 403, "not_a_member");
    }
    expect(participantsOf(await infoOf(alice, chatId))).toEqual(idsOf(alice, bob, carol));
  });

  test("404 for a user who is not, or no longer, a participant", async () => {
    const dave = await person("dave");
    for (const userId of [dave.userId, someone("nobody")]) {
      expectRefusal(await removeFrom(alice, chatId, userId), 404, "participant_not_found");
    }
    await addTo(alice, chatId, dave.userId);
    await removeFrom(alice, chatId, dave.userId);
    expectRefusal(await removeFrom(alice, chatId, dave.userId), 404, "participant_not_found");
  });

  test("404 for an id that names no chat", async () => {
    for (const id of [NOBODYS, "no-id"]) {
      const answer = await alice.delete(`${CHATS}/${id}/participants/${bob.userId}`);
      expectRefusal(answer, 404, "conversation_not_found");
    }
  });
});
