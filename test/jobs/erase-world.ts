import { env } from "cloudflare:workers";
import { expect, vi } from "vitest";
import { png } from "../attachments/samples.ts";
import { asAttachment, upload } from "../attachments/support.ts";
import { Hub } from "../gateway/line.ts";
import { openListed } from "../inbox/replica.ts";
import { watch } from "../inbox/watching.ts";
import { Caller, channelOf, groupOf, person, send, someone, tokenFor } from "../support.ts";

/** A person who has left traces wherever a person can, among others. */

const V1 = "/api/v1/chat";

export interface World {
  ada: Caller;
  bob: Caller;
  cleo: Caller;
  admin: Caller;
  direct: string;
  group: string;
  channel: string;
  /** She was in it. */
  other: string;
  conversations: string[];
  /** Everything that Ada wrote. */
  texts: string[];
  /** What nothing may contain afterwards, whatever becomes of her messages. */
  names: string[];
  messages: string[];
  /** Ids of what Bob has read. */
  readByBob: Set<string>;
}

/** A person with a name. */
export async function named(
  id: string,
  name: string,
  { isId = false }: { isId?: boolean } = {},
): Promise<Caller> {
  const userId = isId ? id : someone(id);
  const caller = new Caller(userId, await tokenFor(userId, { name }));
  await caller.get(`${V1}/conversations`);
  return caller;
}

const ok = async (answer: Promise<{ status: number; body: unknown }>) => {
  const { status, body } = await answer;
  expect(status, JSON.stringify(body)).toBeLessThan(300);
  // biome-ignore lint/suspicious/noExplicitAny: tests look at whatever the server answers
  return body as any;
};

