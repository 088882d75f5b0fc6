import { runInDurableObject } from "cloudflare:test";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { Conversation, Inbox } from "../../src/index.ts";
import type { InboxRow } from "../../src/live/inbox-events.ts";
import { seedMembers } from "../conversation/seeds.ts";
import { inboxOf, openListed } from "../inbox/replica.ts";
import {
  type Caller,
  channelOf,
  directPair,
  fireAlarms,
  groupOf,
  person,
  send,
} from "../support.ts";
import type { Host } from "./host.ts";
import {
  checked,
  crashed,
  evictInbox,
  later,
  notifiedHost,
  toldOf,
  undoNotified,
  untilTold,
} from "./notified.ts";

/** The decision of the inbox, from the message to what arrives at a host application. */

undoNotified();

const preview = ({ message }: Record<string, unknown>) =>
  (message as { preview: string } | null)?.preview;

/** The texts that a person was notified of. */
async function texts(host: Host, who: Caller): Promise<(string | undefined)[]> {
  return (await toldOf(host, who)).filter(({ type }) => type === "notification").map(preview);
}

async function readAll(who: Caller, conversationId: string): Promise<void> {
  await who.patch(`/api/chat/${conversationId}/messages/read`);
}

describe("when nobody is connected", () => {
  test("at once, with what the host application needs", async () => {
    const host = await notifiedHost();
    const { alice, bob, conversationId } = await directPair();
    const { body } = await send(alice, conversationId, "hello");
    const [told] = await untilTold(host, bob, 1);
    expect(told).toMatchObject({
      ...{ type: "notification", userId: bob.userId, reason: "message", unread: 1, total: 1 },
      conversation: { id: conversationId, kind: "direct", url: `/#/c/${conversationId}` },
      message: { id: body.messageId, senderId: alice.userId, preview: "hello" },
    });
    expect(await toldOf(host, alice)).toEqual([]);
  });

  test("once in 30 seconds and conversation, with the newest text, and nothing is forgotten", async () => {
    const host = await notifiedHost();
    const { alice, bob, conversationId } = await directPair();
    await send(alice, conversationId, "first");
    await untilTold(host, bob, 1);
    for (const text of ["second", "third"]) await send(alice, conversationId, text);
    await later(29_000, bob);
    expect(await texts(host, bob)).toEqual(["first"]);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2_000 });
    await fireAlarms(conversationId);
    await checked(bob);
    expect(await texts(host, bob)).toEqual(["first", "third"]);
    expect((await toldOf(host, bob))[1]).toMatchObject({ unread: 3 });
    await later(120_000, bob);
    expect(await texts(host, bob)).toHaveLength(2);
  });

  test("another conversation is another notification", async () => {
    const host = await notifiedHost();
    const [alice, bob, carol] = [await person("a"), await person("b"), await person("c")];
    const groups = [await groupOf(alice, bob, carol), await groupOf(alice, bob, carol)];
    for (const group of groups) await send(alice, group, `in ${group}`);
    await untilTold(host, bob, 2);
    expect((await texts(host, bob)).sort()).toEqual(groups.map((group) => `in ${group}`).sort());
  });

  test("after a crash before anything was sent, and only once", async () => {
    const host = await notifiedHost();
    const { alice, bob, conversationId } = await directPair();
    await host.answers("hang");
    await send(alice, conversationId, "hello");
    await host.untilArrived(1);
    await host.answers({ status: 204 });
    const [hanging] = await host.arrived();
    await crashed(bob);
    await checked(bob);
    const [told] = await untilTold(host, bob, 1);
    expect(told?.["id"]).toBe(hanging?.headers["webhook-id"]);
  });
});

test("after a crash soon, although the next alarm is far away", async () => {
  const host = await notifiedHost();
  const { alice, bob, conversationId } = await directPair();
  const other = await groupOf(alice, bob);
  const until = new Date(Date.now() + 3_600_000).toISOString();
  await bob.put(`/api/v1/chat/conversations/${other}/notifications`, { level: "none", until });
  await host.answers("hang");
  await send(alice, conversationId, "hello");
  await host.untilArrived(1);
  await host.answers({ status: 204 });
  await crashed(bob);
  const alarmAt = await runInDurableObject(inboxOf(bob), (_, { storage }) => storage.getAlarm());
  expect(alarmAt).toBeLessThan(Date.now() + 60_000);
});

