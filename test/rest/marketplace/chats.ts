import { expect } from "vitest";
import { type Answer, type Caller, person, type TokenOptions } from "../../support.ts";

export const CHATS = "/api/chat";

export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
export const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
/** A well-formed id of a chat that does not exist. */
export const NOBODYS = "3fa85f64-5717-8562-b3fc-2c0000000000";
/** A UUID of a version that no chat id has. */
export const FOREIGN = "3fa85f64-5717-4562-b3fc-2c963f66afa6";

/** Creates `count` known users. */
export function people<Count extends number>(count: Count, options: TokenOptions = {}) {
  return Promise.all(Array.from({ length: count }, () => person("user", options)));
}

/** Two people and their direct chat. */
export async function directChat(): Promise<{ alice: Caller; bob: Caller; chatId: string }> {
  const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
  const { body } = await alice.post(CHATS, { participantIds: [bob.userId] });
  return { alice, bob, chatId: body.data.chat._id };
}

/** Three people and their group; the first owns it. */
export async function groupChat() {
  const [alice, bob, carol] = await Promise.all([
    person("alice", { name: "Alice" }),
    person("bob", { name: "Bob" }),
    person("carol", { name: "Carol" }),
  ]);
  return { alice, bob, carol, chatId: await newGroup(alice, bob, carol) };
}

/** A group of the first user, who owns it, and the others. */
export async function newGroup(owner: Caller, ...others: Caller[]): Promise<string> {
  const participantIds = others.map((other) => other.userId);
  const { body } = await owner.post(CHATS, { type: "group", title: "Group", participantIds });
  return body.data.chat._id;
}

export function send(caller: Caller, chatId: string, content: string, more = {}): Promise<Answer> {
  return caller.post(`${CHATS}/${chatId}/messages`, { content, ...more });
}

/** Sends a message; resolves to its id. */
export async function sent(caller: Caller, chatId: string, content: string, more = {}) {
  const { body } = await send(caller, chatId, content, more);
  return String(body.data.message._id);
}

export function edit(
  caller: Caller,
  chatId: string,
  messageId: string,
  content: string,
  more = {},
) {
  return caller.put(`${CHATS}/${chatId}/messages/${messageId}`, { content, ...more });
}

export function remove(caller: Caller, chatId: string, messageId: string) {
  return caller.delete(`${CHATS}/${chatId}/messages/${messageId}`);
}

/** Marks messages as read; without ids, all of them. */
export function markRead(caller: Caller, chatId: string, messageIds?: unknown) {
  const body = messageIds === undefined ? undefined : { messageIds };
  return caller.patch(`${CHATS}/${chatId}/messages/read`, body);
}

export function addTo(caller: Caller, chatId: string, userId: unknown) {
  return caller.post(`${CHATS}/${chatId}/participants`, { userId });
}

export function removeFrom(caller: Caller, chatId: string, userId: string) {
  return caller.delete(`${CHATS}/${chatId}/participants/${encodeURIComponent(userId)}`);
}

export function archive(caller: Caller, chatId: string) {
  return caller.put(`${CHATS}/${chatId}/archive`);
}

export function history(caller: Caller, chatId: string, query = "") {
  return caller.get(`${CHATS}/${chatId}/messages${query}`);
}

/** The contents of a page of history, in order. */
export async function contentsOf(caller: Caller, chatId: string, query = ""): Promise<string[]> {
  const { body } = await history(caller, chatId, query);
  return body.data.messages.map((message: { content: string }) => message.content);
}

/** A chat as its own object returns it. */
export async function infoOf(caller: Caller, chatId: string) {
  return (await caller.get(`${CHATS}/${chatId}/info`)).body.data.chat;
}

/** A caller's chats, as the list returns them. */
export async function chatsOf(caller: Caller, query = "") {
  return (await caller.get(CHATS + query)).body.data.chats;
}

/** A chat as a participant's list returns it. */
export async function entryOf(caller: Caller, chatId: string) {
  return (await chatsOf(caller)).find((chat: { _id: string }) => chat._id === chatId);
}

export async function statsOf(caller: Caller) {
  return (await caller.get(`${CHATS}/stats`)).body.data;
}

/** The user ids of a chat's participants, sorted. */
export function participantsOf(chat: { participants: { userId: string }[] }): string[] {
  return chat.participants.map(({ userId }) => userId).sort();
}

export function idsOf(...callers: Caller[]): string[] {
  return callers.map(({ userId }) => userId).sort();
}

/** Expects a refusal in this API's envelope, without details. */
export function expectRefusal(answer: Answer, status: number, code: string): void {
  expect(answer.status, JSON.stringify(answer.body).slice(0, 200)).toBe(status);
  expect(answer.body).toEqual({ success: false, error: expect.any(String), code });
}

/** Expects a refusal of a text, at this path. */
export function expectWrongText(answer: Answer, code: string, path = "content"): void {
  const details = [{ path, message: expect.any(String) }];
  const body = { success: false, error: expect.any(String), code, details };
  expect({ status: answer.status, body: answer.body }).toEqual({ status: 400, body });
}

/** Expects a validation error at these paths. */
export function expectInvalid(answer: Answer, ...paths: string[]): void {
  expect(answer.status).toBe(400);
  expect(answer.body).toMatchObject({ success: false, code: "invalid_request" });
  const details: { path: string; message: string }[] = answer.body.details;
  expect(new Set(details.map(({ path }) => path))).toEqual(new Set(paths));
}
