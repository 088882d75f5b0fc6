import { expect } from "vitest";
import { type Answer, type Caller, channelOf, fetchJson, person, send } from "../../support.ts";
import { CONVERSATIONS, FOREIGN, MESSAGES, NOBODYS, page } from "../requests.ts";

export const CHANNELS = "/api/v1/chat/channels";

export function channel(id: string, rest = ""): string {
  return `${CHANNELS}/${id}${rest}`;
}

export function message(id: string, rest = ""): string {
  return `${MESSAGES}/${id}${rest}`;
}

export function participants(id: string, userId?: string): string {
  const all = `${CONVERSATIONS}/${id}/participants`;
  return userId === undefined ? all : `${all}/${encodeURIComponent(userId)}`;
}

export function reaction(messageId: string, emoji: string): string {
  return message(messageId, `/reactions/${encodeURIComponent(emoji)}`);
}

/** Adds a person to a group, or takes one out of it. */
export function add(by: Caller, groupId: string, { userId }: { userId: string }): Promise<Answer> {
  return by.post(participants(groupId), { participantId: userId });
}

export function remove(by: Caller, groupId: string, { userId }: { userId: string }) {
  return by.delete(participants(groupId, userId));
}

/** Sends a message; its id. */
export async function sent(by: Caller, conversationId: string, content = "text"): Promise<string> {
  const { status, body } = await send(by, conversationId, content);
  expect(status).toBe(201);
  return body.messageId;
}

/** Deletes a message of a conversation that is not a channel. */
export function erase(by: Caller, conversationId: string, messageId: string): Promise<Answer> {
  return by.delete(`/api/chat/${conversationId}/messages/${messageId}`);
}

/** Who has read a message, in the order in which the server tells them. */
export async function readersOf(caller: Caller, messageId: string): Promise<string[]> {
  const { status, body } = await caller.get(message(messageId, "/read-receipts"));
  expect(status).toBe(200);
  return body.map((receipt: { userId: string }) => receipt.userId);
}

/** The newest message of a conversation, as the history shows it. */
export async function newest(caller: Caller, conversationId: string) {
  return (await page(caller, conversationId, "&pageSize=1")).body.items[0];
}

/** How often each outcome came: `200`, or a status with its code. */
export function outcomes(answers: readonly Answer[]): Record<string, number> {
  const tally: Record<string, number> = {};
  for (const { status, body } of answers) {
    const outcome = status === 200 ? "200" : `${status} ${body.code}`;
    tally[outcome] = (tally[outcome] ?? 0) + 1;
  }
  return tally;
}

/** People whom the server knows. */
export function people(count: number): Promise<Caller[]> {
  return Promise.all(Array.from({ length: count }, () => person("one")));
}

/** A channel with an owner and two members, the first of whom moderates; the stranger is not in it. */
export async function staffed(more: { isPublic?: boolean } = {}) {
  const [owner, moderator, member, stranger] = await Promise.all([
    person("owner"),
    person("moderator"),
    person("member", { name: "Member" }),
    person("stranger"),
  ]);
  const id = await channelOf(owner, [moderator, member], more);
  await owner.post(channel(id, "/moderators"), { userId: moderator.userId });
  return { owner, moderator, member, stranger, id };
}

export function expectError(answer: Answer, status: number, code: string): void {
  expect(answer).toMatchObject({ status, body: { error: expect.any(String), code } });
}

/** Addresses by which nothing is found: an id that nobody has, one of another kind, and no id. */
export const NOWHERE = [NOBODYS, FOREIGN, "nothing"];

/** Ids that no message has: the conversation's own, one to come, another's, and no id. */
export function noMessages(conversationId: string): string[] {
  return [conversationId, `${conversationId.slice(0, -2)}ff`, ...NOWHERE];
}

/** That a route refuses whoever has no token or a wrong one, and says how to do better. */
export async function expectUnauthenticated(method: string, path: string): Promise<void> {
  const init = { method, ...(method !== "GET" && { body: "{}" }) };
  for (const headers of [{}, { Authorization: "Bearer nonsense" }]) {
    const answer = await fetchJson(path, { ...init, headers });
    expectError(answer, 401, "unauthenticated");
    expect(answer.headers.get("WWW-Authenticate")).toBe("Bearer");
  }
}
