import { expect, test } from "vitest";
import { ERRORS } from "../../src/domain/error.ts";
import { expectSameAsList, openInbox } from "../inbox/replica.ts";
import { groupOf, openLive, person } from "../support.ts";
import { Hub, Io } from "./line.ts";

/** Mentions over every transport, sent by each and received by all. */

test("each transport sends mentions, and all receive them; messages without them have no fields", async () => {
  const [alice, bob, carol] = await Promise.all([person("a"), person("b"), person("c")]);
  const group = await groupOf(alice, bob, carol);
  const [io, hub, live] = [
    await Io.connect(alice),
    await Hub.connect(alice),
    await openLive(alice, group),
  ];
  await io.ask("join-chat-room", group);
  await hub.ask("JoinConversation", group);
  const mentions = [bob.userId, carol.userId];
  const both = { mentions, mentionsAll: true };
  const answer = await io.ask("send-message", { chatId: group, content: "io", ...both });
  expect(answer.data).toMatchObject({ message: both });
  await hub.ask("SendMessage", group, "hub", null, null, mentions, true);
  live.send({ op: "send", content: "live", ...both });
  live.send({ op: "send", content: "plain" });
  await io.until("new-message", 4);
  await hub.until("ReceiveMessage", 4);
  await live.until(() => live.all("message").length === 4);
  const received = [
    io.all("new-message").map(({ message }) => message),
    hub.all("ReceiveMessage"),
    live.all("message").map(({ message }) => message),
  ];
  for (const messages of received) {
    const [plain, ...mentioning] = messages.toReversed();
    expect(mentioning).toMatchObject([both, both, both]);
    expect(plain).not.toHaveProperty("mentions");
    expect(plain).not.toHaveProperty("mentionsAll");
  }
  const messageId = live.all("message")[2]?.message.id;
  live.send({
    op: "edit",
    messageId,
    content: "edited",
    mentions: [bob.userId],
    mentionsAll: false,
  });
  const edited = await live.next("message", ({ cause }) => cause === "edited");
  expect(edited.message.mentions).toEqual([bob.userId]);
  expect(edited.message).not.toHaveProperty("mentionsAll");
  await io.until("message-edited", 1);
  await hub.until("MessageEdited", 1);
  expect(io.all("message-edited")[0]?.message.mentions).toEqual([bob.userId]);
  expect(hub.all("MessageEdited")[0]?.mentions).toEqual([bob.userId]);
});

test("mentions that are refused over sockets and gateways, each with its code", async () => {
  const [alice, bob, carol] = await Promise.all([person("a"), person("b"), person("c")]);
  const group = await groupOf(alice, bob, carol);
  const [io, hub, live] = [
    await Io.connect(bob),
    await Hub.connect(bob),
    await openLive(bob, group),
  ];
  const messages = {
    invalid_mentions: ERRORS.invalid_mentions[1],
    forbidden: "Only the owner and moderators may mention everybody.",
    invalid_request: ERRORS.invalid_request[1],
  };
  for (const [more, code] of [
    [{ mentions: ["stranger"] }, "invalid_mentions"],
    [{ mentionsAll: true }, "forbidden"],
    [{ mentions: ["x", "x"] }, "invalid_request"],
    [{ mentions: Array.from({ length: 51 }, (_, i) => `x${i}`) }, "invalid_request"],
  ] as const) {
    const asked = { mentions: [], mentionsAll: false, ...more };
    const answer = await io.ask("send-message", { chatId: group, content: "x", ...more });
    expect(answer.code).toBe(code);
    const { error } = await hub.ask(
      ...["SendMessage", group, "x", null, null, asked.mentions, asked.mentionsAll],
    );
    expect(error).toBe(messages[code]);
    live.send({ op: "send", id: code, content: "x", ...more });
    const refused = await live.next("error");
    expect(refused.code).toBe(code === "invalid_request" ? "invalid_frame" : code);
  }
});

test("the inbox tells of unread mentions, and of reading them", async () => {
  const [alice, bob, carol] = await Promise.all([person("a"), person("b"), person("c")]);
  const group = await groupOf(alice, bob, carol);
  const inbox = await openInbox(bob);
  await inbox.listed();
  expect(inbox.entry(group)).toMatchObject({ unread: 0, mentions: 0 });
  const live = await openLive(alice, group);
  live.send({ op: "send", content: "hello", mentions: [carol.userId] });
  await inbox.until(() => inbox.entry(group)?.unread === 1);
  expect(inbox.entry(group)?.mentions).toBe(0);
  live.send({ op: "send", content: "hello", mentions: [bob.userId] });
  live.send({ op: "send", content: "hello", mentionsAll: true });
  await inbox.until(() => inbox.entry(group)?.mentions === 2);
  await expectSameAsList(bob, inbox);
  inbox.send({ op: "read", conversationId: group });
  await inbox.until(() => inbox.entry(group)?.mentions === 0);
  await expectSameAsList(bob, inbox);
});