describe("when somebody is connected", () => {
  test("after ten seconds, if it is still unread", async () => {
    const host = await notifiedHost();
    const { alice, bob, conversationId } = await directPair();
    const inbox = await openListed(bob);
    await send(alice, conversationId, "hello");
    await inbox.until(() => inbox.entry(conversationId)?.unread === 1);
    await checked(bob);
    expect(await texts(host, bob)).toEqual([]);
    await evictInbox(bob);
    await later(10_000, bob);
    expect(await texts(host, bob)).toEqual(["hello"]);
  });

  test("not, if it was read in that time", async () => {
    const host = await notifiedHost();
    const { alice, bob, conversationId } = await directPair();
    const inbox = await openListed(bob);
    await send(alice, conversationId, "hello");
    await inbox.until(() => inbox.entry(conversationId)?.unread === 1);
    await readAll(bob, conversationId);
    await inbox.until(() => inbox.entry(conversationId)?.unread === 0);
    await later(60_000, bob);
    expect(await toldOf(host, bob)).toEqual([]);
  });

  test("not of a message that came just now, although one before it was due", async () => {
    const host = await notifiedHost();
    const { alice, bob, conversationId } = await directPair();
    const inbox = await openListed(bob);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const { body } = await send(alice, conversationId, "read in time");
    await inbox.until(() => inbox.entry(conversationId)?.unread === 1);
    vi.setSystemTime(Date.now() + 9_000);
    await send(alice, conversationId, "just now");
    await inbox.until(() => inbox.entry(conversationId)?.unread === 2);
    await bob.post(`/api/v1/chat/messages/${body.messageId}/read`);
    await inbox.until(() => inbox.entry(conversationId)?.unread === 1);
    await later(2_000, bob);
    expect(await texts(host, bob)).toEqual([]);
    await later(8_000, bob);
    expect(await texts(host, bob)).toEqual(["just now"]);
  });

  test("at once when the last socket closes", async () => {
    const host = await notifiedHost();
    const { alice, bob, conversationId } = await directPair();
    const inbox = await openListed(bob);
    await send(alice, conversationId, "hello");
    await inbox.until(() => inbox.entry(conversationId)?.unread === 1);
    inbox.close();
    await untilTold(host, bob, 1);
  });

  test("a connection that was not heard of for 75 seconds does not count", async () => {
    const host = await notifiedHost();
    const { alice, bob, conversationId } = await directPair();
    await openListed(bob);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 76_000 });
    await send(alice, conversationId, "hello");
    await untilTold(host, bob, 1);
  });
});

describe("what is looked at once more before it is sent", () => {
  /** A message that is due in ten seconds. */
  async function waiting(text = "hello") {
    const host = await notifiedHost();
    const { alice, bob, conversationId } = await directPair();
    const inbox = await openListed(bob);
    const { body } = await send(alice, conversationId, text);
    await inbox.until(() => inbox.entry(conversationId)?.unread === 1);
    return { host, alice, bob, conversationId, id: body.messageId as string };
  }

  test("nothing that was deleted", async () => {
    const { host, alice, bob, conversationId, id } = await waiting();
    await alice.delete(`/api/chat/${conversationId}/messages/${id}`);
    await later(10_000, bob);
    expect(await toldOf(host, bob)).toEqual([]);
  });

  test("the latest text", async () => {
    const { host, alice, bob, conversationId, id } = await waiting();
    await alice.put(`/api/chat/${conversationId}/messages/${id}`, { content: "edited" });
    await later(10_000, bob);
    expect(await texts(host, bob)).toEqual(["edited"]);
  });

  test("nothing that was muted", async () => {
    const { host, bob, conversationId } = await waiting();
    const path = `/api/v1/chat/conversations/${conversationId}/notifications`;
    expect((await bob.put(path, { level: "none" })).status).toBe(200);
    await later(10_000, bob);
    expect(await toldOf(host, bob)).toEqual([]);
  });

  test("without a preview no text and no name", async () => {
    const { host, bob } = await waiting();
    await bob.put("/api/notifications/settings", { preview: false });
    await later(10_000, bob);
    const [told] = await toldOf(host, bob);
    expect(told).toMatchObject({ message: null, unread: 1 });
    expect(JSON.stringify(told)).not.toContain("hello");
  });

  test("in the hours of do-not-disturb it waits for their end", async () => {
    const { host, bob } = await waiting();
    const hour = (milliseconds: number) =>
      new Date(Date.now() + milliseconds).toISOString().slice(11, 16);
    const doNotDisturb = { from: hour(0), to: hour(3_600_000), timeZone: "UTC" };
    expect((await bob.put("/api/notifications/settings", { doNotDisturb })).status).toBe(200);
    await later(60_000, bob);
    expect(await toldOf(host, bob)).toEqual([]);
    await later(3_600_000, bob);
    expect(await texts(host, bob)).toEqual(["hello"]);
  });
});

