import { evictDurableObject } from "cloudflare:test";
import { afterEach, expect, test, vi } from "vitest";
import { type Caller, directPair, objectOf, open, openLive, type Socket } from "../support.ts";
import { acked } from "./answer.ts";
import { Replica, replicaOf } from "./replica.ts";

afterEach(() => void vi.useRealTimers());

const MAX_SYNC_BYTES = 256 * 1024;

/** Sends many messages, a hundred a minute. */
async function sendMany(socket: Socket, count: number, content: string) {
  vi.setSystemTime(Date.now());
  for (let sent = 0; sent < count; sent += 100) {
    const acks = socket.all("ack").length;
    const group = Math.min(100, count - sent);
    for (let i = 0; i < group; i++) socket.send({ op: "send", content: `${sent + i} ${content}` });
    await socket.until(() => socket.all("ack").length === acks + group);
    vi.setSystemTime(Date.now() + 60_000);
  }
}

/** Requests pages until there are no more; calls `between` before every request. */
async function catchUp(
  socket: Socket,
  replica: Replica,
  between: (page: number) => Promise<unknown> = async () => undefined,
): Promise<number> {
  let pages = 0;
  for (;;) {
    const page = await socket.next("sync");
    replica.apply(page);
    pages++;
    if (!page.more) return pages;
    await between(pages);
    socket.send({ op: "sync", since: page.to });
  }
}

async function resumed(caller: Caller, conversationId: string, since = 0) {
  const socket = await open(caller, conversationId, `?since=${since}`);
  const replica = new Replica();
  replica.apply(await socket.next("hello"));
  return { socket, replica };
}

test("pages have at most 500 rows and 256 KiB, and together contain everything in order of revision", async () => {
  const { alice, bob, conversationId } = await directPair();
  const a = await openLive(alice, conversationId);
  await sendMany(a, 1_040, "short");
  await sendMany(a, 60, "€".repeat(1_990));
  const { socket, replica } = await resumed(bob, conversationId);
  expect(await catchUp(socket, replica)).toBe(4);
  let to = 0;
  for (const [index, page] of socket.all("sync").entries()) {
    expect(page.from).toBe(to);
    to = page.to ?? 0;
    const { messages, members, reads } = page;
    expect(messages.length + members.length + reads.length).toBeLessThanOrEqual(500);
    const line = socket.frames[index]?.split("\n").at(-1) ?? "";
    expect(new TextEncoder().encode(line).length).toBeLessThan(MAX_SYNC_BYTES + 1_024);
    const revs = messages.map(({ rev }) => rev);
    expect(revs).toEqual(revs.toSorted((x, y) => x - y));
  }
  expect(to).toBe(1_103);
  expect(replica.state.messages).toEqual(a.all("message").map(({ message }) => message));
});

test("a socket gets no events while it catches up; once it is live, it gets each event once", async () => {
  const { alice, bob, conversationId } = await directPair();
  const a = await openLive(alice, conversationId);
  await sendMany(a, 1_200, "old");
  const { socket, replica } = await resumed(bob, conversationId);
  const first = a.all("message")[0]?.message.id;
  const pages = await catchUp(socket, replica, async (page) => {
    // Everything changes while Bob catches up: messages, edits, deletions, reads, typing, and
    // members.
    vi.setSystemTime(Date.now() + 61_000);
    await acked(a, { op: "send", content: `meanwhile ${page}` });
    const target = a.all("message")[page * 7]?.message.id;
    await acked(a, { op: "delete", messageId: target });
    await acked(a, { op: "read" });
    a.send({ op: "typing", active: true });
    const phone = await openLive(alice, conversationId);
    phone.close();
    if (page === 1) await evictDurableObject(objectOf(conversationId));
    await acked(a, {
      op: "edit",
      messageId: a.all("message").at(-2)?.message.id,
      content: "now",
    }).catch(() => undefined);
  });
  expect(pages).toBe(3);
  expect(new Set(socket.events.map(({ type }) => type))).toEqual(new Set(["hello", "sync"]));
  expect(replica.rev).toBe(a.all("ack").at(-1)?.rev);

  const live = socket.events.length;
  for (let i = 0; i < 20; i++) a.send({ op: "send", content: `live ${i}` });
  await acked(a, { op: "delete", messageId: first });
  await socket.next("message", ({ cause }) => cause === "deleted");
  const heard = socket.events.slice(live);
  expect(heard.map((event) => "rev" in event && event.rev)).toEqual(
    Array.from({ length: 21 }, (_, i) => replica.rev + 1 + i),
  );
  replicaOf(heard, replica);
  const whole = await resumed(bob, conversationId);
  await catchUp(whole.socket, whole.replica);
  expect(replica.state).toEqual(whole.replica.state);
});

test("a socket that is catching up when the object sleeps does not become live", async () => {
  const { alice, bob, conversationId } = await directPair();
  const a = await openLive(alice, conversationId);
  await sendMany(a, 600, "old");
  const { socket, replica } = await resumed(bob, conversationId);
  await evictDurableObject(objectOf(conversationId));
  await acked(a, { op: "send", content: "missed?" });
  socket.send({ op: "history", id: 1, limit: 1 });
  await socket.next("sync", ({ id }) => id === 1);
  expect(socket.all("message")).toEqual([]);
  socket.send({ op: "sync", since: socket.all("sync")[0]?.to ?? 0 });
  await catchUp(socket, replica);
  await evictDurableObject(objectOf(conversationId));
  const { rev } = await acked(a, { op: "send", content: "and live" });
  await socket.next("message", (event) => event.rev === rev);
  expect(socket.all("message").length).toBe(1);
  expect(replicaOf(socket.events, replica).messages.size).toBe(602);
});

test("a socket that is catching up can send: the ack is sent at once, the message with its page", async () => {
  const { alice, bob, conversationId } = await directPair();
  const a = await openLive(alice, conversationId);
  await sendMany(a, 600, "old");
  const { socket, replica } = await resumed(bob, conversationId);
  const { messageId } = await acked(socket, { op: "send", content: "hello from behind" });
  expect(socket.all("message")).toEqual([]);
  socket.send({ op: "sync", since: socket.all("sync")[0]?.to ?? 0 });
  await catchUp(socket, replica);
  expect(replica.messages.get(messageId ?? "")?.content).toBe("hello from behind");
  expect((await a.next("message", ({ message }) => message.id === messageId)).cause).toBe(
    "created",
  );
});
