import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { jobObject } from "../../src/jobs/api.ts";
import type { EraseUserState } from "../../src/jobs/erasing/state.ts";
import { type JobContext, jobOf } from "../../src/jobs/kind.ts";
import { eraseUser } from "../../src/jobs/kinds/erase-user.ts";
import { sendUploads, upload } from "../attachments/support.ts";
import { directPair, groupOf, openLive, person, send } from "../support.ts";
import { crawl } from "./crawler.ts";
import { epochOf } from "./epochs.ts";
import { fireUntilEnd, orderOf, replaced, runJob } from "./with-kills.ts";

/** What an interrupted erasure leaves: nothing that no other one would find. */

/** Erases somebody; the first batch of statements in a phase is refused by D1, or its answer is lost. */
async function eraseDespite(
  phase: EraseUserState["phase"],
  how: "refused" | "lost",
  userId: string,
  messages: string,
): Promise<void> {
  const { step, ...steps } = jobOf(eraseUser);
  let failures = 0;
  const failing = new Proxy(env.DB, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      if (name !== "batch") return value.bind(target);
      return async (...given: unknown[]) => {
        failures++;
        if (how === "lost") await Reflect.apply(value, target, given);
        throw new Error("D1 is away");
      };
    },
  });
  const restore = replaced("erase-user", () => ({
    ...steps,
    step: (context: JobContext, params: unknown, before: unknown) => {
      const isFailing = failures === 0 && eraseUser.state.parse(before).phase === phase;
      const env = isFailing ? { ...context.env, DB: failing } : context.env;
      return step({ ...context, env }, params, before);
    },
  }));
  try {
    const order = orderOf("erase-user", { userId, messages }, userId);
    expect((await runJob(order, { kills: false })).view.state).toBe("done");
  } finally {
    restore();
  }
  expect(failures).toBe(1);
}

test("D1 fails once behind the object of a conversation: its row is written without them nevertheless", async () => {
  const { alice, conversationId } = await directPair();
  await eraseDespite("conversations", "refused", alice.userId, "keep");
  expect((await crawl([alice.userId])).filter((one) => one.includes(conversationId))).toEqual([]);
}, 60_000);

test("the answer of D1 is lost when the profile goes: that they were staff is known nevertheless", async () => {
  const { conversationId } = await directPair();
  const resolver = await person("resolver", { role: "resolver" });
  await resolver.post(`/api/chat/${conversationId}/messages`, { content: "written by staff" });
  await eraseDespite("begin", "lost", resolver.userId, "clear");
  expect(await crawl([resolver.userId, "written by staff"])).toEqual([]);
}, 60_000);

test("staff whose first erasure was cancelled are erased everywhere by the second", async () => {
  const { conversationId } = await directPair();
  const resolver = await person("resolver", { role: "resolver" });
  await resolver.post(`/api/chat/${conversationId}/messages`, { content: "by staff, twice" });
  const order = () =>
    orderOf("erase-user", { userId: resolver.userId, messages: "clear" }, resolver.userId);
  const { step, ...steps } = jobOf(eraseUser);
  const first = order();
  const restore = replaced("erase-user", () => ({
    ...steps,
    async step(context: JobContext, params: unknown, before: unknown) {
      if (eraseUser.state.parse(before).phase === "conversations") {
        await jobObject(env, first.id).cancel();
        throw new Error("not now");
      }
      return await step(context, params, before);
    },
  }));
  try {
    expect((await runJob(first, { kills: false })).view.state).toBe("cancelled");
  } finally {
    restore();
  }
  expect((await runJob(order(), { kills: false })).view.state).toBe("done");
  expect(await crawl([resolver.userId, "by staff, twice"])).toEqual([]);
}, 60_000);

test("an erasure that is cancelled while it deletes a conversation deletes all of it", async () => {
  const { alice, bob, conversationId } = await directPair();
  const file = await upload(bob, "a.txt", "a file of two");
  await sendUploads(bob, conversationId, [file], { content: "see this" });
  const orderFor = (userId: string) => orderOf("erase-user", { userId, messages: "keep" }, userId);
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

test("a conversation that does not name somebody who was staff is left as it is", async () => {
  const { alice, bob, conversationId } = await directPair();
  await send(alice, conversationId, "nothing of theirs");
  const resolver = await person("resolver", { role: "resolver" });
  const other = await groupOf(alice, bob);
  const { messageId } = (await send(alice, other, "a text to react to")).body;
  await resolver.post(`/api/chat/${other}/messages`, { content: "by staff" });
  await alice.delete(`/api/v1/chat/messages/${messageId}`);
  const socket = await openLive(bob, conversationId);
  const [before, otherBefore] = [await epochOf(conversationId), await epochOf(other)];
  const order = orderOf(
    "erase-user",
    { userId: resolver.userId, messages: "clear" },
    resolver.userId,
  );
  expect((await runJob(order, { kills: false })).view.state).toBe("done");
  expect(await epochOf(conversationId)).toBe(before);
  expect(await epochOf(other)).not.toBe(otherBefore);
  await send(alice, conversationId, "still connected");
  await socket.next("message", ({ message }) => message.content === "still connected");
  expect(await crawl([resolver.userId, "by staff"])).toEqual([]);
}, 60_000);

test("a ban that an admin has placed meanwhile stays when the erasure is cancelled", async () => {
  const [ada, admin] = await Promise.all([person(), person("admin", { role: "admin" })]);
  const order = orderOf("erase-user", { userId: ada.userId, messages: "keep" }, ada.userId);
  const { step, ...steps } = jobOf(eraseUser);
  const restore = replaced("erase-user", () => ({
    ...steps,
    async step(context: JobContext, params: unknown, before: unknown) {
      if (eraseUser.state.parse(before).phase !== "conversations") {
        return await step(context, params, before);
      }
      const banned = await admin.put(`/api/admin/users/${ada.userId}/ban`, { reason: "spam" });
      if (banned.status !== 204) await jobObject(env, order.id).cancel();
      expect(banned.status).toBe(204);
      await jobObject(env, order.id).cancel();
      throw new Error("not now");
    },
  }));
  try {
    expect((await runJob(order, { kills: false })).view.state).toBe("cancelled");
  } finally {
    restore();
  }
  const ban = env.DB.prepare("SELECT reason, lifted_at FROM bans WHERE user_id = ?");
  expect(await ban.bind(ada.userId).first()).toEqual({ reason: "spam", lifted_at: null });
}, 60_000);
