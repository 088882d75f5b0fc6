import { expect, test, vi } from "vitest";
import { Hub } from "../gateway/line.ts";
import { directPair, evict, groupOf, openLive, person, send } from "../support.ts";
import { ALLOW, hooked, reject, replace, says, undoHooked } from "./hook.ts";

/** The order of one sender, who waits for whom, and what is asked once. */

undoHooked();

type Caller = Awaited<ReturnType<typeof person>>;

async function texts(caller: Caller, id: string): Promise<string[]> {
  const { body } = await caller.get(`/api/v1/chat/messages?conversationId=${id}`);
  return body.items.map(({ content }: { content: string }) => content).reverse();
}

test("messages of one sender stay in order, however their questions are answered", async () => {
  const hook = await hooked();
  const { alice, conversationId } = await directPair();
  await hook.answers(["first", "hold"], ["third", says(reject())]);
  const socket = await openLive(alice, conversationId);
  for (const [index, content] of ["first", "second", "third", "fourth"].entries()) {
    socket.send({ op: "send", id: index, content });
  }
  socket.send({ op: "read", id: "read" });
  // All are asked at once; none of them is carried out before the first.
  await hook.untilAsked("fourth");
  expect(await texts(alice, conversationId)).toEqual([]);
  await hook.release("first", replace("1st"));
  await socket.next("ack", ({ id }) => id === "read");
  const answers = socket.events.flatMap((event) =>
    event.type === "ack" || event.type === "error" ? [[event.type, event.id]] : [],
  );
  expect(answers).toEqual([
    ["ack", 0],
    ["ack", 1],
    ["error", 2],
    ["ack", 3],
    ["ack", "read"],
  ]);
  expect(await texts(alice, conversationId)).toEqual(["1st", "second", "fourth"]);
});

test("a slow answer holds up its sender, and no other, on whatever transport", async () => {
  const hook = await hooked();
  const [alice, bob, carol] = await Promise.all([person("alice"), person("bob"), person("carol")]);
  const conversationId = await groupOf(alice, bob, carol);
  await hook.answers(["slow", "hold"]);
  const slow = Promise.all(
    ["slow 1", "slow 2", "slow 3"].map((content) => send(alice, conversationId, content)),
  );
  await hook.untilAsked("slow", 3);
  const [socket, hub] = [await openLive(bob, conversationId), await Hub.connect(carol)];
  await hub.ask("JoinConversation", conversationId);
  for (let i = 0; i < 10; i++) {
    socket.send({ op: "send", id: i, content: `quick ${i}` });
    await socket.next("ack", ({ id }) => id === i);
  }
  await hub.ask("SendMessage", conversationId, "by hub");
  expect((await send(bob, conversationId, "by REST")).status).toBe(201);
  const before = await texts(bob, conversationId);
  expect(before).toHaveLength(12);
  expect(before.join()).not.toContain("slow");
  await hook.release("slow", ALLOW);
  expect((await slow).map(({ status }) => status)).toEqual([201, 201, 201]);
});

test("more senders than an invocation has connections wait for nobody else", async () => {
  const hook = await hooked();
  const people = await Promise.all(Array.from({ length: 12 }, () => person()));
  const conversationId = await groupOf(...people);
  await hook.answers(["slow", "hold"]);
  const slow = people.slice(1).map((one) => send(one, conversationId, "slow"));
  await hook.untilAsked("slow", 11);
  const [owner] = people as [Caller, ...Caller[]];
  expect((await send(owner, conversationId, "quick")).status).toBe(201);
  await hook.release("slow", ALLOW);
  for (const { status } of await Promise.all(slow)) expect(status).toBe(201);
});

