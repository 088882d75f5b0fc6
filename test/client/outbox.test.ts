import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { connected, created, message } from "./fake-server.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("unacknowledged messages are sent again, in order, with the same keys", async () => {
  const { conversation, sockets, socket } = connected();
  const early = conversation.send("early");
  (await socket(0)).greet();
  const late = [conversation.send("a"), conversation.send({ content: "b", clientMessageId: "k" })];
  const keys = conversation.pending.map(({ clientMessageId }) => clientMessageId);
  expect(keys).toEqual([expect.any(String), expect.any(String), "k"]);
  const asked = sockets[0]?.asked ?? [];
  expect(asked.map(({ content }) => content)).toEqual(["early", "a", "b"]);
  // The first was stored and its ack lost; the second was acknowledged.
  sockets[0]?.say(created(1, 1, { senderId: "me", clientMessageId: keys[0] ?? "" }));
  sockets[0]?.say({ type: "ack", id: String(asked[1]?.["id"]), rev: 2, messageId: "m2" });
  expect(await late[0]).toEqual({ messageId: "m2", clientMessageId: keys[1], deduplicated: false });
  expect(conversation.pending.map(({ content }) => content)).toEqual(["b"]);
  sockets[0]?.end(1006);
  const resent: unknown[] = [];
  conversation.on("resend", (event) => resent.push(event.clientMessageId));
  await vi.advanceTimersByTimeAsync(1_000);
  (await socket(1)).greet(2);
  expect(sockets[1]?.asked.map((frame) => frame["clientMessageId"])).toEqual([keys[0], "k"]);
  expect(resent).toEqual([keys[0], "k"]);
  const id = String(sockets[1]?.asked[0]?.["id"]);
  sockets[1]?.say({ type: "ack", id, rev: 1, messageId: "m1", deduplicated: true });
  expect(await early).toMatchObject({ messageId: "m1", deduplicated: true });
});

test("a refusal rejects the send, and the message is no longer pending", async () => {
  const { conversation, sockets, socket } = connected();
  (await socket(0)).greet();
  const sent = conversation.send("too fast");
  const refused = expect(sent).rejects.toMatchObject({ code: "rate_limited", retryAfterMs: 900 });
  const id = String(sockets[0]?.asked[0]?.["id"]);
  sockets[0]?.say({ type: "error", id, code: "rate_limited", message: "!", retryAfterMs: 900 });
  await refused;
  expect(conversation.pending).toEqual([]);
});

test("other commands are sent one at a time, and retried after a rate limit", async () => {
  const { conversation, sockets, socket } = connected();
  (await socket(0)).greet(1, [message(1, 1, { senderId: "me" })]);
  const id = conversation.messages[0]?.id ?? "";
  const done = [conversation.edit(id, "x"), conversation.edit(id, "y"), conversation.delete(id)];
  const asked = () => sockets[0]?.asked ?? [];
  expect(asked()).toMatchObject([{ op: "edit", content: "x" }]);
  const error = { type: "error", code: "rate_limited", message: "!", retryAfterMs: 1_000 } as const;
  sockets[0]?.say({ ...error, id: String(asked()[0]?.["id"]) });
  await vi.advanceTimersByTimeAsync(999);
  expect(asked()).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  for (const [index, content] of ["x", "y", undefined].entries()) {
    expect(asked().at(-1)?.["content"]).toBe(content);
    sockets[0]?.say({ type: "ack", id: String(asked().at(-1)?.["id"]), rev: 2 + index });
  }
  await Promise.all(done);
});

