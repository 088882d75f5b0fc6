import { expect, test } from "vitest";
import { type Answer, type Caller, person } from "../../support.ts";
import { edit, groupChat, history, markRead, remove, removeFrom, sent } from "./chats.ts";

/** A user who is not, or no longer, in a chat cannot find out which messages exist in it. */

type Action = (by: Caller, chatId: string, messageId: string) => Promise<Answer>;

const ACTIONS: [string, Action][] = [
  ["edit", (by, chatId, messageId) => edit(by, chatId, messageId, "mine")],
  ["delete", remove],
  ["mark read", (by, chatId, messageId) => markRead(by, chatId, [messageId])],
  ["page before", (by, chatId, messageId) => history(by, chatId, `?before=${messageId}`)],
];

test.each(ACTIONS)("403 for an existing message and for an unknown one: %s", async (_, act) => {
  const { alice, bob, carol, chatId } = await groupChat();
  const mine = await sent(carol, chatId, "before I went");
  const there = await sent(alice, chatId, "there");
  expect((await removeFrom(alice, chatId, carol.userId)).status).toBe(200);
  const stranger = await person("stranger");
  const beyond = `${chatId.slice(0, -2)}ff`;
  for (const outsider of [carol, stranger]) {
    for (const messageId of [mine, there, beyond]) {
      const { status, body } = await act(outsider, chatId, messageId);
      expect([status, body.code]).toEqual([403, "not_a_member"]);
    }
  }
  expect((await act(bob, chatId, beyond)).status).not.toBe(403);
});