test("the same send is asked about once: while the first is under way, after it, after a rejection", async () => {
  const hook = await hooked();
  const { alice, conversationId } = await directPair();
  await hook.answers(["twice", "hold"], ["never", says(reject("No."))]);
  const again = { clientMessageId: "k-1" };
  const both = [1, 2].map(() => send(alice, conversationId, "twice", again));
  await hook.untilAsked("twice");
  const socket = await openLive(alice, conversationId);
  socket.send({ op: "send", id: 1, content: "twice", ...again });
  socket.send({ op: "send", id: 2, content: "an other" });
  await hook.untilAsked("an other");
  await hook.release("twice", ALLOW);
  const [one, two] = await Promise.all(both);
  expect(two?.body.messageId).toBe(one?.body.messageId);
  expect((await socket.next("ack", ({ id }) => id === 1)).messageId).toBe(one?.body.messageId);
  await socket.next("ack", ({ id }) => id === 2);
  const after = await send(alice, conversationId, "twice", again);
  expect(after.body.messageId).toBe(one?.body.messageId);
  expect(await hook.askedAbout("twice")).toHaveLength(1);

  for (let i = 0; i < 3; i++) {
    const { body } = await send(alice, conversationId, "never", { clientMessageId: "k-2" });
    expect([body.code, body.error]).toEqual(["rejected", "No."]);
  }
  expect(await hook.askedAbout("never")).toHaveLength(1);
  // Another text under the key of a rejected one is another message.
  const changed = await send(alice, conversationId, "kinder", { clientMessageId: "k-2" });
  expect(changed.status).toBe(201);
});

test("a repeated send has the same id after the object has ended, so that a hook can recognise it", async () => {
  const hook = await hooked();
  const { alice, conversationId } = await directPair();
  await hook.answers(["never", says(reject())]);
  const again = { clientMessageId: "k-1" };
  await send(alice, conversationId, "never", again);
  await evict(conversationId);
  await send(alice, conversationId, "never", again);
  const [first, second] = await hook.askedAbout("never");
  expect(second?.["id"]).toBe(first?.["id"]);
});

test("a question without an answer is asked again with the next attempt", async () => {
  const hook = await hooked({ MODERATION_FAILS: "closed" });
  const { alice, conversationId } = await directPair();
  await hook.answers(["a text", { status: 500 }]);
  const again = { clientMessageId: "k-1" };
  expect((await send(alice, conversationId, "a text", again)).body.code).toBe("unavailable");
  await hook.answers();
  expect((await send(alice, conversationId, "a text", again)).status).toBe(201);
});

test("a replaced text is what is stored, and a retry with the original is the same send", async () => {
  const hook = await hooked();
  const { alice, bob, conversationId } = await directPair();
  await hook.answers(["damn", says(replace("d**n"))]);
  const again = { clientMessageId: "k-1" };
  const sent = await send(alice, conversationId, "damn", again);
  await evict(conversationId);
  const socket = await openLive(bob, conversationId);
  const retried = await send(alice, conversationId, "damn", again);
  expect(retried.body.messageId).toBe(sent.body.messageId);
  expect((await send(alice, conversationId, "d**n", again)).body.code).toBe("idempotency_conflict");
  expect(await hook.askedAbout("damn")).toHaveLength(1);
  expect(socket.frames.join()).toContain("d**n");
  expect(socket.frames.join()).not.toContain("damn");
  // Also once it was edited.
  await alice.put(`/api/chat/${conversationId}/messages/${sent.body.messageId}`, { content: "hm" });
  const later = await send(alice, conversationId, "damn", again);
  expect(later.body.messageId).toBe(sent.body.messageId);
});

test("what would be refused anyway is refused, and nobody is asked", async () => {
  const hook = await hooked();
  const { conversationId, alice } = await directPair();
  const stranger = await person("stranger");
  expect((await send(stranger, conversationId, "a text")).body.code).toBe("not_a_member");
  expect((await send(alice, conversationId, " ")).body.code).toBe("empty_content");
  const socket = await openLive(alice, conversationId);
  socket.send({ op: "edit", id: 1, messageId: conversationId, content: "a text" });
  await socket.next("error");
  expect(await hook.asked()).toEqual([]);
});

