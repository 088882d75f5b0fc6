import { expect, test } from "vitest";
import { askEveryDoor, crawl } from "./crawler.ts";
import { type World, worldOf } from "./erase-world.ts";
import { orderOf, runJob } from "./with-kills.ts";

/** A person is erased: nothing that can be looked at names them afterwards. */

const idsOf = ({ conversations, messages, bob, cleo, texts }: World) => ({
  ...{ conversations, messages, users: [bob.userId, cleo.userId] },
  texts: texts.slice(0, 2),
});

test.each(["clear", "keep"] as const)("nothing names them afterwards: %s", async (messages) => {
  const world = await worldOf(`zwo${messages}`);
  const { ada, bob, cleo, admin, names, texts } = world;
  const before = await crawl(names);
  console.info([...new Set(before.map((one) => one.split(":")[0]))].sort().join(" "));
  expect(new Set((await crawl(texts)).map((one) => one.split(":")[0])).size).toBeGreaterThan(3);

  const order = orderOf("erase-user", { userId: ada.userId, messages }, ada.userId);
  const { view } = await runJob(order, { kills: false });
  expect(view).toMatchObject({ state: "done", error: null });

  const needles = messages === "clear" ? [...names, ...texts] : names;
  expect(await crawl(needles)).toEqual([]);
  const { found, answered } = await askEveryDoor([bob, cleo, admin], idsOf(world), needles);
  expect(found).toEqual([]);
  expect(answered).toBeGreaterThan(50);
}, 60_000);
