import { exports } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import { Hub, Io } from "../gateway/line.ts";
import { openListed } from "../inbox/replica.ts";
import { openRooms } from "../inbox/room-client.ts";
import {
  type Caller,
  channelOf,
  fireAlarms,
  groupOf,
  ORIGIN,
  objectOf,
  open,
  openLive,
  person,
} from "../support.ts";
import { MARK, placeholdersIn, tracesOf } from "./hidden-traces.ts";

/**
 * Alice blocks Eve, and goes through everything that the server has for her: every route of the reference, and every
 * event of every transport. Of Eve she finds placeholders and what the conversation says of its members. Carol, who
 * blocks nobody, finds all of it.
 */

const CHAT = "/api/v1/chat";

/** Every GET of the reference, for a conversation and messages of it. */
async function routesFor(conversationId: string, messageIds: readonly string[]) {
  const reference = await exports.default.fetch(`${ORIGIN}/openapi.json`);
  const { paths } = await reference.json<{ paths: Record<string, Record<string, unknown>> }>();
  return Object.entries(paths).flatMap(([path, item]) => {
    if (!("get" in item) || path.startsWith("/api/admin") || path.startsWith("/api/dev")) return [];
    const named = path.replace("{id}", conversationId).replace("{chatId}", conversationId);
    if (!named.includes("{messageId}")) return [`${named}?conversationId=${conversationId}`];
    return messageIds.map((id) => named.replace("{messageId}", id));
  });
}

async function everythingOf(who: Caller, conversationId: string, ids: readonly string[]) {
  // biome-ignore lint/suspicious/noExplicitAny: as above
  const found: [path: string, body: any][] = [];
  for (const path of await routesFor(conversationId, ids)) {
    const { status, body } = await who.get(path);
    if (status === 200) found.push([path, body]);
  }
  const pages = [`order=asc`, `page=2&limit=2`, `before=${ids.at(-1)}`];
  for (const query of pages) {
    const { status, body } = await who.get(`/api/chat/${conversationId}/messages?${query}`);
    if (status === 200) found.push([query, body]);
  }
  return found;
}

/** Every connection that a person can have, each with what it received; Socket.IO's clients have no channels. */
async function connections(who: Caller, conversationId: string, kind: string) {
  const live = await openLive(who, conversationId);
  const lean = await openLive(who, conversationId, "?features=reactions");
  const inbox = await openListed(who);
  const rooms = await openRooms(who);
  const room = await rooms.open(conversationId);
  const io = await Io.connect(who);
  const hub = await Hub.connect(who);
  await hub.ask("JoinConversation", conversationId);
  await hub.ask("SubscribeConversations");
  await io.ask("join-chat-room", conversationId);
  await io.ask("subscribe-chats");
  return {
    /** Resolves once a message is there on all of them. */
    have: (content: string) =>
      vi.waitFor(
        () => {
          const lines = [live.frames, lean.frames, room.lines, hub.line.received];
          if (kind !== "channel") lines.push(io.line.received);
          for (const some of lines) expect(some.join()).toContain(content);
          expect(inbox.rows.get(conversationId)).toMatchObject({ lastMessage: { content } });
        },
        { timeout: 10_000 },
      ),
    // biome-ignore lint/suspicious/noExplicitAny: looks at whatever the server sends
    received: (): Record<string, any[]> => ({
      live: live.events,
      lean: lean.events,
      inbox: inbox.events,
      room: rooms.lines.map((text) => JSON.parse(text)),
      hub: hub.messages(),
      io: io.line.received
        .filter((text) => /^4[23]/.test(text))
        .map((text) => JSON.parse(text.replace(/^\d+/, ""))),
    }),
    // biome-ignore lint/suspicious/noExplicitAny: as above
    asks: async (ids: readonly string[]): Promise<Record<string, any>> => {
      live.send({ op: "history", id: "h", around: ids[0], limit: 50 });
      const history = await live.next("sync", ({ id }) => id === "h");
      room.send({ op: "history", id: "r", limit: 50 });
      const ofRoom = await room.next("sync", ({ id }) => id === "r");
      const first = await open(who, conversationId);
      const again = await open(who, conversationId, "?since=1");
      const known = [(await first.next("hello")).online, (await first.next("sync")).messages];
      // What a gateway fetches that joins from a revision comes behind the answer.
      const [late, lateIo] = [await Hub.connect(who), await Io.connect(who)];
      const joined = [
        await late.ask("JoinConversation", conversationId, 1),
        await lateIo.ask("join-chat-room", conversationId, { since: 1 }),
      ];
      await late.line.receives((text) => text.includes("the last"));
      if (kind !== "channel") await lateIo.line.receives((text) => text.includes("the last"));
      return {
        ...{ joined, missed: late.messages() },
        missedIo: ["new-message", "message-edited", "message-deleted"].flatMap((name) =>
          lateIo.all(name),
        ),
        ...{ history, ofRoom, hello: known, resumed: await again.next("sync") },
        chats: await io.ask("subscribe-chats"),
        conversations: await hub.ask("SubscribeConversations"),
      };
    },
  };
}

