import { beforeAll, expect, test } from "vitest";
import { acked, answerTo } from "../../live/answer.ts";
import { type Caller, directPair, openLive } from "../../support.ts";
import { erase, message, noMessages, reaction, sent } from "./client.ts";

let alice: Caller;
let bob: Caller;
let conversationId: string;

beforeAll(async () => {
  ({ alice, bob, conversationId } = await directPair());
});

test("open sockets receive reactions as `message`, made over REST or over a socket", async () => {
  const messageId = await sent(alice, conversationId);
  const [a, b] = [await openLive(alice, conversationId), await openLive(bob, conversationId)];
  const left = await acked(b, { op: "react", messageId, emoji: "👍" });
  await alice.post(message(messageId, "/reactions"), { emoji: "👍" });
  await acked(b, { op: "unreact", messageId, emoji: "👍" });
  await alice.delete(reaction(messageId, "👍"));
  await a.until(() => a.all("message").length === 4);
  const heard = a.all("message");
  expect(heard[0]).toMatchObject({
    rev: left.rev,
    cause: "reaction",
    message: { id: messageId },
  });
  expect(heard.map((event) => event.cause)).toEqual(Array(4).fill("reaction"));
  expect(heard.map((event) => event.message.rev)).toEqual(heard.map((event) => event.rev));
  const { userId } = alice;
  expect(heard.map((event) => event.message.reactions)).toEqual([
    [{ emoji: "👍", count: 1, userIds: [bob.userId] }],
    [{ emoji: "👍", count: 2, userIds: [bob.userId, userId] }],
    [{ emoji: "👍", count: 1, userIds: [userId] }],
    [],
  ]);
  await b.until(() => b.all("message").length === 4);
  expect(b.all("message")).toEqual(heard);
});

test("the same rules hold over a socket as over REST", async () => {
  const b = await openLive(bob, conversationId);
  const messageId = await sent(alice, conversationId);
  const gone = await sent(alice, conversationId);
  await erase(alice, conversationId, gone);
  const code = async (op: "react" | "unreact", id: string, emoji: string) => {
    const answer = await answerTo(b, { op, messageId: id, emoji });
    return answer.type === "error" ? answer.code : answer.type;
  };
  expect(await code("react", messageId, "\u{2764}")).toBe("ack");
  expect(await code("react", messageId, "\u{2764}\u{fe0f}")).toBe("ack");
  expect(await code("react", messageId, "🍕")).toBe("unsupported_emoji");
  expect(await code("unreact", messageId, "👍")).toBe("reaction_not_found");
  expect(await code("react", gone, "👍")).toBe("message_deleted");
  for (const id of noMessages(conversationId)) {
    expect(await code("react", id, "👍")).toBe("message_not_found");
  }
});
