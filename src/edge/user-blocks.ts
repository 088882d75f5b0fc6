import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { blockBody, blocksSchema } from "../contract/blocks.ts";
import { jsonBodyOf, jsonOf } from "../contract/openapi.ts";
import type { InboxStub } from "../conversation/outbound/inboxes/inbox-api.ts";
import { lacksMethod } from "../conversation/rpc-versions.ts";
import { inboxOf } from "../conversation/stub.ts";
import { usersById } from "../directory/users.ts";
import { isoTime } from "../live/wire.ts";
import type { EdgeEnv } from "./context.ts";
import { peopleOf } from "./conversations.ts";
import { refuse, unwrapped } from "./refusal.ts";

const EVERYWHERE =
  "With a `Warning` header, some conversations do not have it yet; they will, whatever happens meanwhile.";

const put = createRoute({
  method: "put",
  path: "/blocks",
  operationId: "blockUser",
  summary: "Block somebody",
  description:
    "Neither can write to the other directly, begin a conversation with or add the other, or see the other online. " +
    "In groups and channels, what they write reaches the caller as a placeholder, and counts for nothing. They are " +
    `not told. Idempotent; at most 1,000 people. ${EVERYWHERE}`,
  request: { body: jsonBodyOf(blockBody) },
  responses: { 204: { description: "They are blocked" } },
});

const remove = createRoute({
  method: "delete",
  path: "/blocks",
  operationId: "unblockUser",
  summary: "Lift a block",
  description: `Everything that was hidden is shown again, and is not unread. Idempotent. ${EVERYWHERE}`,
  request: { body: jsonBodyOf(blockBody) },
  responses: { 204: { description: "They are not blocked, or not any more" } },
});

const list = createRoute({
  method: "get",
  path: "/blocks",
  operationId: "listBlocks",
  summary: "Whom the caller blocks",
  responses: { 200: jsonOf("All of them, those first whom they blocked last", blocksSchema) },
});

/** `/api/users/blocks`: whom the caller blocks, as their inbox has it. */
export function userBlocks(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(put, async (c) => {
    const { userId } = c.req.valid("json");
    if (userId === c.get("actor").userId) {
      refuse("invalid_participants", { message: "Nobody can block themselves." });
    }
    await peopleOf(c, [userId]);
    await setBlock(c, userId, true);
    return c.body(null, 204);
  });

  app.openapi(remove, async (c) => {
    await setBlock(c, c.req.valid("json").userId, false);
    return c.body(null, 204);
  });

  app.openapi(list, async (c) => {
    const blocks = await askInbox(c, "blocks", (inbox) => inbox.blocks());
    const people = await usersById(
      c.get("directory"),
      blocks.map(({ blockedId }) => blockedId),
    );
    const items = blocks.map(({ blockedId, at }) => ({
      userId: blockedId,
      name: people.get(blockedId)?.name ?? null,
      avatarUrl: people.get(blockedId)?.avatarUrl ?? null,
      blockedAt: isoTime(at),
    }));
    return c.json({ items }, 200);
  });
}

async function setBlock(c: Context<EdgeEnv>, userId: string, blocked: boolean): Promise<void> {
  const set = await askInbox(c, "setBlock", (inbox) => inbox.setBlock(userId, blocked));
  if (!unwrapped(set)) c.header("Warning", '199 parley "some conversations do not have this yet"');
}

/** Calls the caller's inbox; one of the previous version is `unavailable`. */
async function askInbox<T>(
  c: Context<EdgeEnv>,
  method: "blocks" | "setBlock",
  call: (inbox: InboxStub) => Promise<T>,
): Promise<T> {
  const called = call(inboxOf(c.env, c.get("actor").userId)).catch((error: unknown) => {
    if (lacksMethod(error, method)) refuse("unavailable");
    throw error;
  });
  return await c.get("timing").of("object", called);
}
