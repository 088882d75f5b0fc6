import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { peopleFoundSchema } from "../contract/directory.ts";
import { line } from "../contract/fields.ts";
import { jsonOf } from "../contract/openapi.ts";
import { contactsAmong, peopleByName } from "../directory/contacts.ts";
import type { FoundNames, NamePage } from "../directory/names.ts";
import { usersById } from "../directory/users.ts";
import type { Person } from "../domain/conversation.ts";
import { searchedWords } from "../domain/name-words.ts";
import { MAX_NAME_LENGTH } from "../domain/person.ts";
import type { Settings } from "../env.ts";
import type { EdgeEnv } from "./context.ts";
import { listedFor } from "./listed.ts";
import { namesPage, nextOf, placedIn } from "./names-page.ts";
import { userIdsOf, userIdsParameter } from "./user-ids.ts";

const find = createRoute({
  method: "get",
  path: "/",
  operationId: "findUsers",
  summary: "Find people by id or by any word of their name",
  description:
    "By name: each word of `q` is the beginning of a word of the name, whatever its case and accents. Nobody is " +
    "found between whom and the caller there is a block. Names that begin with the longest word of `q` come " +
    "first. A page may have fewer than `limit` people, or none, and a next one. An operator may restrict both to " +
    "people with whom the caller shares a conversation, or switch off the search by name.",
  request: {
    query: z
      .object({
        ids: userIdsParameter.optional(),
        q: line(MAX_NAME_LENGTH, 1).optional(),
        ...namesPage,
      })
      .refine(({ ids, q }) => (ids === undefined) !== (q === undefined), "give ids or q"),
  },
  responses: {
    200: jsonOf("Those who are known", peopleFoundSchema),
  },
});

/** `GET /api/users`: who can be talked to, as far as `USER_SEARCH` lets the caller see them. */
export function userSearch(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(find, async (c) => {
    const { q, ...page } = c.req.valid("query");
    const { items, next } =
      q === undefined
        ? { items: await withIds(c, userIdsOf(c.req.url)) }
        : await named(c, q, placedIn(page));
    const users = items.map(({ userId, name, avatarUrl }) => ({ id: userId, name, avatarUrl }));
    return c.json({ users, ...nextOf(next) }, 200);
  });
}

/** Clients ask for the names of those whom they show: also with `off`, they get those of contacts. */
async function withIds(c: Context<EdgeEnv>, ids: readonly string[]): Promise<Person[]> {
  const directory = c.get("directory");
  const seen =
    searchOf(c) === "everyone" ? ids : [...(await contactsAmong(directory, listedFor(c), ids))];
  return [...(await usersById(directory, seen)).values()];
}

async function named(c: Context<EdgeEnv>, q: string, page: NamePage): Promise<FoundNames<Person>> {
  const among = searchOf(c);
  const searched = searchedWords(q);
  if (among === "off" || searched.length === 0) return { items: [] };
  const searching = { userId: listedFor(c), among };
  return await peopleByName(c.get("directory"), searched, searching, page);
}

/** Admins provision users, and see all of them. */
function searchOf(c: Context<EdgeEnv>): Settings["USER_SEARCH"] {
  return c.get("actor").role === "admin" ? "everyone" : c.get("settings").USER_SEARCH;
}
