import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { adminUsersSchema } from "../contract/administration.ts";
import { line, wholeNumber } from "../contract/fields.ts";
import { jsonOf } from "../contract/openapi.ts";
import { type ListedUser, listedUsers, usersAfter } from "../directory/admin-users.ts";
import { peopleByName } from "../directory/contacts.ts";
import { searchedWords } from "../domain/name-words.ts";
import { isUserId, MAX_NAME_LENGTH, normalizedUserId } from "../domain/person.ts";
import { readsDirectory } from "../edge/auth.ts";
import type { EdgeEnv } from "../edge/context.ts";
import { cursorIn, cursorOf } from "../edge/cursor.ts";
import { isoTime } from "../live/wire.ts";
import { logRead } from "./log-read.ts";

/** A place in a list of users: the word that was found, if they are found by name, and the id. */
const place = z.tuple([z.string().nullable(), z.string()]);
/** Whom nobody blocks: admins find everybody. */
const NOBODY = "";

const find = createRoute({
  method: "get",
  path: "/users",
  operationId: "adminFindUsers",
  summary: "Find users by id or by any word of their name; without `q`, all of them",
  description:
    "Who has the id `q` comes first, beyond `limit`. Each word of `q` is the beginning of a word of the name. A page may have fewer " +
    "than `limit` users, or none, and a next one.",
  middleware: [readsDirectory] as const,
  request: {
    query: z.object({
      q: line(MAX_NAME_LENGTH, 1).optional(),
      cursor: z.string().max(2_000).optional(),
      limit: wholeNumber(20, 1, 50),
    }),
  },
  responses: { 200: jsonOf("A page of users", adminUsersSchema) },
});

/** The search for users, of `/api/admin`. */
export function adminFindUsers(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(find, async (c) => {
    const { q, cursor, limit } = c.req.valid("query");
    const after = cursor === undefined ? undefined : cursorIn(place, cursor);
    const found = q === undefined ? await all(c, after, limit) : await named(c, q, after, limit);
    logRead(c, "users", {});
    return c.json({ items: found.items.map(presentUser), ...found.next }, 200);
  });
}

interface Found {
  items: ListedUser[];
  next: { next?: string };
}

async function all(
  c: Context<EdgeEnv>,
  after: z.infer<typeof place> | undefined,
  limit: number,
): Promise<Found> {
  const found = await usersAfter(c.get("directory"), after?.[1] ?? "", limit + 1);
  const items = found.slice(0, limit);
  const last = found.length > limit ? items.at(-1) : undefined;
  return { items, next: last ? { next: cursorOf([null, last.userId]) } : {} };
}

/** Who has the id on the first page, and who has the name. */
async function named(
  c: Context<EdgeEnv>,
  q: string,
  after: z.infer<typeof place> | undefined,
  limit: number,
): Promise<Found> {
  const directory = c.get("directory");
  const id = isUserId(q) ? normalizedUserId(q) : undefined;
  const searched = searchedWords(q);
  const behind = after && after[0] !== null ? { word: after[0], id: after[1] } : undefined;
  const found =
    searched.length === 0
      ? { items: [] }
      : await peopleByName(
          directory,
          searched,
          { userId: NOBODY, among: "everyone" },
          { after: behind, limit },
        );
  const ids = found.items.map(({ userId }) => userId).filter((userId) => userId !== id);
  const isFirst = after === undefined && id !== undefined;
  const items = await listedUsers(directory, isFirst ? [id, ...ids] : ids);
  const next = "next" in found ? found.next : undefined;
  return { items, next: next ? { next: cursorOf([next.word, next.id]) } : {} };
}

/** A user in a list. */
export function presentUser(user: ListedUser) {
  const { userId: id, name, avatarUrl, role, provisionedRole, bot, lastSeenAt } = user;
  return {
    ...{ id, name, avatarUrl, role, provisionedRole, bot },
    lastSeenAt: lastSeenAt === 0 ? null : isoTime(lastSeenAt),
  };
}
