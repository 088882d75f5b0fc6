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

/** In every text that members or moderators have written. */
export const SECRET = "marmalade";

export interface World {
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
  const name = `Channel ${SECRET} ${crypto.randomUUID().slice(0, 8)}`;
  const channelId = await channelOf(alice, [bob, carol, dave], { name });
  const path = `/api/v1/chat/conversations/${channelId}`;
  const say = async (caller: Caller, text: string, more = {}) =>
    String(ok(await send(caller, channelId, `${SECRET} ${text}`, more)).body.messageId);
  const first = await say(alice, "one");
  const second = await say(bob, "two", { mentions: [alice.userId] });
  const third = await say(carol, "three", { mentions: [alice.userId] });
  const fourth = await say(dave, "four");
  ok(await alice.post(`/api/v1/chat/messages/${third}/read`));
  ok(await alice.post(`/api/v1/chat/messages/${second}/reactions`, { emoji: "👍" }));
  ok(await carol.post(`/api/v1/chat/messages/${second}/report`, { reason: "spam", note: SECRET }));
  ok(await alice.put(`${path}/pins/${first}`));
  ok(await bob.put(`${path}/notifications`, { level: "none" }));
  ok(await alice.delete(`/api/v1/chat/messages/${fourth}`, { reason: SECRET }));
  ok(await dave.post(`/api/v1/chat/channels/${channelId}/leave`));
  const uploaded = ok(await upload(alice, `${SECRET}.csv`, `${SECRET},b\n1,2\n`));
  ok(await sendUploads(alice, channelId, [uploaded]));
  const link = String(uploaded.body.fileUrl);
  await fireAlarms(channelId);
  return { channelId, messageIds: [first, second, third], alice, bob, carol, dave, link };
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
export function doors(conversationId: string, messageId: string) {
  return Object.entries(document.paths).flatMap(([path, methods]) => {
    if (!/^\/api\/(v1\/)?chat/.test(path) || path.includes("/search")) return [];
    return Object.entries(methods).flatMap(([method, operation]) => {
      const asks = (operation.parameters ?? []).some(({ name }) => name === "conversationId");
      if (!path.includes("{") && !asks) return [];
      const named = path
        .replace(/{(messageId)}/g, messageId)
        .replace(/{(id|conversationId|chatId|channelId)}/g, conversationId)
        .replace("{emoji}", encodeURIComponent("👍"))
        .replace(/{\w+}/g, "somebody");
      const body = BODIES.find(([fits]) => fits.test(`${method} ${path}`))?.[1];
      const query = asks ? `?conversationId=${conversationId}` : "";
      return { method: method.toUpperCase(), path: named + query, body };
    });
  });
}

/** What some routes want in their body. */
const BODIES: readonly [RegExp, object][] = [
  [/post .*reactions$/, { emoji: "👍" }],
  [/post .*\/report$/, { reason: "spam" }],
  [/(post|put) .*\/messages(\/{messageId})?$/, { content: "hello" }],
  [/put .*notifications$/, { level: "none" }],
  [/post .*(participants|invitations|moderators|members)$/, { userId: "somebody" }],
  [/put .*mute$/, { minutes: 5 }],
  [/patch /, { title: "other" }],
];

const document: { paths: Record<string, Record<string, Operation>> } = await (
  await exports.default.fetch(`${ORIGIN}/openapi.json`)
).json();
