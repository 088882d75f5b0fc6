import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { WireMessage } from "../../src/live/events.ts";
import { Chatter } from "./chatter.ts";
import { Live, type Message, type Person, Rest } from "./client.ts";
import { startProduction } from "./production.ts";
import { cleanUp, type Server, temporaryFolder } from "./server.ts";
import { tokenWith } from "./token.ts";

/** Not what these tests are about, and in the way of sending as fast as it goes. */
const UNLIMITED = ["--var", "REQUEST_LIMITS:off", "--var", "MESSAGES_PER_MINUTE_UNIHUB:100000"];

let folder: string;
let server: Server;
let alice: Person;
let bob: Person;
let carol: Person;

beforeAll(async () => {
  folder = await temporaryFolder();
  [server, alice, bob, carol] = await Promise.all([
    startProduction(folder, ...UNLIMITED),
    someone("alice"),
    someone("bob"),
    someone("carol"),
  ]);
  // A user who has made a request is known and can be messaged.
  await Promise.all([bob, carol].map((person) => new Rest(server.address, person).conversations()));
});
afterAll(cleanUp);

test("two sockets and a REST client hear all messages once, in one order, without a gap", async () => {
  const { a, b, rest, conversationId } = await meet();
  const [byAlice, byBob, byCarol] = [lines("alice"), lines("bob"), lines("carol")];
  const everything = [...byAlice, ...byBob, ...byCarol];
  for (const text of byAlice) a.send(text, text);
  for (const text of byBob) b.send(text, text);
  const answers = await inParallel(byCarol, (text) => rest.send(conversationId, text, text));
  for (const [socket, own] of [[a, byAlice] as const, [b, byBob] as const]) {
    await socket.until(() => socket.heard().length >= everything.length);
    await socket.until(() => socket.all("ack").length === own.length);
    // A retry adds nothing, and whatever was on its way to the socket comes before its answer.
    for (const text of own.slice(0, 1)) socket.send(text, text);
    await socket.until(() => socket.all("ack").some((ack) => ack.deduplicated));
  }

  const heard = a.heard();
  expect(heard.map((message) => message.number)).toEqual(upTo(everything.length));
  expect(b.heard()).toEqual(heard);
  expect(heard.map((message) => message.content).sort()).toEqual(everything.sort());
  expect(await rest.history(conversationId)).toEqual(asHistory(conversationId, heard));

  // Senders receive the same events of their own messages as the others.
  for (const [person, socket, own] of [[alice, a, byAlice] as const, [bob, b, byBob] as const]) {
    const theirs = heard.filter((message) => message.senderId === person.userId);
    expect(theirs.map((message) => message.content)).toEqual(own);
    const acks = socket.all("ack").filter((ack) => !ack.deduplicated);
    expect(acks.map((ack) => [ack.id, ack.messageId, ack.rev])).toEqual(
      theirs.map((message) => [message.clientMessageId, message.id, message.rev]),
    );
  }
  const byContent = new Map(heard.map((message) => [message.content, message]));
  expect(answers.map(({ messageId, sentAt }) => [messageId, sentAt])).toEqual(
    byCarol.map((text) => [byContent.get(text)?.id, byContent.get(text)?.createdAt]),
  );
});

test("a server killed right after its last answer has everything when it is started again", async () => {
  const before = await meet();
  const { conversationId } = before;
  const texts = lines("alice");
  for (const text of texts) before.a.send(text, text);
  const answer = await before.rest.send(conversationId, "from carol", "carol-key");
  await before.a.until(() => before.a.all("ack").length === texts.length);
  await server.program.kill();
  server = await startProduction(folder, ...UNLIMITED);

  const after = await rejoin(before);
  const history = await after.rest.history(conversationId);
  expect(history.map((message) => message.content).sort()).toEqual([...texts, "from carol"].sort());
  expectNothingMissed(before, after, history);
  expect(await after.rest.send(conversationId, "from carol", "carol-key")).toEqual({
    ...answer,
    deduplicated: true,
  });
  expect(await after.rest.history(conversationId)).toEqual(history);
});

