import { type Answer, type Caller, groupOf, person, send } from "../support.ts";

/** What tests of the search of messages share. */

export const SEARCH = "/api/v1/chat/messages/search";
export const CHAT_SEARCH = "/api/chat/search";

/** Searches over the UniHub API. */
export function search(
  caller: Caller,
  q: string,
  more: Record<string, string | number> = {},
): Promise<Answer> {
  const query = new URLSearchParams({ q });
  for (const [name, value] of Object.entries(more)) query.set(name, String(value));
  return caller.get(`${SEARCH}?${query}`);
}

/** The texts that were found. */
export function contents({ body }: Answer): string[] {
  return body.hits.map((hit: { message: { content: string } }) => hit.message.content);
}

/** Somebody with three groups, in each of which are two messages with an apple. */
export async function threeGroups(): Promise<{ alice: Caller; groups: [string, string, string] }> {
  const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
  const groups: [string, string, string] = [
    await groupOf(alice, bob),
    await groupOf(alice, bob),
    await groupOf(alice, bob),
  ];
  for (const id of groups) for (const n of [1, 2]) await send(bob, id, `apple ${n} of ${id}`);
  return { alice, groups };
}