describe("levels", () => {
  test("in channels only mentions", async () => {
    const host = await notifiedHost();
    const [owner, bob] = [await person("owner"), await person("bob")];
    const channel = await channelOf(owner, [bob]);
    await send(owner, channel, "for all");
    await send(owner, channel, "for bob", { mentions: [bob.userId] });
    const [told] = await untilTold(host, bob, 1);
    expect(told).toMatchObject({ reason: "mention", message: { preview: "for bob" } });
  });

  test("a mention by an edit notifies; another edit notifies nobody again", async () => {
    const host = await notifiedHost();
    const [alice, bob, carol] = [await person("a"), await person("b"), await person("c")];
    const group = await groupOf(alice, bob, carol);
    await bob.put(`/api/v1/chat/conversations/${group}/notifications`, { level: "mentions" });
    const mentions = [bob.userId];
    const { body } = await send(alice, group, "for bob", { mentions });
    const { body: plain } = await send(alice, group, "plain");
    await untilTold(host, bob, 1);
    await later(60_000, bob);
    const edit = (id: string, more: object) => alice.put(`/api/chat/${group}/messages/${id}`, more);
    await edit(body.messageId, { content: "for bob, edited" });
    await checked(bob);
    await edit(plain.messageId, { content: "now for bob", mentions });
    await untilTold(host, bob, 2);
    expect(await texts(host, bob)).toEqual(["for bob", "now for bob"]);
  });

  test("a member of a large channel is notified of mentions, of themself and of everybody", async () => {
    const host = await notifiedHost();
    const [owner, bob, carol] = [await person("owner"), await person("bob"), await person("carol")];
    const channel = await channelOf(owner, [bob, carol]);
    await seedMembers(channel, 200);
    await send(owner, channel, "for bob", { mentions: [bob.userId] });
    await untilTold(host, bob, 1);
    await send(owner, channel, "for all", { mentionsAll: true });
    await untilTold(host, carol, 1);
    expect(await texts(host, carol)).toEqual(["for all"]);
  }, 60_000);

  test("a mention in a large channel while its inbox is called for another one: called again", async () => {
    await notifiedHost();
    const [owner, bob] = [await person("owner"), await person("bob")];
    const channel = await channelOf(owner, [bob]);
    await seedMembers(channel, 200);
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const { update } = Inbox.prototype;
    onTestFinished(() => void Object.assign(Inbox.prototype, { update }));
    const called: number[] = [];
    const held = (row: InboxRow) => {
      if (!("removed" in row) && row.mentions > 0) called.push(row.mentions);
      return released.then(() => "notify of mentions");
    };
    Object.assign(Inbox.prototype, { update: held });
    const mentions = [bob.userId];
    await send(owner, channel, "first", { mentions });
    await vi.waitFor(() => expect(called).toEqual([1]));
    await send(owner, channel, "second", { mentions });
    release();
    await vi.waitFor(async () => {
      await fireAlarms(channel);
      expect(called).toEqual([1, 2]);
    });
  }, 60_000);

  test("`all` in a channel, chosen while away: every message", async () => {
    const host = await notifiedHost();
    const [owner, bob] = [await person("owner"), await person("bob")];
    const channel = await channelOf(owner, [bob]);
    await send(owner, channel, "before");
    await bob.put(`/api/v1/chat/conversations/${channel}/notifications`, { level: "all" });
    await vi.waitFor(async () => {
      await send(owner, channel, "after");
      expect(await texts(host, bob)).toEqual(["after"]);
    });
  });

  test("a level that ends while the user is away: the conversation calls again", async () => {
    const host = await notifiedHost();
    const { alice, bob, conversationId } = await directPair();
    const until = new Date(Date.now() + 600_000).toISOString();
    const path = `/api/v1/chat/conversations/${conversationId}/notifications`;
    await bob.put(path, { level: "none", until });
    await send(alice, conversationId, "muted");
    await fireAlarms(conversationId);
    await later(600_000, bob);
    expect(await texts(host, bob)).toEqual([]);
    await vi.waitFor(async () => {
      await send(alice, conversationId, "heard");
      await fireAlarms(conversationId);
      await checked(bob);
      expect(await texts(host, bob)).toEqual(["heard"]);
    });
  });

  test("a mute that ends while the conversation cannot be reached: it is asked again", async () => {
    const host = await notifiedHost();
    const { alice, bob, conversationId } = await directPair();
    const path = `/api/v1/chat/conversations/${conversationId}/notifications`;
    await bob.put(path, { level: "none" });
    await send(alice, conversationId, "muted");
    await fireAlarms(conversationId);
    const rearm = vi.spyOn(Conversation.prototype, "rearm").mockImplementation(() => {
      throw new Error("unreachable");
    });
    await bob.put(path, { level: "default" });
    await vi.waitFor(() => expect(rearm).toHaveBeenCalled());
    rearm.mockRestore();
    await vi.waitFor(async () => {
      await checked(bob);
      await send(alice, conversationId, "heard");
      await fireAlarms(conversationId);
      await checked(bob);
      expect(await texts(host, bob)).toEqual(["heard"]);
    });
  });

  test("nobody is notified of what is silent", async () => {
    const host = await notifiedHost();
    const { alice, bob, conversationId } = await directPair();
    await send(alice, conversationId, "silent", { silent: true });
    await checked(bob);
    await send(alice, conversationId, "loud");
    await later(60_000, bob);
    expect(await texts(host, bob)).toEqual(["loud"]);
  });
});

