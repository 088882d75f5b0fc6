import { expect, test } from "vitest";
import { type Caller, groupOf, person, send, someone } from "../support.ts";

/** Limits of a service: none on what it creates, and those of its bots. */

const UNIHUB = "/api/v1/chat";

test("a service creates more in an hour than a person may", async () => {
  const [host, ada, bob] = await Promise.all([
    person("host", { role: "service" }),
    person(),
    person(),
  ]);
  const created = async (by: Caller, count: number) => {
    const statuses: number[] = [];
    for (let i = 0; i < count; i++) {
      const body = { participantIds: [ada.userId, bob.userId] };
      statuses.push((await by.post(`${UNIHUB}/conversations/group`, body)).status);
    }
    return statuses;
  };
  const [ofHost, ofPerson] = [await created(host, 62), await created(ada, 62)];
  expect(new Set(ofHost)).toEqual(new Set([201]));
  expect(ofPerson.at(-1)).toBe(429);
});

test("the message rate holds for each bot, and not for the system", async () => {
  const [host, ada, bob] = await Promise.all([
    person("host", { role: "service" }),
    person(),
    person(),
  ]);
  const id = await groupOf(ada, bob);
  const bots = [someone("bot"), someone("bot")];
  await host.put("/api/users", { users: bots.map((bot) => ({ id: bot, bot: true })) });
  for (const participantId of bots) {
    await host.post(`${UNIHUB}/conversations/${id}/participants`, { participantId });
  }
  const [first = "", second = ""] = bots;
  const message = { conversationId: id, content: "x" };
  const sendAs = (bot: string) => host.post(`${UNIHUB}/messages`, message, { "Acting-As": bot });
  let last = await sendAs(first);
  for (let i = 0; i < 200 && last.status === 201; i++) last = await sendAs(first);
  expect([last.status, last.body.code]).toEqual([429, "rate_limited"]);
  expect((await sendAs(second)).status).toBe(201);
  expect((await send(host, id, "of the system")).status).toBe(201);
  expect((await sendAs(first)).status).toBe(429);
});
