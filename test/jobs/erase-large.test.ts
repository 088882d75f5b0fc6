import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import type { ErasureProgress, ErasureRequest } from "../../src/conversation/erase-api.ts";
import { conversationOf } from "../../src/conversation/stub.ts";
import { seedMessages } from "../conversation/seeds.ts";
import { directPair, groupOf, objectOf, person, send, unreadOf } from "../support.ts";

/** An erasure in a conversation with a long history: what it costs, and that nobody waits for it. */

const MESSAGES = 5_000;
/** The object is ended once by the erasure itself, and by the test. */
const MAX_FAILURES = 8;

/** Makes the calls of an erasure to its end; `between` runs between two of them. */
async function eraseAll(
  conversationId: string,
  request: Omit<ErasureRequest, "from">,
  between: () => Promise<unknown> = async () => undefined,
): Promise<{ calls: number; ended: ErasureProgress | undefined }> {
  let from = 1;
  let failures = 0;
  for (let calls = 1; ; calls++) {
    const call = conversationOf(env, conversationId).erase({ ...request, from });
    const progress = await call.catch((error: unknown) => {
      if (++failures > MAX_FAILURES) throw error;
      return "again" as const;
    });
    if (progress === "again") continue;
    if (typeof progress !== "object" || !("from" in progress)) return { calls, ended: progress };
    ({ from } = progress);
    await between();
  }
}

test.each(["clear", "keep"] as const)(
  "others are served meanwhile: %s",
  async (messages) => {
    const { alice, bob } = await directPair();
    const group = await groupOf(alice, bob, await person());
    await seedMessages(group, MESSAGES, alice.userId);
    await send(bob, group, "one of his own");
    const request = {
      userId: alice.userId,
      erasedId: "erased-0123456789abcdef",
      by: "test",
      messages,
    };
    let reads = 0;
    let isOver = false;
    const reading = (async () => {
      while (!isOver) {
        await bob.get(`/api/v1/chat/messages?conversationId=${group}&pageSize=1`);
        reads++;
        await scheduler.wait(2);
      }
    })();
    const { calls, ended } = await eraseAll(group, request).finally(() => {
      isOver = true;
    });
    await reading;
    // Reads were answered between the turns, and several calls were made of it where it took longer.
    expect(reads).toBeGreaterThan(messages === "clear" ? 50 : 3);
    expect(calls).toBeLessThan(10);
    expect(ended).toMatchObject({ isDeserted: false });
    await vi.waitFor(async () => {
      expect(await unreadOf(bob, group)).toBe(messages === "clear" ? 0 : MESSAGES);
    });
    await runInDurableObject(objectOf(group), (_, { storage }) => {
      const left = storage.sql.exec("SELECT 1 FROM messages WHERE sender_id = ?", alice.userId);
      expect(left.toArray()).toEqual([]);
    });
  },
  40_000,
);

test("an object that is ended in the midst goes on where it was", async () => {
  const { alice, bob } = await directPair();
  const group = await groupOf(alice, bob, await person());
  await seedMessages(group, MESSAGES, alice.userId);
  const request = { userId: alice.userId, erasedId: "erased-0123456789abcdef", by: "killed" };
  let kills = 0;
  let isOver = false;
  const killing = (async () => {
    while (!isOver && kills < 5) {
      await scheduler.wait(300);
      if (isOver) return;
      kills++;
      await runInDurableObject(objectOf(group), (_, ctx) => ctx.abort("killed by the test")).catch(
        () => undefined,
      );
    }
  })();
  const { ended } = await eraseAll(group, { ...request, messages: "clear" }).finally(() => {
    isOver = true;
  });
  await killing;
  expect(kills).toBeGreaterThan(1);
  expect(ended).toMatchObject({ isDeserted: false });
  await vi.waitFor(async () => expect(await unreadOf(bob, group)).toBe(0));
  await runInDurableObject(objectOf(group), (_, { storage: { sql } }) => {
    const { counted } = sql.exec<{ counted: number }>("SELECT counted FROM counters").one();
    expect(counted).toBe(0);
    expect(sql.exec("SELECT 1 FROM messages WHERE content <> ''").toArray()).toEqual([]);
  });
}, 60_000);
