import { describe, expect, test } from "vitest";
import { person } from "../../support.ts";
import {
  CHATS,
  chatsOf,
  contentsOf,
  entryOf,
  expectInvalid,
  expectWrongText,
  participantsOf,
} from "./chats.ts";

const SUPPORT = `${CHATS}/support`;

describe("POST /api/chat/support", () => {
  test("201 with the caller, who owns it, and all users with the role support or admin", async () => {
    const agent = await person("agent", { role: "support" });
    const admin = await person("admin", { role: "admin" });
    const resolver = await person("resolver", { role: "resolver" });
    const other = await person("other");
    const caller = await person("caller", { name: "Cora" });
    const answer = await caller.post(SUPPORT, { subject: " My order " });
    expect(answer.status).toBe(201);
    const { chat } = answer.body.data;
    expect(chat).toMatchObject({
      type: "support",
      subject: "My order",
      title: null,
      createdBy: caller.userId,
      lastMessage: null,
    });
    const inIt = participantsOf(chat);
    for (const { userId } of [caller, agent, admin]) expect(inIt).toContain(userId);
    for (const { userId } of [resolver, other]) expect(inIt).not.toContain(userId);
    expect(chat.participants).toContainEqual({
      userId: caller.userId,
      name: "Cora",
      avatarUrl: null,
      role: "owner",
      joinedAt: chat.createdAt,
    });
    expect(await chatsOf(agent, "?type=support")).toEqual([chat]);
  });

  test("201 with the caller's first message, which is unread for the others", async () => {
    const agent = await person("agent", { role: "support" });
    const caller = await person("caller");
    const { chat } = (await caller.post(SUPPORT, { initialMessage: " help \n" })).body.data;
    expect(chat).toMatchObject({
      subject: null,
      unreadCount: 0,
      lastMessage: { content: "help", senderId: caller.userId, type: "text" },
    });
    expect(await contentsOf(caller, chat._id)).toEqual(["help"]);
    expect(await entryOf(agent, chat._id)).toMatchObject({ unreadCount: 1 });
  });

  test.each([
    {},
    { subject: null, initialMessage: null },
    { subject: "", initialMessage: "" },
    { subject: " ", initialMessage: " \n " },
  ])("201 without subject and message: %j", async (body) => {
    const caller = await person("caller");
    const answer = await caller.post(SUPPORT, body);
    expect(answer.status).toBe(201);
    expect(answer.body.data.chat).toMatchObject({ subject: null, lastMessage: null });
  });

  test("201 with a new chat each time", async () => {
    const caller = await person("caller");
    const answers = [await caller.post(SUPPORT, {}), await caller.post(SUPPORT, {})];
    expect(new Set(answers.map((answer) => answer.body.data.chat._id)).size).toBe(2);
    expect(await chatsOf(caller)).toHaveLength(2);
  });

  test("201 with a caller who has the role support, once", async () => {
    const agent = await person("agent", { role: "support" });
    const { chat } = (await agent.post(SUPPORT, {})).body.data;
    const inIt = participantsOf(chat);
    expect(inIt.filter((userId) => userId === agent.userId)).toHaveLength(1);
  });

  test.each([
    [{ subject: "x".repeat(201) }, "subject"],
    [{ subject: "two\nlines" }, "subject"],
    [{ subject: 7 }, "subject"],
    [{ initialMessage: 7 }, "initialMessage"],
  ])("400 with an invalid body, case %#", async (body, path) => {
    expectInvalid(await (await person("caller")).post(SUPPORT, body), path);
  });

  test.each([
    ["x".repeat(5_001), "content_too_long"],
    ["a\u0000b", "control_characters"],
  ])(
    "400 with an invalid first message, case %#: no chat is created",
    async (initialMessage, code) => {
      const caller = await person("caller");
      expectWrongText(await caller.post(SUPPORT, { initialMessage }), code, "initialMessage");
      expect(await chatsOf(caller)).toEqual([]);
    },
  );

  test("201 without a body: all of its fields are optional", async () => {
    const answer = await (await person("caller")).post(SUPPORT);
    expect(answer.status).toBe(201);
    expect(answer.body.data.chat).toMatchObject({ subject: null, lastMessage: null });
  });
});
