import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { jobObject } from "../../src/jobs/api.ts";
import { type JobContext, jobOf } from "../../src/jobs/kind.ts";
import { eraseUser } from "../../src/jobs/kinds/erase-user.ts";
import { sendUploads, upload } from "../attachments/support.ts";
import { directPair } from "../support.ts";
import { crawl } from "./erase-crawler.ts";
import { fireUntilEnd, orderOf, replaced, runJob } from "./with-kills.ts";

test("an erasure that is cancelled while it deletes a conversation deletes all of it", async () => {
  const { alice, bob, conversationId } = await directPair();
  const file = await upload(bob, "a.txt", "a file of two");
  await sendUploads(bob, conversationId, [file], { content: "see this" });
  const orderFor = (userId: string) =>
    orderOf("erase-user", { userId, messages: "keep" }, userId);
  await runJob(orderFor(alice.userId), { kills: false });
  const { step, ...steps } = jobOf(eraseUser);
  let isStuck = false;
  const restore = replaced("erase-user", () => ({
    ...steps,
    async step(context: JobContext, params: unknown, before: unknown) {
      const { deleting } = eraseUser.state.parse(before);
      isStuck = deleting !== null && deleting.state.phase !== "object";
      // As while D1 is unreachable.
      if (isStuck) throw new Error("not now");
      return await step(context, params, before);
    },
  }));
  const order = orderFor(bob.userId);
  const job = () => jobObject(env, order.id);
  try {
    await job().start(order);
    while (!isStuck) await runDurableObjectAlarm(env.JOBS.getByName(order.id));
    await job().cancel();
    expect(await fireUntilEnd(order.id)).toMatchObject({ state: "cancelled" });
  } finally {
    restore();
  }
  // The audit log and the list of deleted conversations keep the id.
  const found = await crawl(["a file of two", "see this", conversationId]);
  expect(found.filter((one) => !/^D1\.(audit|deleted_)|\.tombstone:/.test(one))).toEqual([]);
  // Who is not erased to the end may come again.
  expect((await bob.get("/api/v1/chat/conversations")).body).toEqual([]);
}, 60_000);
