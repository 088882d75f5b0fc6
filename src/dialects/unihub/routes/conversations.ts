import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import {
  conversationSchema,
  createdSchema,
  saidSchema,
  unreadSchema,
} from "../../../contract/answers.ts";
import { directBody, groupBody, participantBody } from "../../../contract/bodies.ts";
import { creationHeader, pathUserId } from "../../../contract/fields.ts";
import { jsonBodyOf, jsonOf } from "../../../contract/openapi.ts";
import { inbox, stats } from "../../../directory/inbox.ts";
import { KINDS, type Kind } from "../../../domain/conversation.ts";
import { isService } from "../../../domain/policy.ts";
import { readsDirectory } from "../../../edge/auth.ts";
import type { EdgeEnv } from "../../../edge/context.ts";
import { peopleAmong, peopleOf, submit } from "../../../edge/conversations.ts";
import { createGroup, ensureDirect, ownerOf } from "../../../edge/creation.ts";
import { conversationNamed } from "../../../edge/ids.ts";
import { listedFor } from "../../../edge/listed.ts";
import { refuse } from "../../../edge/refusal.ts";
import { strangersAmong } from "../../../edge/strangers.ts";
import { presentConversation } from "../presenter.ts";
import { pathId, slice, unpaged } from "../schemas.ts";

/** Channels have their own lists. */
const LISTED: readonly Kind[] = ["direct", "group", "support", "purchase-request"];

const list = createRoute({
  method: "get",
  path: "/conversations",
  operationId: "listConversations",
  summary: "Get all conversations",
  middleware: [readsDirectory] as const,
  request: { query: unpaged },
  responses: {
    200: jsonOf(
      "The caller's conversations, the one with the newest message first",
      z.array(conversationSchema),
    ),
  },
});

const unread = createRoute({
  method: "get",
  path: "/unread",
  operationId: "getUnreadTotals",
  summary: "Count the caller's unread messages and mentions, channels included",
  middleware: [readsDirectory] as const,
  responses: { 200: jsonOf("The totals", unreadSchema) },
});

const direct = createRoute({
  method: "post",
  path: "/conversations/direct",
  operationId: "createDirectConversation",
  summary: "Create a direct conversation, or find the one that exists",
  middleware: [readsDirectory] as const,
  request: { body: jsonBodyOf(directBody) },
  responses: {
    201: jsonOf("The conversation's id", createdSchema),
    403: { description: "There is none yet, and the two cannot contact each other" },
  },
});

const group = createRoute({
  method: "post",
  path: "/conversations/group",
  operationId: "createGroupConversation",
  summary: "Create a group conversation",
  middleware: [readsDirectory] as const,
  request: { headers: creationHeader, body: jsonBodyOf(groupBody) },
  responses: {
    201: jsonOf("The conversation's id", createdSchema),
    403: { description: "The caller and one of these people cannot contact each other" },
  },
});

const addParticipant = createRoute({
  method: "post",
  path: "/conversations/{id}/participants",
  operationId: "addParticipant",
  summary: "Add a participant to a group",
  middleware: [readsDirectory] as const,
  request: { params: pathId, body: jsonBodyOf(participantBody) },
  responses: { 200: jsonOf("Added", saidSchema) },
});

const removeParticipant = createRoute({
  method: "delete",
  path: "/conversations/{id}/participants/{participantId}",
  operationId: "removeParticipant",
  summary: "Remove a participant from a group",
  request: { params: pathId.extend({ participantId: pathUserId }) },
  responses: { 200: jsonOf("Removed", saidSchema) },
});

export function conversationRoutes(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(list, async (c) => {
    const directory = c.get("directory");
    const page = slice(c.req.valid("query"));
    const entries = await inbox(directory, { userId: listedFor(c), kinds: LISTED, ...page });
    return c.json(
      entries.map((entry) => presentConversation(entry, c.get("linkTo"))),
      200,
    );
  });

  app.openapi(unread, async (c) => {
    const totals = await stats(c.get("directory"), listedFor(c), KINDS);
    const { totalUnread, totalMentions, unreadChats } = totals;
    return c.json({ totalUnread, totalMentions, unreadConversations: unreadChats }, 200);
  });

  app.openapi(direct, async (c) => {
    const { otherUserId, ownerId } = c.req.valid("json");
    const owner = await ownerOf(c, ownerId);
    if (otherUserId === owner.userId) {
      refuse("invalid_participants", { message: "otherUserId must be someone else." });
    }
    const [other] = await peopleOf(c, [otherUserId]);
    if (!other) refuse("unknown_user");
    const { conversationId } = await ensureDirect(c, other, "unihub", {}, owner);
    return c.json({ conversationId }, 201);
  });

  app.openapi(group, async (c) => {
    const { participantIds, title, ownerId } = c.req.valid("json");
    const first = isService(c.get("actor")) ? participantIds[0] : undefined;
    const owner = await ownerOf(c, ownerId ?? first);
    const others = new Set(participantIds);
    others.delete(owner.userId);
    const people = await peopleOf(c, [...others]);
    const more = { origin: "unihub", title: title || null } as const;
    const conversationId = await createGroup(c, people, more, owner);
    return c.json({ conversationId }, 201);
  });

  app.openapi(addParticipant, async (c) => {
    const conversationId = conversationNamed(c.req.valid("param").id);
    const { participantId } = c.req.valid("json");
    const [person] = await peopleAmong(c, [participantId]);
    const request = (await strangersAmong(c, [participantId])).has(participantId);
    await submit(c, conversationId, { type: "add", person, ...(request && { request }) });
    return c.json({ message: "Participant added successfully" }, 200);
  });

  app.openapi(removeParticipant, async (c) => {
    const { id, participantId } = c.req.valid("param");
    await submit(c, conversationNamed(id), { type: "remove", userId: participantId });
    return c.json({ message: "Participant removed successfully" }, 200);
  });
}
