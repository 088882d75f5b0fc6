import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { Recovery } from "../../src/conversation/recovery.ts";
import { readEpoch } from "../../src/conversation/tables/epochs.ts";
import { directoryOf } from "../../src/directory/directory.ts";
import { addJob } from "../../src/directory/jobs.ts";
import { placeHold } from "../../src/directory/legal-holds.ts";
import { seedMessages } from "../conversation/seeds.ts";
import { channelOf, groupOf, objectOf, person, send } from "../support.ts";
import { settled } from "./epochs.ts";
import { TimeMachine } from "./time-machine.ts";
import { orderOf, runJob } from "./with-kills.ts";

/** A restore and what began just before the conversation was closed. */

afterEach(() => {
  vi.restoreAllMocks();
});

async function groupInThePast() {
  const machine = new TimeMachine();
  const [alice, bob] = [await person("alice"), await person("bob")];
  const id = await groupOf(alice, bob);
  await send(alice, id, "before");
  await settled(id);
  const at = await machine.record(id);
  return { machine, alice, bob, id, at };
}

test("an erasure that is under way begins no epoch once the conversation is closed", async () => {
  new TimeMachine();
  const [alice, bob] = [await person("alice"), await person("bob")];
  const id = await channelOf(alice, [bob]);
  await seedMessages(id, 3_000, bob.userId);
  await settled(id);
  const object = objectOf(id);
  const request = {
    userId: bob.userId,
    erasedId: "erased-1",
    by: "erasure",
    messages: "keep",
  } as const;
  const erasing = object.erase({ ...request, from: 1 }).then(
    () => "answered",
    (error: Error) => error.message,
  );
  const closed = await object.restore({ by: "restore", step: "close" });
  expect(closed).toMatchObject({ ok: true });
  expect(await erasing).toContain("restore");
  const fence = await runInDurableObject(
    objectOf(id),
    (_, { storage }) => readEpoch(storage.sql).fence,
  );
  expect(fence).toMatchObject({ by: "restore" });
  await object.restore({ by: "restore", step: "reopen" });
  expect((await send(alice, id, "after")).status).toBe(201);
});

test.each(["legal_hold", "restore_unavailable"])(
  "what comes while it closes has it opened again: %s",
  async (code) => {
    const { machine, alice, id, at } = await groupInThePast();
    const directory = directoryOf(env.DB);
    const erasing = orderOf("erase-user", {}, alice.userId);
    const closing = vi.mocked(Recovery.prototype.currentBookmark);
    const bookmark = closing.getMockImplementation();
    closing.mockImplementation(async function (this: Recovery) {
      if (code === "legal_hold") {
        await placeHold(directory, {
          subject: "user",
          id: alice.userId,
          placedBy: "x",
          placedAt: 1,
          reason: "y",
        });
      } else await addJob(directory, erasing);
      return bookmark?.call(this) ?? "";
    });
    await new Promise((resolve) => setTimeout(resolve, 2));
    const order = orderOf("restore-conversation", { conversationId: id, at }, id);
    const { view } = await runJob(order, { kills: false });
    await env.DB.batch([
      env.DB.prepare("DELETE FROM jobs WHERE id = ?").bind(erasing.id),
      env.DB.prepare("DELETE FROM legal_holds WHERE id = ?").bind(alice.userId),
    ]);
    expect(view).toMatchObject({ state: "failed", error: code });
    expect(machine.restores).toEqual([]);
    expect((await send(alice, id, "after")).status).toBe(201);
  },
);
