import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { line } from "../contract/fields.ts";
import { jsonOf } from "../contract/openapi.ts";
import { contactsAmong, peopleByName } from "../directory/contacts.ts";
import { usersById } from "../directory/users.ts";
import type { Person } from "../domain/conversation.ts";
import { MAX_NAME_LENGTH } from "../domain/person.ts";
import type { Settings } from "../env.ts";
import type { EdgeEnv } from "./context.ts";
import { userIdsOf, userIdsParameter } from "./user-ids.ts";

const people = z.object({
  users: z.array(
    z.object({ id: z.string(), name: z.string().nullable(), avatarUrl: z.string().nullable() }),
  ),
});

const find = createRoute({
  method: "get",
  path: "/",
  operationId: "findUsers",
  summary: "Find people by id or by the beginning of their name",
  description:
    "By name: at most 20, and nobody between whom and the caller there is a block. An operator may restrict " +
    "both to people with whom the caller shares a conversation, or switch off the search by name.",
  request: {
    query: z
      .object({
        ids: userIdsParameter.optional(),
        q: line(MAX_NAME_LENGTH, 1).optional(),
      })
      .refine(({ ids, q }) => (ids === undefined) !== (q === undefined), "give ids or q"),
  },
  responses: {
    200: jsonOf("Those who are known", people),
  },
});

/** `GET /api/users`: who can be talked to, as far as `USER_SEARCH` lets the caller see them. */
export function userSearch(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(find, async (c) => {
    const { q } = c.req.valid("query");
    const found = q === undefined ? await withIds(c, userIdsOf(c.req.url)) : await named(c, q);
    return c.json(
      { users: found.map(({ userId, name, avatarUrl }) => ({ id: userId, name, avatarUrl })) },
      200,
    );
  });
}

/** Clients ask for the names of those whom they show: also with `off`, they get those of contacts. */
async function withIds(c: Context<EdgeEnv>, ids: readonly string[]): Promise<Person[]> {
  const directory = c.get("directory");
  const seen =
    searchOf(c) === "everyone"
      ? ids
      : [...(await contactsAmong(directory, c.get("actor").userId, ids))];
  return [...(await usersById(directory, seen)).values()];
}

async function named(c: Context<EdgeEnv>, q: string): Promise<Person[]> {
  const among = searchOf(c);
  if (among === "off") return [];
  return await peopleByName(c.get("directory"), q, { userId: c.get("actor").userId, among });
}

/** Admins provision users, and see all of them. */
function searchOf(c: Context<EdgeEnv>): Settings["USER_SEARCH"] {
  return c.get("actor").role === "admin" ? "everyone" : c.get("settings").USER_SEARCH;
}
