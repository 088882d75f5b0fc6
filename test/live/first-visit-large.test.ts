import { expect, test } from "vitest";
import { openLive, person, someone } from "../support.ts";

test("in a large conversation, a first visit includes the user's own membership and read marks", async () => {
  const admin = await person("admin", { role: "admin" });
  const alice = await person("alice");
  // Zoe is the last of 203 members in order of ids.
  const zoe = await person("zzz-zoe");
  const others = Array.from({ length: 201 }, () => someone("crowd"));
  await admin.put("/api/users", { users: others.map((id) => ({ id })) });
  const { body } = await alice.post("/api/v1/chat/conversations/group", {
    ...{ title: "Crowd", participantIds: [zoe.userId, ...others] },
  });
  const a = await openLive(alice, body.conversationId);
  for (let i = 0; i < 3; i++) a.send({ op: "send", content: `${i}` });
  await a.until(() => a.all("ack").length === 3);
  const z = await openLive(zoe, body.conversationId);
  z.send({ op: "read", id: 1, messageIds: [a.all("ack")[1]?.messageId] });
  await z.next("ack");
  a.send({ op: "read" });
  await a.until(() => a.all("ack").length === 4);

  const [sync] = (await openLive(zoe, body.conversationId)).all("sync");
  expect(sync?.members).toHaveLength(200);
  expect(sync?.members.map(({ userId }) => userId)).toContain(zoe.userId);
  // Read marks of others are omitted, because their number grows with the square of the members.
  expect(sync?.reads.map(({ userId, from, to }) => [userId, from, to])).toEqual([
    [zoe.userId, 2, 2],
  ]);
});
