import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { line, optionalOr, title, userId } from "../../../contract/fields.ts";
import { jsonBodyOf, jsonOf, leavableBodyOf } from "../../../contract/openapi.ts";
import type { Creation } from "../../../conversation/commit/create.ts";
import type { Send } from "../../../conversation/decide/types.ts";
import { usersByRole } from "../../../directory/users.ts";
import { MAX_NAMED_PARTICIPANTS, type Person } from "../../../domain/conversation.ts";
import { captionOf } from "../../../domain/message.ts";
import { readsDirectory } from "../../../edge/auth.ts";
import { moderatedFirstMessage } from "../../../edge/before-create.ts";
import type { EdgeEnv } from "../../../edge/context.ts";
import { callerOf, create, peopleOf, submit } from "../../../edge/conversations.ts";
import {
  createGroup,
  creationOf,
  ensureDirect,
  randomConversationId,
} from "../../../edge/creation.ts";
import { ensureDerived } from "../../../edge/derived.ts";
import { emptyAsObject } from "../../../edge/json-body.ts";
import { refuse } from "../../../edge/refusal.ts";
import { metadata } from "../../../live/fields.ts";
import { chatAnswer, success } from "../schemas.ts";
import { chatOf } from "./chats.ts";
import {
  chatForSeller,
  chatFound,
  type Naming,
  openedBefore,
  partsOf,
  purchaseRequestBody,
} from "./purchase-requests.ts";

/** Members of the support pool that are added to a support chat at most. */
const SUPPORT_POOL_MAX = 50;
const MAX_SUBJECT_LENGTH = 200;

const createChat = createRoute({
  method: "post",
  path: "/",
  operationId: "createChat",
  summary: "Create a chat",
  middleware: [readsDirectory] as const,
  request: {
    body: jsonBodyOf(
      z.object({
        participantIds: z.array(userId).max(MAX_NAMED_PARTICIPANTS),
        type: optionalOr(z.enum(["direct", "group"]), "direct"),
        title: title.nullish(),
        metadata: metadata.nullish(),
      }),
    ),
  },
  responses: {
    200: jsonOf("The direct chat that exists", chatAnswer),
    201: jsonOf("The new chat", chatAnswer),
    403: { description: "The caller and one of these people cannot contact each other" },
    404: { description: "Some of these people are not known here" },
  },
});

const purchaseRequest = createRoute({
  method: "post",
  path: "/purchase-request",
  operationId: "createPurchaseRequestChat",
  summary: "Create the chat of a purchase request, or find the one that exists",
  description:
    "The caller is the buyer. A seller who names themselves as `sellerId` finds the chat of `buyerId`, " +
    "or the oldest that anybody opened with them about the request.",
  middleware: [readsDirectory] as const,
  request: { body: jsonBodyOf(purchaseRequestBody) },
  responses: {
    200: jsonOf("The chat that exists", chatFound),
    201: jsonOf("The new chat", chatAnswer),
    403: { description: "There is none yet, and the two cannot contact each other" },
    404: { description: "There is no such chat, request or person" },
  },
});

const support = createRoute({
  method: "post",
  path: "/support",
  operationId: "createSupportChat",
  summary: "Open a support chat",
  middleware: [readsDirectory, emptyAsObject] as const,
  request: {
    body: leavableBodyOf(
      z.object({
        subject: line(MAX_SUBJECT_LENGTH).nullish(),
        initialMessage: z.string().nullish(),
      }),
    ),
  },
  responses: { 201: jsonOf("The new chat", chatAnswer) },
});

