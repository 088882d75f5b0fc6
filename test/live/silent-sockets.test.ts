import { afterEach, expect, test, vi } from "vitest";
import { groupOf, openLive, person } from "../support.ts";

afterEach(() => void vi.useRealTimers());

test("when a message is sent, a socket that pings stays open and a silent one is closed", async () => {
  // The platform records the time of a ping with its real clock; the object's fake clock is set
  // ahead.
  const start = Date.now() - 200_000;
  vi.setSystemTime(start);
  const people = await Promise.all([person("alice"), person("bob"), person("carol")]);
  const [alice, bob, carol] = people;
  const conversationId = await groupOf(...people);
  const pinging = await openLive(alice, conversationId);
  const vanished = await openLive(bob, conversationId);
  pinging.send("ping");
  await pinging.until(() => pinging.frames.includes("pong"));
  vi.setSystemTime(start + 89_000);
  const speaking = await openLive(carol, conversationId);
  vi.setSystemTime(start + 91_000);
  speaking.send({ op: "typing", active: true });
  expect(await vanished.closed).toMatchObject({ code: 1012 });
  await pinging.next("typing", ({ userId }) => userId === carol.userId);
  // His inbox is asked first whether he is connected to anything else.
  await pinging.next("presence", ({ userId, online }) => userId === bob.userId && !online);
});