describe("when everything was read", () => {
  test("the host application is told, once, however it was read", async () => {
    const host = await notifiedHost();
    const { alice, bob, conversationId } = await directPair();
    await send(alice, conversationId, "hello");
    await untilTold(host, bob, 1);
    await readAll(bob, conversationId);
    await vi.waitFor(async () => {
      await later(1_000, bob);
      expect(await toldOf(host, bob)).toHaveLength(2);
    });
    expect((await toldOf(host, bob))[1]).toMatchObject({
      ...{ type: "notification-read", userId: bob.userId, total: 0 },
      conversation: { id: conversationId },
    });
    await readAll(bob, conversationId);
    await later(60_000, bob);
    expect(await toldOf(host, bob)).toHaveLength(2);
  });

  test("nobody is told of what was never notified of", async () => {
    const host = await notifiedHost();
    const { alice, bob, conversationId } = await directPair();
    const inbox = await openListed(bob);
    await send(alice, conversationId, "hello");
    await inbox.until(() => inbox.entry(conversationId)?.unread === 1);
    await readAll(bob, conversationId);
    await inbox.until(() => inbox.entry(conversationId)?.unread === 0);
    await later(60_000, bob);
    expect(await toldOf(host, bob)).toEqual([]);
  });
});

test("an older row that comes late does not have what is newer forgotten", async () => {
  const host = await notifiedHost();
  const { alice, bob, conversationId } = await directPair();
  const inbox = await openListed(bob);
  const before = inbox.entry(conversationId);
  await send(alice, conversationId, "hello");
  await inbox.until(() => inbox.entry(conversationId)?.unread === 1);
  if (before) await inboxOf(bob).update(before);
  await later(10_000, bob);
  expect(await texts(host, bob)).toEqual(["hello"]);
});

test("an inbox of a user who cannot be notified stores nothing of it", async () => {
  const { alice, bob, conversationId } = await directPair();
  await send(alice, conversationId, "hello");
  await vi.waitFor(async () => {
    const tables = await runInDurableObject(inboxOf(bob), (_, { storage: { sql } }) =>
      sql.exec<{ name: string }>("SELECT name FROM sqlite_master").toArray(),
    );
    const names = tables.map(({ name }) => name);
    expect(names).toContain("pending");
    expect(names).not.toContain("notifying");
  });
});
