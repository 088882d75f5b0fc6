import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Caller, directPair, evict, openLive, send } from "../support.ts";
import { found, indexOf, search, seedMessages, withBounds } from "./searching.ts";

let alice: Caller;
let bob: Caller;
let conversationId: string;

beforeEach(async () => {
  ({ alice, bob, conversationId } = await directPair());
});

afterEach(() => {
  vi.restoreAllMocks();
});

/** `count` messages, every tenth of which has the word `tenth`. */
async function seeded(count: number): Promise<void> {
  const contents = Array.from({ length: count }, (_, index) =>
    index % 10 === 9 ? `message ${index + 1} tenth` : `message ${index + 1}`,
  );
  await seedMessages(conversationId, bob.userId, contents);
  await evict(conversationId);
  await withBounds(conversationId);
}

const built = (count: number) =>
  vi.waitFor(async () => expect((await indexOf(conversationId))?.covered).toBe(count));

test("an index is built by the first search of a long conversation, and finds the same", async () => {
  await seeded(60);
  const tenths = [60, 50, 40, 30, 20, 10];
  expect(await found(conversationId, alice.userId, { q: "tenth" })).toEqual(tenths);
  await built(60);
  expect(await found(conversationId, alice.userId, { q: "tenth" })).toEqual(tenths);
});

test("a hit is shown as soon as its send was acknowledged", async () => {
  await seeded(60);
  await found(conversationId, alice.userId, { q: "tenth" });
  await built(60);
  await send(bob, conversationId, "a tenth of it");
  expect(await found(conversationId, alice.userId, { q: "tenth", limit: 2 })).toEqual([61, 60]);
});

test("pages of hits", async () => {
  await seeded(60);
  const first = await search(conversationId, alice.userId, { q: "tenth", limit: 4 });
  expect(first).toMatchObject({ ok: true, value: { searchedBack: { number: 30 } } });
  const before = { number: 30 };
  const last = await search(conversationId, alice.userId, { q: "tenth", before });
  expect(last.ok && last.value.hits.map(({ number }) => number)).toEqual([20, 10]);
  expect(last.ok && last.value.searchedBack).toBeUndefined();
});

test("over a native socket", async () => {
  await seeded(60);
  const socket = await openLive(alice, conversationId);
  socket.send({ op: "search", id: 1, q: "tenth", limit: 2 });
  const answer = await socket.next("found");
  expect(answer).toMatchObject({
    id: 1,
    hits: [{ message: { number: 60 } }, { message: { number: 50 } }],
  });
  const { cursor } = answer;
  socket.send({ op: "search", id: 2, q: "tenth", before: cursor });
  const rest = await socket.next("found");
  expect(rest.hits.map(({ message }) => message.number)).toEqual([40, 30, 20, 10]);
  expect(rest.cursor).toBeUndefined();
});

test("whoever is no member is refused", async () => {
  expect(await search(conversationId, "somebody", { q: "tenth" })).toMatchObject({
    error: { code: "not_a_member" },
  });
});
