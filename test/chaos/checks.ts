import { setTimeout as sleep } from "node:timers/promises";
import type { WireMessage } from "../../src/client/received.ts";
import type { Message, Rest } from "../../src/client/rest.ts";
import { parseMessageId } from "../../src/domain/id.ts";
import type { Actor } from "./actor.ts";
import type { Model } from "./model.ts";
import type { PublicClient } from "./public-client.ts";

/** How long the lists may take to catch up after the disturbances. */
const PATIENCE_MS = 45_000;

/** The failures found, each once. */
export class Findings {
  readonly lost = new Set<string>();
  readonly doubled = new Set<string>();
  readonly reordered = new Set<string>();
  readonly unread = new Set<string>();
  readonly different = new Set<string>();

  get all(): string[] {
    return [this.unread, this.different, this.doubled, this.reordered, this.lost].flatMap((set) => [
      ...set,
    ]);
  }
}

const numberOf = (messageId: string) => parseMessageId(messageId)?.number ?? 0;

/** Compares a conversation's clients, history, inboxes and model with each other. */
export async function checkConversation(
  model: Model,
  actors: readonly Actor[],
  rests: ReadonlyMap<string, Rest>,
  findings: Findings,
): Promise<void> {
  await settled(actors, findings);
  await Promise.all(actors.map(loadAll));
  const anyone = rests.get(model.memberIds[0] ?? "");
  if (!anyone) throw new Error("nobody to ask");
  const history = await wholeHistory(anyone, model.conversationId);
  checkHistory(model, history, findings);
  for (const actor of actors) checkClient(model, actor, history, findings);
  checkReads(model, actors, findings);
  await Promise.all(
    model.memberIds.map((userId) => checkInbox(model, userId, rests, history, findings)),
  );
}

/** Compares the state of public clients with the history, and waits until they have caught up. */
export async function checkPublicClients(
  model: Model,
  clients: readonly PublicClient[],
  rests: ReadonlyMap<string, Rest>,
  findings: Findings,
): Promise<void> {
  const anyone = rests.get(model.memberIds[0] ?? "");
  if (!anyone) throw new Error("nobody to ask");
  const history = await wholeHistory(anyone, model.conversationId);
  for (const client of clients) {
    const deadline = Date.now() + PATIENCE_MS;
    while (client.differences(history).length > 0 && Date.now() < deadline) await sleep(50);
    for (const difference of client.differences(history)) findings.lost.add(difference);
    const { name, doubled, outOfOrder, receivedWhileRemoved } = client;
    if (doubled > 0) findings.doubled.add(`${name}: ${doubled} received twice`);
    if (outOfOrder > 0) findings.reordered.add(`${name}: ${outOfOrder} received out of order`);
    if (receivedWhileRemoved > 0)
      findings.different.add(`${name}: ${receivedWhileRemoved} received while removed`);
  }
}

/** Resolves once all clients of a conversation are live and have the same revision. */
async function settled(actors: readonly Actor[], findings: Findings): Promise<void> {
  const revs = () => new Set(actors.map(({ conversation }) => conversation.cursor.rev));
  const live = () => actors.every(({ conversation }) => conversation.status.state === "live");
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await sleep(50)) {
    if (live() && revs().size === 1) return;
  }
  for (const { name, conversation } of actors) {
    findings.lost.add(
      `${name}: ${JSON.stringify(conversation.status)} at ${conversation.cursor.rev}`,
    );
  }
}

/** A client that was reset, because its user blocked somebody, has the newest messages only. */
async function loadAll({ conversation, name }: Actor): Promise<void> {
  while ((conversation.messages[0]?.number ?? 1) > 1) {
    await conversation.loadOlder(100).catch((error) => {
      throw new Error(`${name}: older messages`, { cause: error });
    });
  }
}

/** All clients know the same reads; those that were reset know the newest of them. */
function checkReads(model: Model, actors: readonly Actor[], findings: Findings): void {
  const wasReset = ({ userId }: Actor) =>
    model.memberIds.some((other) => model.blocks.wasEver(userId, other));
  const all = new Map<string, Set<string>>();
  for (const actor of actors) {
    const reads = [...actor.conversation.reads].map((read) => JSON.stringify(read));
    all.set(actor.name, new Set(reads));
  }
  const [whole] = actors.filter((actor) => !wasReset(actor));
  const expected = whole && all.get(whole.name);
  if (!expected) return;
  for (const actor of actors) {
    const known = all.get(actor.name) ?? new Set();
    const isComplete = wasReset(actor) || known.size === expected.size;
    if (isComplete && [...known].every((read) => expected.has(read))) continue;
    findings.lost.add(`${actor.name}: knows other reads than ${whole.name}`);
  }
}

async function wholeHistory(rest: Rest, conversationId: string): Promise<Message[]> {
  const newestFirst: Message[] = [];
  for (let page = 1, pages = 1; page <= pages; page++) {
    const answer = await rest.messages(conversationId, { page, pageSize: 100 });
    newestFirst.push(...answer.items);
    pages = answer.totalPages;
  }
  return newestFirst.reverse();
}

