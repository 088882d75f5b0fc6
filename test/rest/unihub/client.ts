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

/** Adds a user to a group, or removes one from it. */
export function add(by: Caller, groupId: string, { userId }: { userId: string }): Promise<Answer> {
  return by.post(participants(groupId), { participantId: userId });
}

export function remove(by: Caller, groupId: string, { userId }: { userId: string }) {
  return by.delete(participants(groupId, userId));
}

/** Sends a message; resolves to its id. */
export async function sent(by: Caller, conversationId: string, content = "text"): Promise<string> {
  const { status, body } = await send(by, conversationId, content);
  expect(status).toBe(201);
  return body.messageId;
}

/** Deletes a message of a conversation that is not a channel. */
export function erase(by: Caller, conversationId: string, messageId: string): Promise<Answer> {
  return by.delete(`/api/chat/${conversationId}/messages/${messageId}`);
}

/** The readers of a message, in the server's order. */
export async function readersOf(caller: Caller, messageId: string): Promise<string[]> {
  const { status, body } = await caller.get(message(messageId, "/read-receipts"));
  expect(status).toBe(200);
  return body.map((receipt: { userId: string }) => receipt.userId);
}

/** The newest message of a conversation, as the history shows it. */
export async function newest(caller: Caller, conversationId: string) {
  return (await page(caller, conversationId, "&pageSize=1")).body.items[0];
}

/** How often each outcome occurred: `200`, or a status with its code. */
export function outcomes(answers: readonly Answer[]): Record<string, number> {
  const tally: Record<string, number> = {};
  for (const { status, body } of answers) {
    const outcome = status === 200 ? "200" : `${status} ${body.code}`;
    tally[outcome] = (tally[outcome] ?? 0) + 1;
  }
  return tally;
}

/** Known users. */
export function people(count: number): Promise<Caller[]> {
  return Promise.all(Array.from({ length: count }, () => person("one")));
}

/**
 * A channel with an owner and two members, the first of whom is a moderator; the stranger is not a
 * member.
 */
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

/** Ids that name no conversation: an unknown one, one of another kind, and an invalid one. */
export const NOWHERE = [NOBODYS, FOREIGN, "nothing"];

/**
 * Ids that name no message: the conversation's own, a future one, another conversation's, and an
 * invalid one.
 */
export function noMessages(conversationId: string): string[] {
  return [conversationId, `${conversationId.slice(0, -2)}ff`, ...NOWHERE];
}

/** Expects 401 without a token and with an invalid one, with a hint how to authenticate. */
export async function expectUnauthenticated(method: string, path: string): Promise<void> {
  const init = { method, ...(method !== "GET" && { body: "{}" }) };
  for (const headers of [{}, { Authorization: "Bearer nonsense" }]) {
    const answer = await fetchJson(path, { ...init, headers });
    expectError(answer, 401, "unauthenticated");
    expect(answer.headers.get("WWW-Authenticate")).toBe("Bearer");
  }
}
