import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import {
  channelCreatedSchema,
  channelDetailsSchema,
  channelSchema,
  myChannelSchema,
  saidSchema,
} from "../../../contract/answers.ts";
import { channelBody, channelChangesBody } from "../../../contract/bodies.ts";
import { channelsFoundSchema } from "../../../contract/directory.ts";
import { creationHeader, line } from "../../../contract/fields.ts";
import { jsonBodyOf, jsonOf } from "../../../contract/openapi.ts";
import { channelsOf, publicChannels } from "../../../directory/channels.ts";
import { directoryOf } from "../../../directory/directory.ts";
import { channelsByName } from "../../../directory/find-channels.ts";
import { MAX_TITLE_LENGTH } from "../../../domain/conversation.ts";
import { searchedWords } from "../../../domain/name-words.ts";
import type { Actor } from "../../../domain/policy.ts";
import { readsDirectory } from "../../../edge/auth.ts";
import type { EdgeEnv } from "../../../edge/context.ts";
import { ask, submit } from "../../../edge/conversations.ts";
import { createNew, creationOf, ownerOf } from "../../../edge/creation.ts";
import { conversationNamed } from "../../../edge/ids.ts";
import { listedFor } from "../../../edge/listed.ts";
import { namesPage, nextOf, placedIn } from "../../../edge/names-page.ts";
import { unwrapped } from "../../../edge/refusal.ts";
import { presentChannel, presentChannelInfo, presentMyChannel } from "../presenter.ts";
import { OF_CHANNELS, pathId, slice, unpaged } from "../schemas.ts";

const listPublic = createRoute({
  method: "get",
  path: "/channels/public",
  operationId: "listPublicChannels",
  summary: "Get public channels",
  middleware: [readsDirectory] as const,
  request: { query: unpaged },
  responses: { 200: jsonOf("Channels that can be joined", z.array(channelSchema)) },
});

const listMine = createRoute({
  method: "get",
  path: "/channels/my-channels",
  operationId: "listMyChannels",
  summary: "Get my channels",
  middleware: [readsDirectory] as const,
  request: { query: unpaged },
  responses: { 200: jsonOf("Channels that the caller is in", z.array(myChannelSchema)) },
});

const search = createRoute({
  method: "get",
  path: "/channels/search",
  operationId: "findChannels",
  summary: "Find channels by words of their name and description",
  description:
    "Public channels that are open, and those that the caller is in, also if they are private or archived. Each " +
    "word of `q` is the beginning of a word of the name or of the description, whatever its case and accents. " +
    "Names come before descriptions. A page may have fewer than `limit` channels, or none, and a next one. " +
    "Beyond the reference.",
  middleware: [readsDirectory] as const,
  request: { query: z.object({ q: line(MAX_TITLE_LENGTH, 1), ...namesPage }) },
  responses: { 200: jsonOf("Channels that were found", channelsFoundSchema) },
});

const createChannel = createRoute({
  method: "post",
  path: "/channels",
  operationId: "createChannel",
  summary: "Create a channel",
  request: { headers: creationHeader, body: jsonBodyOf(channelBody) },
  responses: { 201: jsonOf("The channel's id", channelCreatedSchema) },
});

const details = createRoute({
  method: "get",
  path: "/channels/{id}",
  operationId: "getChannel",
  summary: "Get a channel",
  request: { params: pathId },
  responses: { 200: jsonOf("The channel", channelDetailsSchema) },
});

const update = createRoute({
  method: "put",
  path: "/channels/{id}",
  operationId: "updateChannel",
  summary: "Update a channel",
  request: { params: pathId, body: jsonBodyOf(channelChangesBody) },
  responses: { 200: jsonOf("Updated", saidSchema) },
});

const close = createRoute({
  method: "post",
  path: "/channels/{id}/archive",
  operationId: "archiveChannel",
  summary: "Archive a channel: it can only be read then",
  request: { params: pathId },
  responses: { 200: jsonOf("Archived", saidSchema) },
});

const reopen = createRoute({
  method: "post",
  path: "/channels/{id}/unarchive",
  operationId: "unarchiveChannel",
  summary: "Reopen an archived channel",
  request: { params: pathId },
  responses: { 200: jsonOf("Brought back", saidSchema) },
});

export function channelRoutes(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(listPublic, async (c) => {
    const found = await publicChannels(c.get("directory"), slice(c.req.valid("query")));
    return c.json(found.map(presentChannel), 200);
  });

  app.openapi(listMine, async (c) => {
    const page = slice(c.req.valid("query"));
    const found = await channelsOf(c.get("directory"), listedFor(c), page);
    return c.json(found.map(presentMyChannel), 200);
  });

  app.openapi(search, async (c) => {
    const { q, ...page } = c.req.valid("query");
    const searched = searchedWords(q);
    const { items, next } = await channelsByName(
      c.get("directory"),
      searched,
      listedFor(c),
      placedIn(page),
    );
    return c.json({ items: items.map(presentChannel), ...nextOf(next) }, 200);
  });

  app.openapi(createChannel, async (c) => {
    const { name, description, isPublic, ownerId } = c.req.valid("json");
    // Only a service looks anybody up.
    c.set("directory", directoryOf(c.env.DB));
    const owner = await ownerOf(c, ownerId);
    const channelId = await createNew(c, {
      ...creationOf("channel", "unihub", owner),
      title: name,
      description: description || null,
      visibility: isPublic ? "public" : "private",
      members: [{ person: owner, role: "owner" }],
    });
    return c.json({ channelId }, 201);
  });

  app.openapi(details, async (c) => {
    const channelId = conversationNamed(c.req.valid("param").id);
    const actor: Actor = { ...c.get("actor"), ...OF_CHANNELS };
    const info = unwrapped(await ask(c, channelId, (stub) => stub.info(actor)));
    return c.json(presentChannelInfo(info), 200);
  });

  app.openapi(update, async (c) => {
    const { name, description } = c.req.valid("json");
    const command = {
      type: "update",
      title: name,
      description: description === undefined ? undefined : description || null,
    } as const;
    await submit(c, conversationNamed(c.req.valid("param").id), command, OF_CHANNELS);
    return c.json({ message: "Channel updated successfully" }, 200);
  });

  app.openapi(close, async (c) => {
    await submit(c, conversationNamed(c.req.valid("param").id), { type: "close" });
    return c.json({ message: "Channel archived successfully" }, 200);
  });

  app.openapi(reopen, async (c) => {
    await submit(c, conversationNamed(c.req.valid("param").id), { type: "reopen" });
    return c.json({ message: "Channel unarchived successfully" }, 200);
  });
}
