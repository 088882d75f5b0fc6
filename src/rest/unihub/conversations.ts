import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { inbox } from "../../directory/inbox.ts";
import {
  type Conversation,
  type Kind,
  MAX_NAMED_PARTICIPANTS,
  type Person,
} from "../../domain/conversation.ts";
import { conversationIdOf, derivedConversationId, KEY_BYTES } from "../../domain/id.ts";
import { readsDirectory } from "../auth.ts";
import type { RestEnv } from "../context.ts";
import { callerOf, create, peopleOf } from "../conversations.ts";
import { refuse } from "../refusal.ts";
import { title, userId, wholeNumber } from "../schemas.ts";
import { conversationSchema, presentConversation } from "./presenter.ts";

/** Channels have lists of their own. */
const LISTED: readonly Kind[] = ["direct", "group", "support", "purchase-request"];
/** What a list gives that the reference does not page. */
const UNPAGED = 500;

const created = {
  201: {
    description: "The conversation's id",
    content: { "application/json": { schema: z.object({ conversationId: z.string() }) } },
  },
} as const;

const list = createRoute({
  method: "get",
  path: "/conversations",
  summary: "Get all conversations",
  middleware: [readsDirectory] as const,
  request: {
    query: z.object({
      page: wholeNumber(1, 1, Number.MAX_SAFE_INTEGER),
      pageSize: wholeNumber(UNPAGED, 1, UNPAGED),
    }),
  },
  responses: {
    200: {
      description: "The caller's conversations, the one with the newest message first",
      content: { "application/json": { schema: z.array(conversationSchema) } },
    },
  },
});

const direct = createRoute({
  method: "post",
  path: "/conversations/direct",
  summary: "Create a direct conversation",
  middleware: [readsDirectory] as const,
  request: {
    body: {
      required: true,
      content: { "application/json": { schema: z.object({ otherUserId: userId }) } },
    },
  },
  responses: created,
});

const group = createRoute({
  method: "post",
  path: "/conversations/group",
  summary: "Create a group conversation",
  middleware: [readsDirectory] as const,
  request: {
    body: {
      required: true,
      content: {
        "application/json": {
          schema: z.object({
            title: title.nullish(),
            participantIds: z
              .array(userId)
              .max(MAX_NAMED_PARTICIPANTS)
              .refine((ids) => new Set(ids).size >= 2, "at least two different participants"),
          }),
        },
      },
    },
  },
  responses: created,
});

export function conversationRoutes(app: OpenAPIHono<RestEnv>): void {
  app.openapi(list, async (c) => {
    const { page, pageSize } = c.req.valid("query");
    const offset = Math.min((page - 1) * pageSize, Number.MAX_SAFE_INTEGER);
    const { directory, actor } = c.var;
    const entries = await inbox(directory, actor.userId, LISTED, { limit: pageSize, offset });
    return c.json(entries.map(presentConversation), 200);
  });

  app.openapi(direct, async (c) => {
    const { otherUserId } = c.req.valid("json");
    const caller = callerOf(c);
    if (otherUserId === caller.userId) {
      refuse("invalid_participants", { message: "otherUserId must be someone else." });
    }
    const [other] = await peopleOf(c, [otherUserId]);
    const pair = [caller.userId, otherUserId].sort();
    const conversationId = await derivedConversationId(c.var.settings.ID_SECRET, [
      "direct",
      ...pair,
    ]);
    const people = other ? [caller, other] : [caller];
    await create(c, conversationId, {
      ...fresh("direct", caller),
      members: people.map((person) => ({ person, role: "member" as const })),
    });
    return c.json({ conversationId }, 201);
  });

  app.openapi(group, async (c) => {
    const { participantIds, title } = c.req.valid("json");
    const caller = callerOf(c);
    const others = [...new Set(participantIds)].filter((id) => id !== caller.userId);
    const people = await peopleOf(c, others);
    const conversationId = conversationIdOf(crypto.getRandomValues(new Uint8Array(KEY_BYTES)));
    await create(c, conversationId, {
      ...fresh("group", caller),
      title: title || null,
      members: [
        { person: caller, role: "owner" },
        ...people.map((person) => ({ person, role: "member" as const })),
      ],
    });
    return c.json({ conversationId }, 201);
  });
}

function fresh(
  kind: Kind,
  creator: Person,
): Omit<Conversation, "id" | "rev" | "createdAt" | "archivedAt"> {
  return {
    kind,
    title: null,
    description: null,
    visibility: "private",
    createdBy: creator.userId,
    subject: null,
    purchaseRequestId: null,
    metadata: null,
    origin: "unihub",
  };
}
