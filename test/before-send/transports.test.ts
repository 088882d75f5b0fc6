import { expect, test } from "vitest";
import { sample } from "../attachments/samples.ts";
import { sendFile, sendUploads, upload } from "../attachments/support.ts";
import { Hub, Io } from "../gateway/line.ts";
import { openRooms } from "../inbox/room-client.ts";
import { channelOf, directPair, openLive, person, send } from "../support.ts";
import { hooked, reject, replace, says, undoHooked } from "./hook.ts";

/** Every way by which something is said goes past the hook. */

undoHooked();

type Pair = Awaited<ReturnType<typeof directPair>>;

/** Sends a text; resolves to the code of the refusal, if there is one. */
const SENDS: Record<string, (pair: Pair, content: string) => Promise<string | undefined>> = {
  "UniHub's REST": async ({ alice, conversationId }, content) =>
    (await send(alice, conversationId, content)).body.code,
  "the marketplace's REST": async ({ alice, conversationId }, content) =>
    (await alice.post(`/api/chat/${conversationId}/messages`, { content })).body.code,
  "a native socket": async ({ alice, conversationId }, content) => {
    const socket = await openLive(alice, conversationId);
    socket.send({ op: "send", id: 1, content });
    await socket.until(() => socket.all("ack").length + socket.all("error").length > 0);
    return socket.all("error")[0]?.code;
  },
  "an inbox socket": async ({ alice, conversationId }, content) => {
    const room = await (await openRooms(alice)).open(conversationId);
    room.send({ op: "send", id: 1, content });
    await room.until(() => room.all("ack").length + room.all("error").length > 0);
    return room.all("error")[0]?.code;
  },
  SignalR: async ({ alice, conversationId }, content) => {
    const hub = await Hub.connect(alice);
    await hub.ask("JoinConversation", conversationId);
    const answer = await hub.ask("SendMessage", conversationId, content);
    return answer?.error === undefined ? undefined : String(answer.error);
  },
  "Socket.IO": async ({ alice, conversationId }, content) => {
    const io = await Io.connect(alice);
    await io.ask("join-chat-room", conversationId);
    const answer = await io.ask("send-message", { chatId: conversationId, content });
    return answer.success ? undefined : JSON.stringify(answer);
  },
  "a file by UniHub": async ({ alice, conversationId }, content) => {
    const file = await upload(alice, "a.png", sample("png").content);
    return (await sendUploads(alice, conversationId, [file], { content })).body.code;
  },
  "a file by the marketplace": async ({ alice, conversationId }, content) => {
    const file = { filename: "a.png", content: sample("png").content };
    return (await sendFile(alice, conversationId, { content }, file)).body.code;
  },
  "a file by a native socket": async ({ alice, conversationId }, content) => {
    const { body } = await upload(alice, "a.png", sample("png").content);
    const socket = await openLive(alice, conversationId);
    const key = new URL(body.fileUrl).pathname.split("/").at(-1);
    socket.send({ op: "send", id: 1, content, attachments: [key] });
    await socket.until(() => socket.all("ack").length + socket.all("error").length > 0);
    return socket.all("error")[0]?.code;
  },
};

test.each(Object.keys(SENDS))("%s: rejected, and replaced", async (name) => {
  const hook = await hooked();
  const pair = await directPair();
  await hook.answers(["nasty", says(reject("Be kind."))], ["rude", says(replace("polite"))]);
  expect(await SENDS[name]?.(pair, "nasty")).toMatch(/rejected|Be kind\./);
  expect(await SENDS[name]?.(pair, "rude")).toBeUndefined();
  const { body } = await pair.bob.get(
    `/api/v1/chat/messages?conversationId=${pair.conversationId}`,
  );
  expect(body.items.map(({ content }: { content: string }) => content)).toEqual(["polite"]);
});

test("files are asked about by name, type and size; a rejected one can be sent elsewhere", async () => {
  const hook = await hooked();
  const { alice, conversationId } = await directPair();
  const other = await directPair();
  await hook.answers(["virus.pdf", says(reject())]);
  const content = sample("pdf").content;
  const file = await upload(alice, "virus.pdf", content);
  expect((await sendUploads(alice, conversationId, [file])).body.code).toBe("rejected");
  const [asked] = await hook.askedAbout("virus.pdf");
  expect(asked?.["message"]).toMatchObject({
    text: "",
    attachments: [{ name: "virus.pdf", mimeType: "application/pdf", size: content.length }],
  });
  await hook.answers();
  expect((await sendUploads(alice, conversationId, [file])).status).toBe(201);
  expect(other.conversationId).not.toBe(conversationId);
});

test("a file whose text is replaced by nothing is sent without one", async () => {
  const hook = await hooked();
  const { alice, conversationId } = await directPair();
  await hook.answers(["rude", says(replace(""))]);
  const file = await upload(alice, "a.png", sample("png").content);
  expect((await sendUploads(alice, conversationId, [file], { content: "rude" })).status).toBe(201);
});

/** Edits a text likewise. */
const EDITS: Record<
  string,
  (pair: Pair, id: string, content: string) => Promise<string | undefined>