test("a server killed in the midst of sends keeps what it acknowledged, once", async () => {
  const before = await meet();
  const { conversationId } = before;
  const chatter = new Chatter();
  const talking = Promise.all([
    chatter.overSocket(before.a, "alice"),
    chatter.overSocket(before.b, "bob"),
    chatter.overRest(before.rest, conversationId, "carol"),
  ]);
  await Promise.race([chatter.acknowledgedAtLeast(300), talking]);
  chatter.ending = true;
  await server.program.kill();
  await talking;
  expect(chatter.said.size).toBeGreaterThan(chatter.acknowledged.size);
  server = await startProduction(folder, ...UNLIMITED);

  // The lists catch up by themselves, before anyone asks the conversation for anything.
  const lastHeard = before.a.heard().at(-1)?.id ?? "";
  await vi.waitFor(async () => {
    const inbox = await new Rest(server.address, carol).conversations();
    const entry = inbox.find((one) => one.conversationId === conversationId);
    expect((entry?.lastMessage?.messageId ?? "") >= lastHeard).toBe(true);
  }, 20_000);

  // No acknowledged message is lost or duplicated, and there are no others.
  const after = await rejoin(before);
  const history = await after.rest.history(conversationId);
  const kept = new Map(history.map((message) => [message.content, message.messageId]));
  expect(kept.size).toBe(history.length);
  expect([...chatter.acknowledged].filter(([text, id]) => kept.get(text) !== id)).toEqual([]);
  expect([...kept.keys()].filter((text) => !chatter.said.has(text))).toEqual([]);
  expectNothingMissed(before, after, history);

  // A retry returns the original, and messages that had not arrived are stored now.
  const { a, b, rest } = after;
  const originals = new Map<string, string | undefined>();
  for (const text of chatter.by("alice")) a.send(text, text);
  for (const text of chatter.by("bob")) b.send(text, text);
  await inParallel(chatter.by("carol"), async (text) => {
    const answer = await rest.send(conversationId, text, text);
    if (answer.deduplicated) originals.set(text, answer.messageId);
  });
  for (const [name, socket] of [["alice", a] as const, ["bob", b] as const]) {
    await socket.until(() => socket.all("ack").length === chatter.by(name).length);
    for (const ack of socket.all("ack")) {
      if (ack.deduplicated) originals.set(String(ack.id), ack.messageId);
    }
  }
  expect(originals).toEqual(kept);
  const whole = await rest.history(conversationId);
  expect(whole.map((message) => message.content).sort()).toEqual([...chatter.said].sort());
  const added = whole.slice(history.length);
  await a.until(() => a.heard().length >= added.length);
  expect(asHistory(conversationId, a.heard())).toEqual(added);
});

/** A group of three: Alice and Bob at their sockets, Carol over REST. */
interface Meeting {
  conversationId: string;
  a: Live;
  b: Live;
  rest: Rest;
}

async function meet(): Promise<Meeting> {
  const { address } = server;
  const others = [bob.userId, carol.userId];
  const conversationId = await new Rest(address, alice).group("Friends", others);
  const [a, b] = await Promise.all([
    Live.open(address, conversationId, alice),
    Live.open(address, conversationId, bob),
  ]);
  return { conversationId, a, b, rest: new Rest(address, carol) };
}

/** The same three after a restart: the sockets resume where they were. */
async function rejoin({ conversationId, a, b }: Meeting): Promise<Meeting> {
  await Promise.all([a.closed, b.closed]);
  const { address } = server;
  const [alices, bobs] = await Promise.all([
    Live.open(address, conversationId, alice, a.cursor()),
    Live.open(address, conversationId, bob, b.cursor()),
  ]);
  return { conversationId, a: alices, b: bobs, rest: new Rest(address, carol) };
}

/** The events before the restart and those of the catch-up together are the history, each message once. */
function expectNothingMissed(before: Meeting, after: Meeting, history: readonly Message[]): void {
  for (const [then, now] of [[before.a, after.a] as const, [before.b, after.b] as const]) {
    const messages = [...then.heard(), ...now.caughtUp()];
    expect(messages.map((message) => message.number)).toEqual(upTo(history.length));
    expect(asHistory(before.conversationId, messages)).toEqual(history);
    expect(now.all("sync").some((sync) => sync.reset)).toBe(false);
  }
}

async function someone(userId: string): Promise<Person> {
  return { userId, token: await tokenWith(userId, { name: userId }) };
}

/** A hundred different texts, each good as a `clientMessageId`. */
function lines(name: string): string[] {
  return upTo(100).map((number) => `${name}/${number}`);
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

/** What sockets are given, as the REST history shows it. */
function asHistory(conversationId: string, messages: readonly WireMessage[]): Message[] {
  return messages.map(({ id, senderId, content, createdAt }) => ({
    messageId: id,
    conversationId,
    senderId,
    content,
    sentAt: createdAt,
  }));
}

/** Does `work` for every item, ten at a time; the results in the order of the items. */
async function inParallel<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const queue = items.entries();
  const worker = async () => {
    for (const [i, item] of queue) results[i] = await work(item);
  };
  await Promise.all(upTo(10).map(worker));
  return results;
}
