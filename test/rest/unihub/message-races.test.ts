import { expect, test } from "vitest";
import { acked } from "../../live/answer.ts";
import { channelOf, groupOf, openLive, person, send } from "../../support.ts";
import { page } from "../requests.ts";
import {
  expectError,
  message,
  newest,
  outcomes,
  people,
  reaction,
  remove,
  sent,
  staffed,
} from "./client.ts";

test("the same reaction by one user ten times concurrently is stored once", async () => {
  const { owner, member, id } = await staffed();
  const messageId = await sent(owner, id);
  const o = await openLive(owner, id);
  const react = () => member.post(message(messageId, "/reactions"), { emoji: "👍" });
  expect(outcomes(await Promise.all(Array.from({ length: 10 }, react)))).toEqual({ "200": 10 });
  await sent(owner, id, "behind them");
  await o.next("message", (event) => event.message.content === "behind them");
  expect(o.all("message").map(({ cause }) => cause)).toEqual(["reaction", "created"]);
  const unreact = () => member.delete(reaction(messageId, "👍"));
  const answers = await Promise.all(Array.from({ length: 10 }, unreact));
  expect(outcomes(answers)).toEqual({ "200": 1, "400 reaction_not_found": 9 });
});

test("a message that is deleted while users react to it and read it has no reactions", async () => {
  const owner = await person("owner");
  const guests = await people(10);
  const id = await channelOf(owner, guests);
  const o = await openLive(owner, id);
  const messageId = await sent(owner, id);
  const [deleted, ...answers] = await Promise.all([
    acked(o, { op: "delete", messageId }),
    ...guests.flatMap((guest) => [
      guest.post(message(messageId, "/reactions"), { emoji: "👍" }),
      guest.post(message(messageId, "/read")),
    ]),
  ]);
  for (const answer of answers) {
    if (answer.status !== 200) expectError(answer, 400, "message_deleted");
  }
  expect(deleted.messageId).toBe(messageId);
  expect(await newest(owner, id)).toMatchObject({ isDeleted: true, reactions: [] });
});

test("when a member is removed while sending, the messages sent before the removal are kept", async () => {
  const [alice, bob, carol] = await Promise.all([person("alice"), person("bob"), person()]);
  const group = await groupOf(alice, bob, carol);
  const sends = Array.from({ length: 10 }, (_, i) => send(bob, group, `m${i}`));
  const removing = remove(alice, group, bob);
  const answers = await Promise.all(sends);
  expect((await removing).status).toBe(200);
  const stored = answers.filter(({ status }) => status === 201);
  for (const answer of answers) {
    if (answer.status !== 201) expectError(answer, 403, "not_a_member");
  }
  const { body } = await page(alice, group);
  expect(body.totalCount).toBe(stored.length + 1);
  expect(body.items[0]).toMatchObject({ type: "System" });
});