/** Everything that Eve can do to be noticed. */
async function eveDoes(eve: Caller, alice: Caller, conversationId: string, mine: string) {
  const ids: string[] = [];
  const send = async (more: object) => {
    const body = { conversationId, content: `${MARK} text`, ...more };
    const answer = await eve.post(`${CHAT}/messages`, body);
    expect(answer.status).toBe(201);
    ids.push(answer.body.messageId);
  };
  await send({ clientMessageId: `${MARK}-key` });
  await send({ metadata: { note: MARK }, mentions: [alice.userId] });
  await send({ replyToMessageId: mine });
  await send({ mentionsAll: true });
  const put = await exports.default.fetch(`${ORIGIN}${CHAT}/uploads?name=${MARK}.csv`, {
    method: "PUT",
    headers: { Authorization: `Bearer ${eve.token}` },
    body: "a,b\n1,2\n",
  });
  const { contentType: mimeType, ...file } = await put.json<Record<string, unknown>>();
  const withFile = { conversationId, content: MARK, attachments: [{ ...file, mimeType }] };
  const sent = await eve.post(`${CHAT}/messages/with-attachments`, withFile);
  expect(sent.status).toBe(201);
  ids.push(sent.body.messageId);
  const socket = await openLive(eve, conversationId);
  const rooms = await openRooms(eve);
  await rooms.open(conversationId);
  const [hub, io] = [await Hub.connect(eve), await Io.connect(eve)];
  await hub.ask("JoinConversation", conversationId);
  await io.ask("join-chat-room", conversationId);
  socket.send({ op: "typing", active: true });
  socket.send({ op: "edit", messageId: ids[0], content: `${MARK} edited` });
  socket.send({ op: "react", messageId: mine, emoji: "👍" });
  socket.send({ op: "react", messageId: ids[0], emoji: "🔥" });
  socket.send({ op: "delete", id: "d", messageId: ids[2] });
  await socket.next("ack", ({ id }) => id === "d");
  await hub.ask("AddReaction", mine, "🎉");
  await hub.ask("RemoveReaction", mine, "🎉");
  await hub.ask("SendMessage", conversationId, `${MARK} hub`);
  await hub.ask("StartTyping", conversationId);
  await io.ask("send-message", { chatId: conversationId, content: `${MARK} io` });
  await io.ask("typing-start", conversationId);
  await send({});
  socket.send({ op: "read", id: "r" });
  await socket.next("ack", ({ id }) => id === "r");
  return ids;
}