> = {
  "the marketplace's REST": async ({ alice, conversationId }, id, content) => {
    const path = `/api/chat/${conversationId}/messages/${id}`;
    return (await alice.put(path, { content })).body.code;
  },
  "a native socket": async ({ alice, conversationId }, messageId, content) => {
    const socket = await openLive(alice, conversationId);
    socket.send({ op: "edit", id: 1, messageId, content });
    await socket.until(() => socket.all("ack").length + socket.all("error").length > 0);
    return socket.all("error")[0]?.code;
  },
  "an inbox socket": async ({ alice, conversationId }, messageId, content) => {
    const room = await (await openRooms(alice)).open(conversationId);
    room.send({ op: "edit", id: 1, messageId, content });
    await room.until(() => room.all("ack").length + room.all("error").length > 0);
    return room.all("error")[0]?.code;
  },
};

test.each(Object.keys(EDITS))("an edit by %s: rejected, and replaced", async (name) => {
  const hook = await hooked();
  const pair = await directPair();
  const { body } = await send(pair.alice, pair.conversationId, "first");
  await hook.answers(["nasty", says(reject("Be kind."))], ["rude", says(replace("polite"))]);
  expect(await EDITS[name]?.(pair, body.messageId, "nasty")).toMatch(/rejected|Be kind\./);
  expect(await EDITS[name]?.(pair, body.messageId, "rude")).toBeUndefined();
  const [asked] = await hook.askedAbout("rude");
  expect(asked).toMatchObject({
    type: "message.edit",
    message: { id: body.messageId, text: "rude" },
  });
  const page = await pair.bob.get(`/api/v1/chat/messages?conversationId=${pair.conversationId}`);
  expect(page.body.items.map(({ content }: { content: string }) => content)).toEqual(["polite"]);
});

test("names of conversations: groups, channels, support chats, and their changes", async () => {
  const hook = await hooked();
  const [alice, bob, carol] = await Promise.all([person("alice"), person("bob"), person("carol")]);
  const names = { title: "polite", description: "friendly" };
  await hook.answers(
    ["nasty", says(reject("Be kind."))],
    ["rude", says({ action: "replace", names })],
  );
  const participantIds = [bob.userId, carol.userId];
  const group = (title: string) =>
    alice.post("/api/v1/chat/conversations/group", { title, participantIds });
  expect((await group("nasty")).body).toMatchObject({ code: "rejected", error: "Be kind." });
  expect((await group("rude")).status).toBe(201);
  const chat = (title: string) => alice.post("/api/chat", { participantIds, type: "group", title });
  expect((await chat("nasty")).body.code).toBe("rejected");
  expect((await chat("rude")).body.data.chat.title).toBe("polite");
  const channel = (name: string, description?: string) =>
    alice.post("/api/v1/chat/channels", { name, description, isPublic: false });
  expect((await channel("Kind", "nasty")).body.code).toBe("rejected");
  const made = await channel("Kind", "rude");
  const path = `/api/v1/chat/channels/${made.body.channelId}`;
  expect((await alice.get(path)).body).toMatchObject({ name: "polite", description: "friendly" });
  expect((await alice.put(path, { name: "nasty name" })).body.code).toBe("rejected");
  await alice.put(path, { description: "rude" });
  const [asked] = await hook.askedAbout("conversation.update");
  expect(asked).toMatchObject({
    conversation: { id: made.body.channelId, kind: "channel", title: "polite" },
    names: { title: "nasty name" },
  });
  const { body } = await alice.get(path);
  // A name that was not asked about stays.
  expect(body).toMatchObject({ name: "polite", description: "friendly" });
  const support = (subject: string, initialMessage?: string) =>
    alice.post("/api/chat/support", { subject, initialMessage });
  const chats = async () => (await alice.get("/api/chat")).body.data.chats.length;
  const before = await chats();
  expect((await support("nasty")).body.code).toBe("rejected");
  expect((await support("Kind", "nasty")).body.code).toBe("rejected");
  // Neither has created a chat.
  expect(await chats()).toBe(before);
  await hook.answers(["rude", says(replace("polite"))]);
  const opened = await support("Kind", "rude message");
  expect(opened.body.data.chat.lastMessage.content).toBe("polite");
  expect(await hook.askedAbout("rude message")).toHaveLength(1);
});

test("what has no text is not asked about", async () => {
  const hook = await hooked();
  const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
  const channelId = await channelOf(alice, [bob]);
  const { body } = await send(alice, channelId, "first");
  const asked = (await hook.asked()).length;
  const message = `/api/v1/chat/messages/${body.messageId}`;
  expect((await bob.post(`${message}/reactions`, { emoji: "👍" })).status).toBeLessThan(300);
  expect((await bob.post(`${message}/read`)).status).toBeLessThan(300);
  await alice.post(`/api/v1/chat/channels/${channelId}/archive`);
  await alice.post(`/api/v1/chat/channels/${channelId}/unarchive`);
  expect((await hook.asked()).length).toBe(asked);
});
