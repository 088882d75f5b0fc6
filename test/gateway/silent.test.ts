import { runInDurableObject } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import { expect, test } from "vitest";
import { openRooms } from "../inbox/room-client.ts";
import {
  type Caller,
  directPair,
  groupOf,
  ORIGIN,
  objectOf,
  openLive,
  person,
  send,
} from "../support.ts";
import { Hub, Io } from "./line.ts";

/** `silent` in sends, over every transport: what the conversation stores of it. */

/** The texts of the silent messages of a conversation, and of the others. */
function stored(conversationId: string): Promise<{ silent: string[]; others: string[] }> {
  return runInDurableObject(objectOf(conversationId), (_, { storage }) => {
    const rows = storage.sql
      .exec<{ content: string; silent: number | null }>(
        "SELECT content, silent FROM messages ORDER BY content",
      )
      .toArray();
    const textsOf = (silent: number | null) =>
      rows.filter((row) => row.silent === silent).map(({ content }) => content);
    return { silent: textsOf(1), others: textsOf(null) };
  });
}

async function sendForm(by: Caller, chatId: string, fields: Record<string, string>) {
  const body = new FormData();
  body.set("file", new File(["a,b\n1,2\n"], "table.csv", { type: "text/csv" }));
  for (const [name, value] of Object.entries(fields)) body.set(name, value);
  const headers = { Authorization: `Bearer ${by.token}` };
  const address = `${ORIGIN}/api/chat/${chatId}/messages/file`;
  return await exports.default.fetch(address, { method: "POST", headers, body });
}

test("each transport sends silently, or as before without the field, with null and with false", async () => {
  const [alice, bob, carol] = await Promise.all([person("a"), person("b"), person("c")]);
  const group = await groupOf(alice, bob, carol);
  const [io, hub, live, rooms] = [
    await Io.connect(alice),
    await Hub.connect(alice),
    await openLive(alice, group),
    await openRooms(alice),
  ];
  await io.ask("join-chat-room", group);
  await hub.ask("JoinConversation", group);
  await rooms.open(group);
  const mentions = [bob.userId];
  for (const silent of [true, false, null, undefined]) {
    const text = (transport: string) => `${transport} ${silent}`;
    const asked = silent === undefined ? {} : { silent };
    expect((await send(alice, group, text("rest"), { mentions, ...asked })).status).toBe(201);
    const chat = await alice.post(`/api/chat/${group}/messages`, {
      content: text("chat"),
      ...asked,
    });
    expect(chat.status).toBe(201);
    await io.ask("send-message", { chatId: group, content: text("io"), ...asked });
    const more = silent === undefined ? [] : [null, null, mentions, null, silent];
    await hub.ask("SendMessage", group, text("hub"), ...more);
    live.send({ op: "send", content: text("live"), ...asked });
    rooms.send({ op: "send", conversationId: group, content: text("room"), ...asked });
    const form = silent === null ? {} : { silent: String(silent ?? "") };
    expect((await sendForm(alice, group, { content: text("form"), ...form })).status).toBe(201);
  }
  await live.until(() => live.all("message").length === 28);
  const transports = ["chat", "form", "hub", "io", "live", "rest", "room"];
  const { silent, others } = await stored(group);
  expect(silent).toEqual(transports.map((transport) => `${transport} true`));
  expect(others).toHaveLength(21);
  // Others are not told: it is between its sender and the server.
  for (const { message } of live.all("message")) expect(message).not.toHaveProperty("silent");
});

test("a message with files is silent, and stays so when it is edited", async () => {
  const { alice, conversationId } = await directPair();
  const put = await exports.default.fetch(`${ORIGIN}/api/v1/chat/uploads?name=t.csv`, {
    method: "PUT",
    headers: { Authorization: `Bearer ${alice.token}` },
    body: "a,b\n1,2\n",
  });
  const { contentType: mimeType, ...file } = await put.json<Record<string, unknown>>();
  const attachments = [{ ...file, mimeType }];
  const message = { conversationId, content: "one", attachments, silent: true };
  const { status, body } = await alice.post("/api/v1/chat/messages/with-attachments", message);
  expect(status).toBe(201);
  const edit = { content: "two" };
  await alice.put(`/api/chat/${conversationId}/messages/${body.messageId}`, edit);
  expect(await stored(conversationId)).toEqual({ silent: ["two"], others: [] });
});

test("a send that is repeated with another value is the one before", async () => {
  const { alice, conversationId } = await directPair();
  const first = await send(alice, conversationId, "one", { clientMessageId: "k", silent: true });
  const again = await send(alice, conversationId, "one", { clientMessageId: "k" });
  expect(again.body).toEqual({ ...first.body, deduplicated: true });
  expect(await stored(conversationId)).toEqual({ silent: ["one"], others: [] });
});

test("anything but a flag is refused, by each transport", async () => {
  const { alice, conversationId } = await directPair();
  const [io, hub] = [await Io.connect(alice), await Hub.connect(alice)];
  const live = await openLive(alice, conversationId);
  const silent = "yes";
  const refused = { status: 400, body: { code: "invalid_request" } };
  expect(await send(alice, conversationId, "x", { silent })).toMatchObject(refused);
  const path = `/api/chat/${conversationId}/messages`;
  expect(await alice.post(path, { content: "x", silent })).toMatchObject(refused);
  expect((await sendForm(alice, conversationId, { silent })).status).toBe(400);
  const answer = await io.ask("send-message", { chatId: conversationId, content: "x", silent });
  expect(answer.code).toBe("invalid_request");
  const call = ["SendMessage", conversationId, "x", null, null, null, null, silent] as const;
  expect((await hub.ask(...call)).error).toBeDefined();
  live.send({ op: "send", content: "x", silent });
  expect((await live.next("error")).code).toBe("invalid_frame");
  expect(await stored(conversationId)).toEqual({ silent: [], others: [] });
});