function checkHistory(model: Model, history: readonly Message[], findings: Findings): void {
  const byId = new Map(history.map((message) => [message.messageId, message]));
  if (byId.size !== history.length) findings.doubled.add(`${model.conversationId}: ids repeat`);
  for (const [index, { messageId }] of history.entries()) {
    if (numberOf(messageId) !== index + 1) findings.lost.add(`${messageId}: a gap before it`);
  }
  for (const expected of model.messages.values()) {
    const { messageId, clientMessageId: key } = expected;
    const found = byId.get(messageId);
    if (!found || found.senderId !== expected.senderId)
      findings.lost.add(`${key || messageId}: not there`);
    else if (found.isDeleted !== expected.deleted) findings.lost.add(`${key}: its deletion`);
    else if (found.content !== expected.content) {
      findings.lost.add(`${key}: is "${found.content}", not "${expected.content}"`);
    }
    const reactions = (found?.reactions ?? []).flatMap(({ emoji, userIds }) =>
      userIds.map((userId) => `${emoji} ${userId}`),
    );
    if (`${reactions.sort()}` !== `${[...expected.reactions].sort()}`) {
      findings.lost.add(`${key}: reactions ${reactions}, not ${[...expected.reactions]}`);
    }
  }
  for (const { messageId, content, type } of history) {
    // System messages are not sent by a client.
    if (type === "System") continue;
    if (!model.messages.has(messageId)) findings.doubled.add(`${messageId} "${content}": nobody's`);
    if (content !== "" && !model.said.has(content))
      findings.different.add(`never said: ${content}`);
  }
  const keys = new Map(
    [...model.messages.values()].map((one) => [one.clientMessageId, numberOf(one.messageId)]),
  );
  for (const sent of model.sentBy.values()) {
    const numbers = sent.map((key) => keys.get(key) ?? 0);
    for (const [index, number] of numbers.entries()) {
      if (number <= (numbers[index - 1] ?? 0)) findings.reordered.add(`${sent[index]}`);
    }
  }
}

function checkClient(
  model: Model,
  { name, userId, conversation, tally, failures }: Actor,
  history: readonly Message[],
  findings: Findings,
): void {
  const shown = conversation.messages;
  if (shown.length !== history.length) {
    findings.lost.add(`${name} shows ${shown.length} of ${history.length} messages`);
  }
  const keys = new Set<string>();
  const byId = new Map(history.map((message) => [message.messageId, message]));
  for (const message of shown) {
    const key = `${message.senderId} ${message.clientMessageId}`;
    if (message.senderId !== null && keys.has(key)) findings.doubled.add(`${name}: ${key}`);
    keys.add(key);
    const theirs = byId.get(message.id);
    if (!theirs) findings.different.add(`${name}: shows ${key}, which is not there`);
    else if (asText(message) !== asText(theirs)) {
      findings.lost.add(`${name}: a change: has ${asText(message)}, not ${asText(theirs)}`);
    }
  }
  if (conversation.pending.length > 0) findings.lost.add(`${name}: pending messages`);
  if (tally.outOfOrder > 0)
    findings.reordered.add(`${name}: ${tally.outOfOrder} received out of order`);
  for (const failure of failures) findings.different.add(failure);
  const expected = model.unread(userId, numbered(history));
  if (!isWithin(conversation.unread, expected)) {
    findings.unread.add(`${name}: ${conversation.unread} unread, not ${JSON.stringify(expected)}`);
  }
}

async function checkInbox(
  model: Model,
  userId: string,
  rests: ReadonlyMap<string, Rest>,
  history: readonly Message[],
  findings: Findings,
): Promise<void> {
  const expected = model.unread(userId, numbered(history));
  const mentions = model.unread(userId, numbered(history), "mentions");
  const last = history.findLast(({ isDeleted, type }) => !isDeleted && type !== "System");
  let entry: Awaited<ReturnType<Rest["conversations"]>>[number] | undefined;
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await sleep(250)) {
    const inbox = await rests.get(userId)?.conversations();
    entry = inbox?.find(({ conversationId }) => conversationId === model.conversationId);
    const sameLast = JSON.stringify(entry?.lastMessage) === JSON.stringify(last);
    const areExact =
      entry && isWithin(entry.unreadCount, expected) && isWithin(entry.unreadMentions, mentions);
    if (areExact && sameLast) return;
  }
  if (!entry || !isWithin(entry.unreadCount, expected)) {
    const range = JSON.stringify(expected);
    findings.unread.add(`inbox of ${userId}: ${entry?.unreadCount} unread, not ${range}`);
  } else if (!isWithin(entry.unreadMentions, mentions)) {
    const range = JSON.stringify(mentions);
    findings.unread.add(`inbox of ${userId}: ${entry.unreadMentions} mentions, not ${range}`);
  } else {
    findings.different.add(`inbox of ${userId}: last is ${JSON.stringify(entry?.lastMessage)}`);
  }
}

const isWithin = (count: number, { least, most }: { least: number; most: number }) =>
  least <= count && count <= most;

const numbered = (history: readonly Message[]) =>
  history.map(({ messageId }) => ({ messageId, number: numberOf(messageId) }));

/** A message of a client or of REST, in one text form for comparison. */
function asText(message: WireMessage | Message): string {
  const wire = "id" in message;
  return JSON.stringify([
    wire ? message.id : message.messageId,
    message.senderId,
    message.content,
    wire ? message.createdAt : message.sentAt,
    message.editedAt,
    wire ? message.deletedAt !== null : message.isDeleted,
    message.reactions,
  ]);
}