/** Ada, and what she has done; `mark`: a word in everything she writes. */
export async function worldOf(mark: string): Promise<World> {
  const name = `Ada${mark}`;
  const ada = await named(`ada"é${mark}`, name);
  const [bob, cleo] = [await named("bob", "Bob"), await named("cleo", "Cleo")];
  const admin = await person("admin", { role: "admin", name: "Root" });
  const texts: string[] = [];
  const text = (about: string) => {
    const written = `${mark}text ${about}`;
    texts.push(written);
    return written;
  };
  const messages: string[] = [];
  const readByBob = new Set<string>();
  const say = async (who: Caller, where: string, content: string, more = {}) => {
    const { messageId } = await ok(send(who, where, content, more));
    messages.push(messageId);
    return messageId;
  };

  const { conversationId: direct } = await ok(
    ada.post(`${V1}/conversations/direct`, { otherUserId: bob.userId }),
  );
  const group = await groupOf(ada, bob, cleo);
  const channel = await channelOf(ada, [bob, cleo]);
  // She was added to another group, and has left it.
  const other = await groupOf(bob, cleo, admin);
  await ok(bob.post(`${V1}/conversations/${other}/participants`, { participantId: ada.userId }));
  await say(ada, other, text("in a group that she has left"));
  await ok(
    ada.delete(`${V1}/conversations/${other}/participants/${encodeURIComponent(ada.userId)}`),
  );
  // Where she was only invited, or banned.
  const closed = await channelOf(bob, [cleo], { isPublic: false });
  await ok(bob.post(`${V1}/channels/${closed}/invitations`, { userId: ada.userId }));
  const forbidden = await channelOf(bob, [cleo]);
  await ok(bob.post(`${V1}/channels/${forbidden}/bans`, { userId: ada.userId, reason: "no" }));
  await ok(
    admin.put("/api/purchase-requests", {
      requests: [{ id: `pr-${mark}`, buyerId: ada.userId, sellerIds: [bob.userId, ada.userId] }],
    }),
  );

  const about = { purchaseRequestId: `pr-${mark}`, sellerId: bob.userId };
  const { data: sale } = await ok(ada.post("/api/chat/purchase-request", about));
  const purchase: string = sale.chat._id;
  const { data: help } = await ok(
    ada.post("/api/chat/support", {
      subject: text("as a subject"),
      initialMessage: text("for help"),
    }),
  );
  const support: string = help.chat._id;

  for (const where of [direct, group, channel, purchase]) {
    const first = await say(bob, where, "hello");
    const hers = await say(ada, where, text("as an answer"), {
      replyToMessageId: first,
      clientMessageId: `key-${mark}-${where}`,
      metadata: { by: ada.userId, note: text("in metadata") },
    });
    await ok(bob.post(`${V1}/messages/${hers}/reactions`, { emoji: "👍" }));
    await ok(ada.post(`${V1}/messages/${first}/reactions`, { emoji: "👍" }));
    await ok(bob.post(`${V1}/messages/${first}/reactions`, { emoji: "👍" }));
    await say(bob, where, "and you?", { mentions: [ada.userId] });
    await say(ada, where, text("for bob"), { mentions: [bob.userId] });
    await ok(bob.post(`${V1}/messages/${hers}/read`));
    readByBob.add(hers);
    await ok(ada.post(`${V1}/messages/${first}/read`));
  }
  const pinned = await say(bob, group, "pinned by ada");
  await ok(ada.put(`${V1}/conversations/${group}/pins/${pinned}`));
  const own = await say(ada, group, text("pinned by herself"));
  await ok(ada.put(`${V1}/conversations/${group}/pins/${own}`));
  const deleted = await say(ada, group, text("that she deletes"));
  await ok(ada.delete(`${V1}/messages/${deleted}`));
  const bobs = await say(bob, group, "that ada deletes");
  await ok(ada.delete(`${V1}/messages/${bobs}`));
  const file = asAttachment(await upload(ada, `${mark}text.png`, png()));
  await ok(
    ada.post(`${V1}/messages/with-attachments`, {
      ...{ conversationId: group, content: text("with a file"), attachments: [file] },
    }),
  );
  texts.push(`${mark}text.png`);
  await upload(ada, `${mark}text-unsent.png`, png());

  // Moderation, reports and blocks.
  await ok(
    ada.put(`${V1}/conversations/${group}/participants/${cleo.userId}/mute`, {
      until: new Date(Date.now() + 60_000).toISOString(),
    }),
  );
  const ofHers = await say(ada, group, text("that is reported"));
  await ok(cleo.post(`${V1}/messages/${ofHers}/report`, { reason: "spam" }));
  const ofBob = await say(bob, group, "reported by ada");
  await ok(ada.post(`${V1}/messages/${ofBob}/report`, { reason: "spam", note: text("as a note") }));
  await ok(cleo.put("/api/users/blocks", { userId: ada.userId }));
  await ok(ada.put("/api/users/blocks", { userId: admin.userId }));

  await ok(ada.put("/api/users/blocks", { userId: cleo.userId }));
  await ok(ada.delete("/api/users/blocks", { userId: cleo.userId }));

  // A mention that was taken back, and one that she read before others.
  const mentioning = await say(bob, group, "no longer to ada", { mentions: [ada.userId] });
  const chat = `/api/chat/${group}/messages`;
  await ok(bob.put(`${chat}/${mentioning}`, { content: "to nobody", mentions: [] }));
  const ahead = await say(bob, group, "to ada at last", { mentions: [ada.userId] });
  await ok(ada.post(`${V1}/messages/${ahead}/read`));

  // Presence, both ways, and a gateway that follows a conversation.
  const [hers, his] = [await openListed(ada), await openListed(bob)];
  const hub = await Hub.connect(ada);
  await hub.ask("JoinConversation", group);
  await watch(his, ada);
  await watch(hers, bob);
  await say(ada, group, text("at the end"));
  await say(bob, group, "the last word");
  await say(ada, direct, text("at the end of the direct one"));
  await vi.waitFor(async () => {
    const { results } = await env.DB.prepare(
      "SELECT 1 FROM uploads WHERE sent_to IS NOT NULL",
    ).all();
    expect(results.length).toBeGreaterThan(0);
  });
  const conversations = [direct, group, channel, other, closed, forbidden, purchase, support];
  const names = [
    `key-${mark}`,
    ada.userId,
    JSON.stringify(ada.userId).slice(1, -1),
    name,
    encodeURIComponent(ada.userId),
  ];
  return {
    ...{ ada, bob, cleo, admin, direct, group, channel, other, conversations },
    ...{ texts, messages, names, readByBob },
  };
}
