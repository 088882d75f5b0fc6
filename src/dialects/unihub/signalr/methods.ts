import { z } from "zod";
import { uuid } from "../../../contract/fields.ts";
import type { Command } from "../../../conversation/decide/types.ts";
import { fail, ok, type Result } from "../../../domain/error.ts";
import { parseConversationId, parseMessageId } from "../../../domain/id.ts";
import { contentOf } from "../../../domain/message.ts";
import { emojiOf } from "../../../domain/reaction.ts";
import type { Settings } from "../../../env.ts";
import type { InboxSubscription } from "../../../gateway/inbox-subscription.ts";
import type { Limit } from "../../../gateway/limits.ts";
import type { Rooms } from "../../../gateway/rooms.ts";
import { clientMessageId, detailsOf, mentions } from "../../../live/fields.ts";
import { MAX_PLACE } from "../../../live/inbox-frames.ts";
import { presentSent } from "../presenter.ts";

/** What the hub's methods need. */
export interface Hub {
  rooms: Rooms;
  settings: Settings;
  inbox: InboxSubscription;
}

interface Method {
  /** How a call counts against the connection's rate. */
  limit: Limit;
  call(hub: Hub, args: unknown[]): Promise<Result<unknown>>;
}

const since = z.number().int().min(0).nullish();

/** A method with arguments as a schema has them; those omitted at the end are absent. */
function method<Schema extends z.ZodType>(
  schema: Schema,
  call: (hub: Hub, args: z.infer<Schema>) => Promise<Result<unknown>>,
  limit: Limit = "command",
): Method {
  return {
    limit,
    async call(hub, args) {
      const parsed = schema.safeParse(args);
      if (!parsed.success) return fail("invalid_request", { details: detailsOf(parsed.error) });
      return call(hub, parsed.data);
    },
  };
}

/** The methods of UniHub's hub, by name. */
export const METHODS = new Map<string, Method>([
  [
    "JoinConversation",
    method(
      z.tuple([uuid, since]),
      async ({ rooms }, [id, since]) => {
        const conversationId = parseConversationId(id);
        if (!conversationId) return fail("conversation_not_found");
        const joined = await rooms.join(conversationId, since ?? undefined);
        return joined.ok ? ok({ conversationId, ...joined.value }) : joined;
      },
      "join",
    ),
  ],
  [
    "LeaveConversation",
    method(z.tuple([uuid]), async ({ rooms }, [id]) => {
      const conversationId = parseConversationId(id);
      if (!conversationId) return fail("conversation_not_found");
      await rooms.leave(conversationId);
      return ok(null);
    }),
  ],
  [
    "SendMessage",
    method(
      z.tuple([
        ...([uuid, z.string(), uuid.nullish(), clientMessageId.nullish()] as const),
        ...([mentions.nullish(), z.boolean().nullish(), z.boolean().nullish()] as const),
      ]),
      async ({ rooms, settings }, [id, text, replyTo, key, mentions, mentionsAll, silent]) => {
        const maxLength = settings.MAX_LENGTH_UNIHUB;
        const content = contentOf(text, maxLength);
        if (!content.ok) return content;
        const conversationId = parseConversationId(id);
        if (!conversationId) return fail("conversation_not_found");
        const { result } = await rooms.submit(conversationId, {
          type: "send",
          kind: "text",
          content: content.value,
          replyTo: replyTo ?? undefined,
          clientMessageId: key ?? undefined,
          mentions: mentions ?? undefined,
          mentionsAll: mentionsAll ?? undefined,
          silent: silent ?? undefined,
          maxLength,
        });
        return result.ok ? ok(presentSent(conversationId, result.value)) : result;
      },
      "send",
    ),
  ],
  ["StartTyping", method(z.tuple([uuid]), (hub, [id]) => typing(hub, id, true))],
  ["StopTyping", method(z.tuple([uuid]), (hub, [id]) => typing(hub, id, false))],
  [
    "MarkAsRead",
    method(z.tuple([uuid]), (hub, [messageId]) => onMessage(hub, { type: "read", messageId })),
  ],
  // Beyond the reference: all conversations of the user, and `ConversationUpdated` for each that changes.
  [
    "SubscribeConversations",
    method(z.tuple([z.string().max(MAX_PLACE).nullish()]), ({ inbox }, [after]) =>
      inbox.list(after ?? undefined),
    ),
  ],
  ["UnsubscribeConversations", method(z.tuple([]), ({ inbox }) => inbox.end())],
  // Beyond the reference.
  [
    "DeleteMessage",
    method(z.tuple([uuid]), (hub, [messageId]) => onMessage(hub, { type: "delete", messageId })),
  ],
  ["AddReaction", reaction("react")],
  ["RemoveReaction", reaction("unreact")],
]);

const byLowerCase = new Map([...METHODS].map(([name, method]) => [name.toLowerCase(), method]));

/** The method of a name, in any case: ASP.NET's hubs ignore it as well. */
export function methodNamed(name: string): Method | undefined {
  return byLowerCase.get(name.toLowerCase());
}

function reaction(type: "react" | "unreact"): Method {
  return method(z.tuple([uuid, z.string().max(32)]), async (hub, [messageId, text]) => {
    const emoji = emojiOf(text);
    return emoji ? onMessage(hub, { type, messageId, emoji }) : fail("unsupported_emoji");
  });
}

async function typing({ rooms }: Hub, id: string, active: boolean): Promise<Result<null>> {
  const conversationId = parseConversationId(id);
  return conversationId ? rooms.typing(conversationId, active) : fail("conversation_not_found");
}

/** Carries out a command on a message, in the conversation that its id names. */
async function onMessage(
  { rooms }: Hub,
  command: Command & { messageId?: string | undefined },
): Promise<Result<null>> {
  const named = parseMessageId(command.messageId ?? "");
  if (!named) return fail("message_not_found");
  const { result } = await rooms.submit(named.conversationId, command);
  return result.ok ? ok(null) : result;
}
