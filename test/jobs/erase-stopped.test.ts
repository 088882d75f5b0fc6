import { runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { expect, onTestFinished, test, vi } from "vitest";
import { directoryOf } from "../../src/directory/directory.ts";
import { liftHold, placeHold } from "../../src/directory/legal-holds.ts";
import { jobObject } from "../../src/jobs/api.ts";
import type { AnyJob } from "../../src/jobs/kind.ts";
import { png } from "../attachments/samples.ts";
import { asAttachment, upload } from "../attachments/support.ts";
import { type Caller, groupOf, ORIGIN, objectOf, person, send, unreadOf } from "../support.ts";
import { crawl } from "./crawler.ts";
import { projected } from "./epochs.ts";
import { fireUntilEnd, orderOf, replaced, runJob } from "./with-kills.ts";

/** An erasure that is stopped on its way: what it leaves, and that another one finishes it. */

const V1 = "/api/v1/chat";
const SOON = { timeout: 20_000, interval: 100 };
const reason = "case 7";
const admin = await person("admin", { role: "admin" });

/** Alice's groups with Bob, in the order in which an erasure comes to them; in each, one text of each of them. */
async function threeGroups(mark: string) {
  const [alice, bob] = [await person("alice"), await person("bob")];
  const ids: string[] = [];
  for (let i = 0; i < 3; i++) ids.push(await groupOf(bob, alice, admin));
  ids.sort();
  for (const id of ids) {
    await send(bob, id, "a question");
    await send(alice, id, `${mark} an answer`);
    const file = asAttachment(await upload(alice, `${mark}.png`, png()));
    const content = `${mark} with a file`;
    const body = { conversationId: id, content, attachments: [file] };
    expect((await alice.post(`${V1}/messages/with-attachments`, body)).status).toBe(201);
  }
  await vi.waitFor(async () => {
    const sent = env.DB.prepare("SELECT 1 FROM uploads WHERE owner_id = ? AND sent_to IS NOT NULL");
    expect((await sent.bind(alice.userId).all()).results).toHaveLength(3);
  }, SOON);
  const [first, second, third] = ids as [string, string, string];
  return { alice, bob, first, second, third };
}

/** Everything of a conversation that an erasure could change: in its object, D1 and R2. */
async function everythingOf(conversationId: string) {
  const object = await runInDurableObject(objectOf(conversationId), (_, { storage: { sql } }) =>
    ["conversation", "members", "messages", "mentions", "reactions", "reads", "audit"].map(
      (table) => sql.exec(`SELECT * FROM ${table}`).toArray(),
    ),
  );
  const uploads = env.DB.prepare("SELECT * FROM uploads WHERE sent_to = ? ORDER BY key");
  const { results } = await uploads.bind(conversationId).all<{ key: string }>();
  const sizes = await Promise.all(
    results.map(async ({ key }) => (await env.FILES.head(key))?.size),
  );
  return { object, directory: await projected(conversationId), uploads: results, sizes };
}

const orderFor = ({ userId }: Caller) =>
  orderOf("erase-user", { userId, messages: "clear" }, userId);

/** Runs `then` behind every step of an erasure. */
function behindSteps(then: (state: { phase: string; after: string }) => Promise<unknown>): void {
  const restore = replaced("erase-user", (real) => {
    if (!real) throw new Error("no such kind");
    return {
      ...real,
      step: async (context, params, state) => {
        const step = await real.step(context, params, state);
        if ("state" in step) await then(step.state as { phase: string; after: string });
        return step;
      },
    } satisfies AnyJob;
  });
  onTestFinished(restore);
}

/** Runs `then` when a conversation has been erased, within the step that goes on with the next. */
function behindErasureIn(conversationId: string, then: () => Promise<unknown>): void {
  let isDone = false;
  const restore = replaced("erase-user", (real) => {
    if (!real) throw new Error("no such kind");
    return {
      ...real,
      step: (context, params, state) => {
        const namespace = new Proxy(context.env.CONVERSATIONS, {
          get: (target, name) => {
            if (name !== "getByName") return Reflect.get(target, name);
            return (id: string) => {
              const stub = target.getByName(id);
              if (id !== conversationId) return stub;
              return {
                erase: async (request: never) => {
                  const progress = await (stub as never as EraseStub).erase(request);
                  if (progress && "isListed" in progress && progress.isListed && !isDone) {
                    isDone = true;
                    await then();
                  }
                  return progress;
                },
              };
            };
          },
        });
        const bindings = { ...context.env, CONVERSATIONS: namespace };
        return real.step({ ...context, env: bindings }, params, state);
      },
    } satisfies AnyJob;
  });
  onTestFinished(restore);
}

interface EraseStub {
  erase(request: never): Promise<object | undefined>;
}

/** They may connect: no ban is left, and a server that knew of one asks again. */
async function expectAdmitted(who: Caller): Promise<void> {
  const bans = env.DB.prepare("SELECT 1 FROM bans WHERE user_id = ? AND lifted_at IS NULL");
  expect((await bans.bind(who.userId).all()).results).toEqual([]);
  await vi.waitFor(async () => {
    expect((await who.get(`${V1}/conversations`)).status).toBe(200);
  }, SOON);
}

/** A new job finishes it: nothing names her, and Bob's counts are exact. */
async function expectFinished(alice: Caller, bob: Caller, mark: string, ids: string[]) {
  const { view } = await runJob(orderFor(alice), { kills: false });
  expect(view).toMatchObject({ state: "done", error: null });
  expect(await crawl([alice.userId, mark])).toEqual([]);
  for (const id of ids) expect(await unreadOf(bob, id)).toBe(0);
}

/** Places a hold while a job runs: through the API, or in D1 alone, before any object knows of it. */
const HOLDS = {
  conversation: (_: Caller, id: string) => ({
    place: async () => {
      const { status } = await admin.put(`/api/admin/conversations/${id}/legal-hold`, { reason });
      expect(status).toBeLessThan(300);
    },
    lift: () => admin.delete(`/api/admin/conversations/${id}/legal-hold`, { reason }),
  }),
  person: ({ userId }: Caller) => ({
    place: () =>
      placeHold(directoryOf(env.DB), {
        ...{ subject: "user", id: userId, placedBy: admin.userId, placedAt: Date.now(), reason },
      }),
    lift: () => liftHold(directoryOf(env.DB), "user", userId),
  }),
};

test.each(["conversation", "person"] as const)(
  "a legal hold that comes on the way stops it before the next conversation: %s",
  async (subject) => {
    const mark = `${subject}holdmark`;
    const { alice, bob, first, second, third } = await threeGroups(mark);
    const before = [await everythingOf(second), await everythingOf(third)];
    const hold = HOLDS[subject](alice, second);
    behindErasureIn(first, hold.place);
    const { view } = await runJob(orderFor(alice), { kills: false });
    expect(view).toMatchObject({ state: "failed", error: "legal_hold" });
    expect([await everythingOf(second), await everythingOf(third)]).toEqual(before);
    const { object, directory } = await everythingOf(first);
    // The rows of its files are removed with these, after the last conversation.
    expect(JSON.stringify({ object, directory })).not.toContain(mark);
    await expectAdmitted(alice);
    expect((await send(alice, second, `${mark} still here`)).status).toBe(201);
    expect((await send(alice, first, `${mark} no longer here`)).status).toBe(403);

    expect((await runJob(orderFor(alice), { kills: false })).view.error).toBe("legal_hold");
    await hold.lift();
    await expectFinished(alice, bob, mark, [first, second, third]);
  },
  120_000,
);

test.each(["settle", "reports"])(
  "a legal hold on the person that comes after their conversations: %s",
  async (phase) => {
    const mark = `late${phase}mark`;
    const { alice, bob, first, second, third } = await threeGroups(mark);
    const hold = `/api/admin/users/${alice.userId}/legal-hold`;
    let keys: string[] = [];
    behindSteps(async (state) => {
      if (state.phase !== phase || keys.length > 0) return;
      keys = ["held"];
      const { body } = await admin.put(hold, { reason });
      await fireUntilEnd(body.job.id);
      const uploads = env.DB.prepare("SELECT key FROM uploads WHERE owner_id = ?");
      const { results } = await uploads.bind(alice.userId).all<{ key: string }>();
      keys.push(...results.map(({ key }) => key));
    });
    const { view } = await runJob(orderFor(alice), { kills: false });
    expect(view).toMatchObject({ state: "failed", error: "legal_hold" });
    expect(keys).toHaveLength(phase === "reports" ? 1 : 4);
    for (const key of keys.slice(1)) expect(await env.FILES.head(key)).not.toBeNull();
    await expectAdmitted(alice);
    const { body } = await admin.delete(hold, { reason });
    await fireUntilEnd(body.job.id);
    await expectFinished(alice, bob, mark, [first, second, third]);
  },
  120_000,
);

test("a legal hold on a conversation that was erased a moment ago keeps its files", async () => {
  const mark = "filemark";
  const { alice, bob, first, second, third } = await threeGroups(mark);
  const hold = `/api/admin/conversations/${second}/legal-hold`;
  const uploads = env.DB.prepare("SELECT key FROM uploads WHERE sent_to = ?").bind(second);
  const keys = (await uploads.all<{ key: string }>()).results.map(({ key }) => key);
  expect(keys).toHaveLength(1);
  let isHeld = false;
  behindSteps(async ({ phase }) => {
    if (phase !== "files" || isHeld) return;
    isHeld = true;
    expect((await admin.put(hold, { reason })).status).toBeLessThan(300);
  });
  const { view } = await runJob(orderFor(alice), { kills: false });
  expect(view).toMatchObject({ state: "failed", error: "legal_hold" });
  for (const key of keys) expect(await env.FILES.head(key)).not.toBeNull();
  expect((await admin.delete(hold, { reason })).status).toBeLessThan(300);
  await expectFinished(alice, bob, mark, [first, second, third]);
  for (const key of keys) expect(await env.FILES.head(key)).toBeNull();
}, 120_000);

test("cancelled on the way: they are admitted, the rest is as it was, and another one finishes", async () => {
  const mark = "cancelmark";
  const { alice, bob, first, second, third } = await threeGroups(mark);
  const before = [await everythingOf(second), await everythingOf(third)];
  const order = orderFor(alice);
  let isCancelled = false;
  // The step ends behind the first conversation, as one does that takes long.
  const restore = replaced("erase-user", (real) => {
    if (!real) throw new Error("no such kind");
    return {
      ...real,
      step: async (context, params, state) => {
        let calls = 0;
        const clock = () => context.clock() + 2_000 * calls++;
        const step = await real.step({ ...context, clock }, params, state);
        const { after } = ("state" in step ? step.state : {}) as { after?: string };
        if (after === first) {
          isCancelled = true;
          await jobObject(env, order.id).cancel();
        }
        return step;
      },
    } satisfies AnyJob;
  });
  const { view } = await runJob(order, { kills: false }).finally(restore);
  expect(isCancelled).toBe(true);
  expect(view).toMatchObject({ state: "cancelled" });
  expect([await everythingOf(second), await everythingOf(third)]).toEqual(before);
  const { object, directory } = await everythingOf(first);
  // The rows of its files are removed with these, after the last conversation.
  expect(JSON.stringify({ object, directory })).not.toContain(mark);
  await expectAdmitted(alice);
  await expectFinished(alice, bob, mark, [first, second, third]);
}, 120_000);

test("archives of their exports go, and exports that are on their way end", async () => {
  const mark = "exportmark";
  const { alice, bob, first, second, third } = await threeGroups(mark);
  const started = async () => {
    const { status, body } = await admin.post(`/api/admin/users/${alice.userId}/export`, {
      reason,
    });
    expect(status).toBe(202);
    return body.job.id as string;
  };
  const finished = await started();
  await fireUntilEnd(finished);
  const archive = `/api/admin/jobs/${finished}/archive`;
  await vi.waitFor(async () => expect((await admin.get(archive)).status).toBe(200), SOON);
  const { url } = (await admin.get(archive)).body;
  const others = orderOf("export-user", { userId: bob.userId }, bob.userId);
  await runJob(others, { kills: false });
  // One that is uploading its archive, and is not let to the end.
  let isUploading = false;
  const restore = replaced("export-user", (real) => {
    if (!real) throw new Error("no such kind");
    return {
      ...real,
      step: async (context, params, state) => {
        if (isUploading) {
          await scheduler.wait(50);
          return { state, done: 1, total: null };
        }
        const step = await real.step(context, params, state);
        isUploading = "state" in step && JSON.stringify(step.state).includes('"uploadId"');
        return step;
      },
    } satisfies AnyJob;
  });
  onTestFinished(restore);
  const unfinished = await started();
  await vi.waitFor(() => expect(isUploading).toBe(true), SOON);

  const { view } = await runJob(orderFor(alice), { kills: false });
  expect(view).toMatchObject({ state: "done", error: null });
  expect(await jobObject(env, unfinished).view()).toMatchObject({ state: "cancelled" });
  const { objects } = await env.FILES.list({ prefix: "exports/" });
  expect(objects.map(({ key }) => key)).toEqual([`exports/${others.id}.tar`]);
  expect((await admin.get(archive)).body.code).toBe("archive_gone");
  const { pathname, search } = new URL(url);
  expect((await exports.default.fetch(`${ORIGIN}${pathname}${search}`)).status).toBe(410);
  const rows = env.DB.prepare(
    "SELECT id, target, params, swept_at IS NOT NULL AS swept FROM jobs WHERE id IN (?, ?) ORDER BY created_at",
  );
  expect((await rows.bind(finished, unfinished).all()).results).toEqual([
    { id: finished, target: null, params: "{}", swept: 1 },
    { id: unfinished, target: null, params: "{}", swept: 1 },
  ]);
  expect(await crawl([alice.userId])).toEqual([]);
  for (const id of [first, second, third]) expect(await unreadOf(bob, id)).toBe(0);
}, 120_000);