test.each(["group", "channel"])(
  "of whom a person blocks in a %s, nothing reaches them but placeholders",
  async (kind) => {
    const [eve, alice, carol] = await Promise.all([person("eve"), person("a"), person("c")]);
    const id =
      kind === "group" ? await groupOf(eve, alice, carol) : await channelOf(eve, [alice, carol]);
    const { userId } = eve;
    const early = await eve.post(`${CHAT}/messages`, {
      conversationId: id,
      content: `${MARK} early`,
    });
    const mine = await alice.post(`${CHAT}/messages`, { conversationId: id, content: "mine" });
    await eve.post(`${CHAT}/messages/${mine.body.messageId}/reactions`, { emoji: "✅" });
    expect((await alice.put("/api/users/blocks", { userId })).status).toBe(204);
    await vi.waitFor(async () =>
      expect(await objectOf(id).rearm(alice.userId)).toMatchObject({ unread: 0 }),
    );

    const [hers, theirs] = [await connections(alice, id, kind), await connections(carol, id, kind)];
    const ids = [early.body.messageId, ...(await eveDoes(eve, alice, id, mine.body.messageId))];
    // The inboxes of those who are connected here are told when the alarm fires.
    await fireAlarms(id);
    for (const [path, body] of await everythingOf(alice, id, ids)) {
      expect(tracesOf(body, userId), `while it is the newest: ${path}`).toEqual([]);
    }
    const last = await carol.post(`${CHAT}/messages`, { conversationId: id, content: "the last" });
    await carol.post(`${CHAT}/messages/${ids[0]}/reactions`, { emoji: "👏" });
    await hers.have("the last");
    await theirs.have("the last");
    await fireAlarms(id);

    const all = [...ids, mine.body.messageId, last.body.messageId];
    const received = hers.received();
    for (const [name, events] of Object.entries(received)) {
      expect(tracesOf(events, userId), `events: ${name}`).toEqual([]);
    }
    for (const [name, events] of Object.entries(received)) {
      const least = { io: kind === "channel" ? 0 : 6, inbox: 1 }[name] ?? 6;
      expect(placeholdersIn(events, userId).length, name).toBeGreaterThanOrEqual(least);
    }
    for (const [name, answer] of Object.entries(await hers.asks(all))) {
      expect(tracesOf(answer, userId), `answers: ${name}`).toEqual([]);
    }
    const found = await everythingOf(alice, id, all);
    expect(found.length).toBeGreaterThan(15);
    for (const [path, body] of found) expect(tracesOf(body, userId), path).toEqual([]);
    const messages = await alice.get(`${CHAT}/messages?conversationId=${id}`);
    expect(placeholdersIn(messages.body, userId)).toHaveLength(kind === "channel" ? 8 : 9);
    // Her own message, as an edit answers it, has Eve's reaction.
    if (kind === "group") {
      const path = `/api/chat/${id}/messages/${mine.body.messageId}`;
      const edited = await alice.put(path, { content: "mine, edited" });
      expect(edited.status).toBe(200);
      expect(tracesOf(edited.body, userId)).toEqual([]);
      expect(edited.body.data.message.reactions).toEqual([]);
    }

    // The others see all of it, and no placeholder.
    for (const [name, events] of Object.entries(theirs.received())) {
      if (name === "io" && kind === "channel") continue;
      const text = JSON.stringify(events);
      expect(text, name).toContain(MARK);
      expect(text, name).not.toContain('"hidden"');
    }
    const shown = JSON.stringify(await everythingOf(carol, id, all));
    expect(shown).toContain(`${MARK} edited`);
    expect(shown).not.toContain('"hidden"');
    const ofEve = await everythingOf(eve, id, all);
    expect(JSON.stringify(ofEve)).not.toContain('"hidden"');

    // Unblocking shows everything, and makes nothing unread.
    expect((await alice.delete("/api/users/blocks", { userId })).status).toBe(204);
    await vi.waitFor(async () => {
      const again = await alice.get(`${CHAT}/messages?conversationId=${id}`);
      expect(JSON.stringify(again.body)).toContain(`${MARK} edited`);
      expect(JSON.stringify(again.body)).not.toContain('"hidden"');
    });
    expect(await objectOf(id).rearm(alice.userId)).toMatchObject({ unread: 1 });
  },
  60_000,
);