export function creationRoutes(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(createChat, async (c) => {
    const { participantIds, type, title, metadata } = c.req.valid("json");
    const others = new Set(participantIds);
    others.delete(c.get("actor").userId);
    if (others.size === 0) {
      refuse("invalid_participants", { message: "A chat needs at least two participants." });
    }
    if (type === "direct" && others.size > 1) {
      refuse("invalid_participants", { message: "A direct chat has exactly two participants." });
    }
    const people = await peopleOf(c, [...others]);
    if (type === "group") {
      const more = { title: title || null, metadata: metadata ?? null };
      const chatId = await createGroup(c, people, { origin: "marketplace", ...more });
      return c.json(success({ chat: await chatOf(c, chatId) }), 201);
    }
    const [other] = people;
    if (!other) refuse("unknown_user");
    const { conversationId, created } = await ensureDirect(c, other, "marketplace", {
      metadata: metadata ?? null,
    });
    return c.json(success({ chat: await chatOf(c, conversationId) }), created ? 201 : 200);
  });

  app.openapi(purchaseRequest, async (c) => {
    const { buyerId, ...named } = c.req.valid("json");
    const { userId } = c.get("actor");
    if (named.sellerId === userId) {
      return c.json(success(await chatForSeller(c, { buyerId, ...named })), 200);
    }
    if (buyerId !== undefined && buyerId !== userId) {
      refuse("invalid_participants", { message: "Only the buyer opens a chat with the seller." });
    }
    const naming: Naming = { ...named, buyerId: userId };
    const before = await openedBefore(c, naming);
    if (before) return c.json(success({ chat: before }), 200);
    const [seller] = await peopleOf(c, [named.sellerId]);
    if (!seller) refuse("unknown_user");
    const { chatId, created } = await purchaseRequestWith(c, naming, seller);
    return c.json(success({ chat: await chatOf(c, chatId) }), created ? 201 : 200);
  });

  app.openapi(support, async (c) => {
    const { subject, initialMessage } = c.req.valid("json");
    const maxLength = c.get("settings").MAX_LENGTH_MARKETPLACE;
    // Validated first, so that a refused message creates no chat.
    const content = captionOf(initialMessage ?? undefined, maxLength);
    if (!content.ok) {
      const { code, message } = content.error;
      refuse(code, { message, details: [{ path: "initialMessage", message }] });
    }
    const caller = callerOf(c);
    const chatId = randomConversationId();
    const pool = await supportPool(c);
    const creation: Creation = {
      ...creationOf("support", "marketplace", caller),
      subject: subject || null,
      members: [
        { person: caller, role: "owner" },
        ...pool.map((person) => ({ person, role: "member" as const })),
      ],
    };
    const chat = { id: chatId, kind: creation.kind };
    const text = content.value;
    let first: Send | undefined = text
      ? { type: "send", kind: "text", content: text, maxLength }
      : undefined;
    // A message that the before-send hook rejects creates no chat either.
    await create(c, chatId, creation, async () => {
      first = first && (await moderatedFirstMessage(c, chat, first));
    });
    if (first) await submit(c, chatId, first);
    return c.json(success({ chat: await chatOf(c, chatId) }), 201);
  });
}

async function purchaseRequestWith(
  c: Context<EdgeEnv>,
  naming: Naming,
  seller: Person,
): Promise<{ chatId: string; created: boolean }> {
  const buyer = callerOf(c);
  const { conversationId: chatId, created } = await ensureDerived(c, partsOf(naming), {
    ...creationOf("purchase-request", "marketplace", buyer),
    purchaseRequestId: naming.purchaseRequestId,
    members: [buyer, seller].map((person) => ({ person, role: "member" as const })),
  });
  return { chatId, created };
}

/** Support staff, then admins, most recently seen first, without duplicates and the caller. */
async function supportPool(c: Context<EdgeEnv>): Promise<Person[]> {
  const actor = c.get("actor");
  const directory = c.get("directory");
  const now = Date.now();
  const [agents, admins] = await Promise.all([
    usersByRole(directory, "support", SUPPORT_POOL_MAX + 1, now),
    usersByRole(directory, "admin", SUPPORT_POOL_MAX + 1, now),
  ]);
  const pool = new Map([...agents, ...admins].map((person) => [person.userId, person]));
  pool.delete(actor.userId);
  return [...pool.values()].slice(0, SUPPORT_POOL_MAX);
}
