import { z } from "zod";
import { mentioning, optional, silent, uuid } from "../../../contract/fields.ts";
import { fail, ok, type Result } from "../../../domain/error.ts";
import { parseConversationId } from "../../../domain/id.ts";
import { contentOf } from "../../../domain/message.ts";
import type { Settings } from "../../../env.ts";
import type { InboxSubscription } from "../../../gateway/inbox-subscription.ts";
import type { Limit } from "../../../gateway/limits.ts";
import type { Rooms } from "../../../gateway/rooms.ts";
import { clientMessageId, detailsOf, messageIds, metadata } from "../../../live/fields.ts";
import { MAX_PLACE } from "../../../live/inbox-frames.ts";
import type { LinkTo } from "../../../live/wire.ts";
import { wireMessage } from "../../../live/wire.ts";
import { presentMessage } from "../presenter.ts";
import { presentRow } from "./present.ts";

/** What the handlers of a client's events need. */
export interface HandlerContext {
  rooms: Rooms;
  settings: Settings;
  linkTo: LinkTo;
  inbox: InboxSubscription;
}

interface Handler {
  /** How the event counts against the connection's rate. */
  limit: Limit;
  call(context: HandlerContext, args: unknown[]): Promise<Result<unknown>>;
}

/** A chat: its id, as in the reference, or an object with it, as many clients send it. */
const chat = z.union([uuid, z.object({ chatId: uuid }).transform(({ chatId }) => chatId)]);
const cursor = z.object({ since: z.number().int().min(0).nullish() }).nullish();
const sent = z.object({
  chatId: uuid,
  content: z.string(),
  replyToMessageId: uuid.nullish(),
  metadata: metadata.nullish(),
  clientMessageId: optional(clientMessageId),
  ...mentioning,
  silent,
});
const deleted = z.object({ chatId: uuid, messageId: uuid });
const place = z.object({ after: z.string().max(MAX_PLACE).nullish() }).nullish();
const read = z.object({ chatId: uuid, messageIds: optional(messageIds(uuid)) });

/** A handler of arguments as a schema has them; `chatOf` says which chat they are for. */
function handler<Schema extends z.ZodType>(
  schema: Schema,
  chatOf: (args: z.infer<Schema>) => string,
  call: (
    context: HandlerContext,
    chatId: string,
    args: z.infer<Schema>,
  ) => Promise<Result<unknown>>,
  limit: Limit = "command",
): Handler {
  return {
    limit,
    async call(context, args) {
      const parsed = schema.safeParse(args);
      if (!parsed.success) return fail("invalid_request", { details: detailsOf(parsed.error) });
      const chatId = parseConversationId(chatOf(parsed.data));
      return chatId ? call(context, chatId, parsed.data) : fail("conversation_not_found");
    },
  };
}

const first = ([chatId]: [string, ...unknown[]]) => chatId;
const named = ([{ chatId }]: [{ chatId: string }]) => chatId;

/**
 * What clients may emit, by name. Only the answer to a join has a `rev`: other answers overtake events, and
 * a client that resumed from the revision of one would miss the events that it overtook.
 */
export const HANDLERS = new Map<string, Handler>([
  [
    "join-chat-room",
    handler(
      z.tuple([chat, cursor]),
      first,
      async ({ rooms }, chatId, [, cursor]) => {
        const joined = await rooms.join(chatId, cursor?.since ?? undefined);
        if (!joined.ok) return joined;
        const { rev, reset } = joined.value;
        return ok({ chatId, rev, ...(reset && { reset }) });
      },
      "join",
    ),
  ],
  [
    "leave-chat-room",
    handler(z.tuple([chat]), first, async ({ rooms }, chatId) => {
      await rooms.leave(chatId);
      return ok({ chatId });
    }),
  ],
  ["typing-start", handler(z.tuple([chat]), first, (context, id) => typing(context, id, true))],
  ["typing-stop", handler(z.tuple([chat]), first, (context, id) => typing(context, id, false))],
  [
    "send-message",
    handler(
      z.tuple([sent]),
      named,
      async ({ rooms, settings, linkTo }, chatId, [body]) => {
        const maxLength = settings.MAX_LENGTH_MARKETPLACE;
        const content = contentOf(body.content, maxLength);
        if (!content.ok) return content;
        const command = {
          type: "send",
          kind: "text",
          content: content.value,
          clientMessageId: body.clientMessageId,
          replyTo: body.replyToMessageId ?? undefined,
          metadata: body.metadata ?? undefined,
          mentions: body.mentions,
          mentionsAll: body.mentionsAll,
          silent: body.silent,
          maxLength,
        } as const;
        const { result, readers } = await rooms.submit(chatId, command, true);
        if (!result.ok) return result;
        const { message, deduplicated } = result.value;
        if (!message) throw new Error("a send without a message");
        const presented = presentMessage(chatId, wireMessage(chatId, message, linkTo), readers);
        return ok({ message: presented, ...(deduplicated && { deduplicated }) });
      },
      "send",
    ),
  ],
  // Beyond the reference.
  [
    "delete-message",
    handler(z.tuple([deleted]), named, async ({ rooms }, chatId, [{ messageId }]) => {
      const { result } = await rooms.submit(chatId, { type: "delete", messageId });
      return result.ok ? ok({ messageId }) : result;
    }),
  ],
  // Beyond the reference: all chats of the user, and `chat-updated` for each that changes.
  ["subscribe-chats", ofInbox(subscribeChats)],
  ["unsubscribe-chats", ofInbox((inbox) => inbox.end())],
  [
    "mark-read",
    handler(z.tuple([read]), named, async ({ rooms }, chatId, [{ messageIds }]) => {
      const { result } = await rooms.submit(chatId, { type: "read", messageIds });
      if (!result.ok) return result;
      return ok({ modifiedCount: result.value.modifiedCount ?? 0 });
    }),
  ],
]);

function ofInbox(
  call: (inbox: InboxSubscription, args: unknown[]) => Promise<Result<unknown>>,
): Handler {
  const limit = "command";
  return { limit, call: ({ inbox }, args) => call(inbox, args) };
}

async function subscribeChats(
  inbox: InboxSubscription,
  args: unknown[],
): Promise<Result<{ chats: object[]; next?: string | undefined }>> {
  const parsed = place.safeParse(args[0]);
  if (!parsed.success) return fail("invalid_request", { details: detailsOf(parsed.error) });
  const page = await inbox.list(parsed.data?.after ?? undefined);
  if (!page.ok) return page;
  const { rows, next } = page.value;
  return ok({ chats: rows.flatMap((row) => presentRow(row) ?? []), next });
}

async function typing(
  { rooms }: HandlerContext,
  chatId: string,
  active: boolean,
): Promise<Result<{ chatId: string }>> {
  const result = await rooms.typing(chatId, active);
  return result.ok ? ok({ chatId }) : result;
}