test("a repeated command that had already been executed is not an error", async () => {
  const { conversation, sockets, socket } = connected();
  const mine = { senderId: "me" };
  (await socket(0)).greet(1, [message(1, 1, mine)]);
  const id = conversation.messages[0]?.id ?? "";
  const [edited, unreacted] = [conversation.edit(id, " new\r\n "), conversation.unreact(id, "👍")];
  sockets[0]?.end(1006);
  await vi.advanceTimersByTimeAsync(1_000);
  const now = message(1, 2, { ...mine, content: "new", editedAt: "2026-01-01T00:00:01.000Z" });
  (await socket(1)).greet(2, [now]);
  const refuse = (code: string) => {
    const frame = String(sockets[1]?.asked.at(-1)?.["id"]);
    sockets[1]?.say({ type: "error", id: frame, code, message: "!" });
  };
  refuse("edit_window_closed");
  await edited;
  // This command was sent for the first time, so the refusal is returned.
  const failed = expect(unreacted).rejects.toMatchObject({ code: "reaction_not_found" });
  refuse("reaction_not_found");
  await failed;
});

test("a socket on which an answer does not arrive is replaced", async () => {
  const { conversation, sockets, socket } = connected();
  (await socket(0)).greet();
  void conversation.send("hello");
  await vi.advanceTimersByTimeAsync(29_999);
  expect(conversation.status.state).toBe("live");
  await vi.advanceTimersByTimeAsync(1);
  expect(conversation.status.state).toBe("offline");
  await vi.advanceTimersByTimeAsync(1_000);
  sockets[1]?.greet();
  expect(sockets[1]?.asked).toMatchObject([{ op: "send", content: "hello" }]);
});

test("a command whose retry wait exceeds the answer timeout does not replace the socket", async () => {
  const { conversation, sockets, socket } = connected();
  (await socket(0)).greet(1, [message(1, 1, { senderId: "me" })]);
  const id = conversation.messages[0]?.id ?? "";
  const reacted = conversation.react(id, "👍");
  const asked = () => sockets[0]?.asked ?? [];
  const error = {
    type: "error",
    code: "rate_limited",
    message: "!",
    retryAfterMs: 55_000,
  } as const;
  sockets[0]?.say({ ...error, id: String(asked()[0]?.["id"]) });
  // Later commands wait for it.
  const marked = conversation.read();
  for (let waited = 0; waited < 55; waited++) {
    await vi.advanceTimersByTimeAsync(1_000);
    sockets[0]?.say("pong");
  }
  expect(sockets).toHaveLength(1);
  expect(asked().map(({ op }) => op)).toEqual(["react", "react"]);
  sockets[0]?.say({ type: "ack", id: String(asked().at(-1)?.["id"]), rev: 2 });
  sockets[0]?.say({ type: "ack", id: String(asked().at(-1)?.["id"]), rev: 3 });
  await Promise.all([reacted, marked]);
});

test("at most fifty messages are unacknowledged; after a rate limit, further ones wait", async () => {
  const { conversation, sockets, socket } = connected();
  (await socket(0)).greet();
  const sent = Array.from({ length: 120 }, (_, i) =>
    conversation.send(`${i}`).then(
      () => "sent",
      ({ code }) => code,
    ),
  );
  const asked = () => sockets[0]?.asked ?? [];
  const ack = (index: number) =>
    sockets[0]?.say({
      ...{ type: "ack", id: String(asked()[index]?.["id"]) },
      ...{ rev: index + 1, messageId: `m${index}` },
    });
  expect(asked()).toHaveLength(50);
  for (let i = 0; i < 20; i++) ack(i);
  expect(asked()).toHaveLength(70);
  const refusal = { type: "error", code: "rate_limited", message: "!" } as const;
  for (let i = 20; i < 70; i++) {
    sockets[0]?.say({ ...refusal, id: String(asked()[i]?.["id"]), retryAfterMs: 20_000 });
  }
  await vi.advanceTimersByTimeAsync(19_999);
  expect(asked().filter(({ op }) => op === "send")).toHaveLength(70);
  await vi.advanceTimersByTimeAsync(1);
  expect(asked()).toHaveLength(120);
  for (let i = 70; i < 120; i++) ack(i);
  const outcomes = await Promise.all(sent);
  expect(outcomes.filter((outcome) => outcome === "rate_limited")).toHaveLength(50);
  expect(outcomes.filter((outcome) => outcome === "sent")).toHaveLength(70);
  expect(sockets).toHaveLength(1);
});
