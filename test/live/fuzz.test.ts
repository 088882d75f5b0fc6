import { evictDurableObject } from "cloudflare:test";
import { afterEach, expect, test, vi } from "vitest";
import { Random } from "../random.ts";
import { type Caller, groupOf, objectOf, open, openLive, person } from "../support.ts";
import { FuzzClient } from "./fuzz-client.ts";
import { ObjectGenerator } from "./fuzz-frames.ts";
import { Model, naiveUnread } from "./fuzz-model.ts";
import { Replica, replicaOf } from "./replica.ts";

/** Set this to the seed of a failure to repeat it. */
const PINNED: number | undefined = undefined;
const SEED = PINNED ?? crypto.getRandomValues(new Uint32Array(1))[0] ?? 1;
const FRAMES = 10_000;
const EVICT_EVERY = 80;

afterEach(() => void vi.useRealTimers());

test(`${FRAMES} frames in random order: each is answered, and nothing breaks (seed ${SEED})`, {
  timeout: 240_000,
}, async () => {
  const dice = new Random(SEED);
  const [observer, ...callers] = [await person(), await person(), await person(), await person()];
  const conversationId = await groupOf(observer, ...callers);
  vi.setSystemTime(Date.now());
  const clients = callers.map(
    (caller, i) =>
      new FuzzClient(caller, new ObjectGenerator(dice, `shot-${i}`), conversationId, dice),
  );
  for (const client of clients) await client.connect();
  const watching = await openLive(observer, conversationId);
  const born = watching.all("hello")[0]?.rev ?? 0;
  const model = new Model();

  for (let sentCount = 0, round = 1; sentCount < FRAMES; round++) {
    const client = dice.pick(clients);
    const badness = dice.chance(0.04) ? 1 : dice.pick([0, 0.1, 0.4]);
    const known = { conversationId, messageIds: model.ids, rev: model.rev };
    const { sent, answers } = await client.sendBatch(known, badness);
    model.checkAnswers(client.caller.userId, sent, answers, client.ignored);
    sentCount += sent.length;
    // Enough for some sends and commands to be rate limited, and for some edits to be too late.
    vi.setSystemTime(Date.now() + 200 + dice.below(2_000));
    watching.send({ op: "typing", active: false });
    if (round % EVICT_EVERY !== 0) continue;
    await evictDurableObject(objectOf(conversationId));
    for (const client of clients) client.resetBudget();
  }
  expect(clients.some(({ closedByServer }) => closedByServer > 0)).toBe(true);
  expect(model.messages.length).toBeGreaterThan(100);

  // The client that stayed connected has received every revision, once and in order.
  const watcher = new Replica();
  let taken = 0;
  await watching.until(() => {
    replicaOf(watching.events.slice(taken), watcher);
    taken = watching.events.length;
    return watcher.rev >= model.rev;
  });
  const revs = watching.events.flatMap((event) =>
    event.type === "message" || event.type === "read" ? [event.rev] : [],
  );
  expect(revs).toEqual(Array.from({ length: model.rev - born }, (_, i) => born + 1 + i));

  // The stored state is what was acknowledged, and all clients have it, whatever they missed.
  const whole = await wholeOf(observer, conversationId);
  expect(whole.state.messages.map(shown)).toEqual(model.messages);
  expect(watcher.state).toEqual(whole.state);
  for (const client of clients) {
    await client.catchUp(model.rev);
    expect(client.replica.state).toEqual(whole.state);
    const [hello] = (await openLive(client.caller, conversationId)).all("hello");
    expect(hello?.you.unread).toBe(naiveUnread(whole, client.caller.userId));
  }
});

/** The whole conversation, as a client that resumes from revision 0 receives it. */
async function wholeOf(caller: Caller, conversationId: string): Promise<Replica> {
  const replica = new Replica();
  const socket = await open(caller, conversationId, "?since=0");
  for (;;) {
    const page = await socket.next("sync");
    replica.apply(page);
    if (!page.more) return replica;
    socket.send({ op: "sync", since: page.to });
  }
}

function shown(message: Replica["state"]["messages"][number]) {
  const { id, content, senderId, deletedAt } = message;
  return { id, content, senderId, deleted: deletedAt !== null };
}
