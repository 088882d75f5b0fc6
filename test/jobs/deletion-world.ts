import { exports } from "cloudflare:workers";
import { sendUploads, upload } from "../attachments/support.ts";
import {
  type Answer,
  type Caller,
  channelOf,
  fireAlarms,
  ORIGIN,
  person,
  send,
} from "../support.ts";
import { fireUntilEnd } from "./with-kills.ts";

/** Conversations with everything that is stored of one, for tests of their deletion. */

export const admin = await person("admin", { role: "admin" });

export interface World {
  /** In every text that members or moderators have written. */
  secret: string;
  channelId: string;
  messageIds: string[];
  alice: Caller;
  bob: Caller;
  carol: Caller;
  /** Was a member. */
  dave: Caller;
  /** Links to the file of a message. */
  link: string;
}

/** A word that nothing else contains. */
export function newSecret(): string {
  return `marmalade${crypto.randomUUID().slice(0, 8)}`;
}

function ok(answer: Answer): Answer {
  if (answer.status >= 300) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
  return answer;
}

/** A public channel with a file, a mention, an edit, a deletion, a report, a pin, a ban, levels and read marks. */
export async function world(): Promise<World> {
  const [alice, bob, carol, dave] = await Promise.all([
    person("alice"),
    person("bob"),
    person("carol"),
    person("dave"),
  ]);
  const secret = newSecret();
  const name = `Channel ${secret} ${crypto.randomUUID().slice(0, 8)}`;
  const channelId = await channelOf(alice, [bob, carol, dave], { name });
  const path = `/api/v1/chat/conversations/${channelId}`;
  const say = async (caller: Caller, text: string, more = {}) =>
    String(ok(await send(caller, channelId, `${secret} ${text}`, more)).body.messageId);
  const first = await say(alice, "one");
  const second = await say(bob, "two", { mentions: [alice.userId] });
  const third = await say(carol, "three", { mentions: [alice.userId] });
  const fourth = await say(dave, "four");
  ok(await alice.post(`/api/v1/chat/messages/${third}/read`));
  ok(await alice.post(`/api/v1/chat/messages/${second}/reactions`, { emoji: "👍" }));
  ok(await carol.post(`/api/v1/chat/messages/${second}/report`, { reason: "spam", note: secret }));
  ok(await alice.put(`${path}/pins/${first}`));
  ok(await bob.put(`${path}/notifications`, { level: "none" }));
  ok(await alice.delete(`/api/v1/chat/messages/${fourth}`, { reason: secret }));
  ok(await dave.post(`/api/v1/chat/channels/${channelId}/leave`));
  const uploaded = ok(await upload(alice, `${secret}.csv`, `${secret},b\n1,2\n`));
  ok(await sendUploads(alice, channelId, [uploaded]));
  const link = String(uploaded.body.fileUrl);
  await fireAlarms(channelId);
  return { secret, channelId, messageIds: [first, second, third], alice, bob, carol, dave, link };
}

export function askToDelete(conversationId: string, reason = "a court order"): Promise<Answer> {
  return admin.delete(`/api/admin/conversations/${conversationId}`, { reason });
}

/** Deletes a conversation, and resolves to the job once it has ended. */
export async function deleted(conversationId: string) {
  const { body } = ok(await askToDelete(conversationId));
  return fireUntilEnd(body.job.id);
}

interface Operation {
  parameters?: { name: string; in: string; required?: boolean }[];
  requestBody?: unknown;
}

/** Every route of the two APIs that names a conversation or a message, with these ids. */
export function doors(conversationId: string, messageId: string, userId: string) {
  return Object.entries(document.paths).flatMap(([path, methods]) => {
    if (!/^\/api\/(v1\/)?chat/.test(path) || path.endsWith("/search")) return [];
    return Object.entries(methods).flatMap(([method, operation]) => {
      const asks = (operation.parameters ?? []).some(({ name }) => name === "conversationId");
      if (!path.includes("{") && !asks && path !== "/api/v1/chat/messages") return [];
      if (path.endsWith("/file")) return [];
      const named = path
        .replace(/{(messageId)}/g, messageId)
        .replace(/{(id|conversationId|chatId|channelId)}/g, conversationId)
        .replace("{emoji}", encodeURIComponent("👍"))
        .replace(/{\w+}/g, userId);
      const query = asks ? `?conversationId=${conversationId}` : "";
      const body = operation.requestBody ? bodyFor(conversationId, messageId, userId) : undefined;
      return { method: method.toUpperCase(), path: named + query, body };
    });
  });
}

/** A body that every route accepts: each takes what it knows of it. */
function bodyFor(conversationId: string, messageId: string, userId: string): object {
  return {
    ...{ conversationId, messageId, messageIds: [messageId], emoji: "👍", content: "hello" },
    ...{ reason: "spam", level: "none", title: "other", name: "other", seconds: 60, minutes: 5 },
    ...{ userId, participantId: userId, moderatorId: userId, participantIds: [userId] },
    ...{ upToMessageId: messageId, until: new Date(Date.now() + 60_000).toISOString() },
  };
}

const document: { paths: Record<string, Record<string, Operation>> } = await (
  await exports.default.fetch(`${ORIGIN}/openapi.json`)
).json();