test("rejected messages count against the sender's rate", async () => {
  const hook = await hooked();
  const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
  const { body } = await alice.post("/api/chat", { participantIds: [bob.userId] });
  const chatId = body.data.chat._id;
  await hook.answers(["spam", says(reject())]);
  for (let i = 0; i < 20; i++) {
    expect((await send(alice, chatId, `spam ${i}`)).body.code).toBe("rejected");
  }
  expect((await send(alice, chatId, "spam")).body.code).toBe("rate_limited");
  expect((await send(bob, chatId, "hello")).status).toBe(201);
  expect(await hook.askedAbout("spam")).toHaveLength(20);
});

test("only so many of a sender's commands wait; one more is refused, and others are not concerned", async () => {
  const hook = await hooked();
  const { alice, bob, conversationId } = await directPair();
  await hook.answers(["slow", "hold"]);
  const socket = await openLive(alice, conversationId);
  for (let i = 0; i < 70; i++) socket.send({ op: "send", id: i, content: `slow ${i}` });
  const { code, retryAfterMs } = await socket.next("error");
  expect([code, retryAfterMs]).toEqual(["rate_limited", 25_000]);
  await socket.until(() => socket.all("error").length === 6);
  expect((await send(bob, conversationId, "quick")).status).toBe(201);
  await hook.untilAsked("slow", 64);
  await hook.release("slow", ALLOW);
  await socket.until(() => socket.all("ack").length === 64);
  expect(await hook.askedAbout("slow")).toHaveLength(64);
});

test("commands that wait behind a message count as waiting; where nothing waits, none is too many", async () => {
  const hook = await hooked();
  const { alice, bob, conversationId } = await directPair();
  const { messageId } = (await send(bob, conversationId, "hello")).body;
  await hook.answers(["slow", "hold"]);
  const reads = Array.from({ length: 20 }, (_, id) =>
    JSON.stringify({ op: "read", id, upTo: messageId }),
  ).join("\n");
  // As many as a socket may send within a second.
  const sockets = await Promise.all(
    Array.from({ length: 8 }, () => openLive(alice, conversationId)),
  );
  const count = (type: "ack" | "error") =>
    sockets.reduce((sum, socket) => sum + socket.all(type).length, 0);
  for (const socket of sockets.slice(0, 4)) socket.send(reads);
  await vi.waitFor(() => expect(count("ack")).toBe(80));
  sockets[0]?.send({ op: "send", id: "slow", content: "slow" });
  await hook.untilAsked("slow");
  for (const socket of sockets.slice(4)) socket.send(reads);
  await vi.waitFor(() => expect(count("error")).toBe(80 - 63));
  for (const { code } of sockets.flatMap((socket) => socket.all("error"))) {
    expect(code).toBe("rate_limited");
  }
  expect((await send(bob, conversationId, "quick")).status).toBe(201);
  await hook.release("slow", ALLOW);
  await vi.waitFor(() => expect(count("ack")).toBe(80 + 1 + 63));
});

test("many messages of one frame are asked about, each once, and stay in order", async () => {
  const hook = await hooked();
  const { alice, conversationId } = await directPair();
  const socket = await openLive(alice, conversationId);
  const contents = Array.from({ length: 40 }, (_, i) => `text ${i}.`);
  await hook.answers(["text 7.", says(reject())], ["text 8.", says(replace("eight"))]);
  socket.send(
    contents.map((content, id) => JSON.stringify({ op: "send", id, content })).join("\n"),
  );
  await socket.until(() => socket.all("ack").length === 39);
  expect(socket.all("error").map(({ id }) => id)).toEqual([7]);
  const sent = contents
    .filter((_, i) => i !== 7)
    .map((text) => (text === "text 8." ? "eight" : text));
  const { body } = await alice.get(
    `/api/v1/chat/messages?conversationId=${conversationId}&pageSize=100`,
  );
  const stored = body.items.map(({ content }: { content: string }) => content).reverse();
  expect(stored).toEqual(sent);
  expect(await hook.askedAbout("text ")).toHaveLength(40);
});
