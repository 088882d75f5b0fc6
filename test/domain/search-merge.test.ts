import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type SearchCall, SearchMerge, type SearchPart } from "../../src/domain/search-merge.ts";
import { comparePlaces, type Place } from "../../src/domain/search-order.ts";
import { Random } from "../random.ts";

/** Pages of results from many conversations, against a sort of all that there is. */

interface Message {
  number: number;
  createdAt: number;
  isHit: boolean;
}

interface World {
  conversations: Map<string, Message[]>;
  limit: number;
  rows: number;
  rowsPerCall: number;
  seed: number;
}

/** Few times, so that many are equal; few hits in some conversations and many in others. */
const world = fc
  .record({
    conversations: fc.array(
      fc.array(fc.record({ later: fc.nat(2), isHit: fc.boolean() }), { maxLength: 30 }),
      { minLength: 1, maxLength: 12 },
    ),
    limit: fc.integer({ min: 1, max: 6 }),
    rows: fc.integer({ min: 1, max: 60 }),
    rowsPerCall: fc.integer({ min: 1, max: 12 }),
    seed: fc.nat(),
  })
  .map(({ conversations, ...rest }): World => {
    const named = conversations.map((messages, index) => {
      let createdAt = 0;
      const stored = messages.map(({ later, isHit }, at) => {
        createdAt += later;
        return { number: at + 1, createdAt, isHit };
      });
      return [`c${index}`, stored] as const;
    });
    return { conversations: new Map(named), ...rest };
  });

function placesOf(conversations: World["conversations"]): Place[] {
  return Array.from(conversations, ([conversationId, messages]) =>
    messages
      .filter(({ isHit }) => isHit)
      .map(({ number, createdAt }) => ({ createdAt, conversationId, number })),
  )
    .flat()
    .sort(comparePlaces);
}

/** What an object answers: it looks at so many rows, and at a few more. */
function answerOf(messages: readonly Message[], call: SearchCall, random: Random) {
  const { before } = call;
  const isBefore = ({ number, createdAt }: Message) =>
    !before || ("number" in before ? number < before.number : createdAt < before.time);
  const part: SearchPart<Message> = { hits: [], rows: 0 };
  const most = call.maxRows + random.below(3);
  for (const message of messages.filter(isBefore).reverse()) {
    part.rows++;
    if (message.isHit) part.hits = [...part.hits, message];
    const isEnough = part.hits.length === call.limit || part.rows >= most;
    if (isEnough && message.number > 1) return { ...part, searchedBack: message };
  }
  return part;
}

const newestOf = (messages: readonly Message[]) => messages.at(-1)?.createdAt ?? 0;

interface Asking {
  failing?: ReadonlySet<string>;
  onAnswer?: (call: SearchCall, rows: number) => void;
}

/** One page, with up to four calls under way, answered in any order. */
function pageOf(
  { conversations, limit, rows, rowsPerCall }: World,
  place: Place | undefined,
  random: Random,
  { failing, onAnswer }: Asking = {},
) {
  const targets = Array.from(conversations, ([conversationId, messages]) => {
    return { conversationId, activity: newestOf(messages) };
  }).sort((one, other) => other.activity - one.activity);
  const isActivityExact = random.chance(0.5);
  const merge = new SearchMerge<Message>({
    ...{ targets, place, limit, rows, rowsPerCall, isActivityExact },
  });
  const underWay: SearchCall[] = [];
  for (;;) {
    const call = underWay.length < 4 ? merge.next() : undefined;
    if (call) {
      underWay.push(call);
      if (random.chance(0.5)) continue;
    }
    const [answered] = underWay.splice(random.below(underWay.length), 1);
    if (!answered) return merge.page();
    const { conversationId } = answered;
    const messages = conversations.get(conversationId);
    if (!messages || failing?.has(conversationId)) merge.unanswered(answered);
    else {
      const part = answerOf(messages, answered, random);
      onAnswer?.(answered, part.rows);
      merge.answered(answered, part);
    }
  }
}

/** All pages, behind one another; `between` is called with the place of each. */
function pagesOf(
  world: World,
  options: Asking & { between?: (place: Place) => void } = {},
): { hits: Place[]; failed: Set<string> } {
  const random = new Random(world.seed);
  const hits: Place[] = [];
  const failed = new Set<string>();
  let place: Place | undefined;
  for (let pages = 0; ; pages++) {
    expect(pages).toBeLessThan(1_000);
    const page = pageOf(world, place, random, options);
    expect(page.hits.length).toBeLessThanOrEqual(world.limit);
    hits.push(...page.hits.map(({ hit: _, ...found }) => found));
    for (const conversationId of page.failed) failed.add(conversationId);
    if (!page.next) return { hits, failed };
    // There is progress, and all hits of the page come before its end.
    if (place) expect(comparePlaces(place, page.next)).toBeLessThan(0);
    for (const hit of page.hits) expect(comparePlaces(hit, page.next)).toBeLessThanOrEqual(0);
    place = page.next;
    options.between?.(place);
  }
}

describe("pages, one after another, are", () => {
  test("all hits in order, each once, whatever is answered when and however far", () => {
    fc.assert(
      fc.property(world, (world) => {
        const { hits, failed } = pagesOf(world);
        expect(hits).toEqual(placesOf(world.conversations));
        expect(failed.size).toBe(0);
      }),
      { numRuns: 1_000 },
    );
  });

  test("the same where messages are sent between the pages", () => {
    fc.assert(
      fc.property(world, fc.nat(), (world, seed) => {
        const expected = placesOf(world.conversations);
        const random = new Random(seed);
        const newest = Math.max(...[...world.conversations.values()].map(newestOf));
        const between = () => {
          const messages = random.pick([...world.conversations.values()]);
          messages.push({ number: messages.length + 1, createdAt: newest + 1, isHit: true });
        };
        const { hits } = pagesOf(world, { between });
        expect(hits).toEqual(expected);
      }),
    );
  });

  test("the hits of all others where some conversations fail, which are named", () => {
    fc.assert(
      fc.property(world, fc.nat(), (world, seed) => {
        const random = new Random(seed);
        const ids = [...world.conversations.keys()];
        const failing = new Set(ids.filter(() => random.chance(0.4)));
        const { hits, failed } = pagesOf(world, { failing });
        const rest = new Map([...world.conversations].filter(([id]) => !failing.has(id)));
        expect(hits).toEqual(placesOf(rest));
        expect([...failed].every((id) => failing.has(id))).toBe(true);
        // One that is left out because the pages are full before it is asked has no hit on them.
        const missing = placesOf(world.conversations).filter((p) => failing.has(p.conversationId));
        expect(missing.every(({ conversationId }) => failed.has(conversationId))).toBe(true);
      }),
    );
  });
});

test("all calls together read the rows of a page, and a few more of each call", () => {
  fc.assert(
    fc.property(world, (world) => {
      const rows: number[] = [];
      const onAnswer = (call: SearchCall, read: number) => {
        expect(call.maxRows).toBeLessThanOrEqual(world.rowsPerCall);
        rows.push(read);
      };
      pageOf(world, undefined, new Random(world.seed), { onAnswer });
      const read = rows.reduce((sum, one) => sum + one, 0);
      expect(read).toBeLessThanOrEqual(world.rows + 3 * rows.length);
    }),
  );
});

describe("who is asked", () => {
  const many = Array.from({ length: 10 }, (_, index) => {
    return { conversationId: `c${index}`, activity: 1_000 - index * 100 };
  });
  const options = { targets: many, limit: 2, rows: 10_000, rowsPerCall: 5_000 };
  const hit = (createdAt: number, number = 9) => ({ createdAt, number });
  const place = { createdAt: 5_000, conversationId: "c5", number: 3 };

  test("of a full page behind a place: those only that may have newer messages", () => {
    const merge = new SearchMerge({ ...options, place, isActivityExact: true });
    const first = merge.next();
    expect(first).toMatchObject({ conversationId: "c0", before: { time: 5_000 }, limit: 2 });
    if (first) merge.answered(first, { hits: [hit(950), hit(800, 8)], rows: 2 });
    // c1 and c2 were active at 900 and 800, c3 at 700.
    expect(merge.next()?.conversationId).toBe("c1");
    expect(merge.next()?.conversationId).toBe("c2");
    expect(merge.next()).toBeUndefined();
  });

  test("of a first page: all, those that seem older for one hit in a few rows", () => {
    const merge = new SearchMerge({ ...options, isActivityExact: false });
    const calls = [merge.next()];
    if (calls[0]) merge.answered(calls[0], { hits: [hit(950), hit(800, 8)], rows: 2 });
    for (let call = merge.next(); call; call = merge.next()) calls.push(call);
    expect(calls.map((call) => call?.conversationId)).toEqual(
      many.map(({ conversationId }) => conversationId),
    );
    expect(calls.slice(0, 3).every((call) => call?.limit === 2)).toBe(true);
    expect(calls.slice(3).every((call) => call?.limit === 1 && call.maxRows === 200)).toBe(true);
  });

  test("one whose newest hit is a newer one than it seemed is asked for the rest", () => {
    const merge = new SearchMerge({
      ...options,
      targets: many.slice(0, 2),
      isActivityExact: false,
    });
    const first = merge.next();
    if (first) merge.answered(first, { hits: [hit(980), hit(970, 8)], rows: 2 });
    const probe = merge.next();
    expect(probe).toMatchObject({ conversationId: "c1", limit: 1 });
    if (probe) merge.answered(probe, { hits: [hit(990)], searchedBack: hit(990), rows: 1 });
    expect(merge.next()).toMatchObject({ conversationId: "c1", before: { number: 9 }, limit: 2 });
  });

  test("the rows are shared, and what is left over goes to those that need more", () => {
    const targets = many.slice(0, 4);
    const merge = new SearchMerge({ ...options, targets, rows: 1_000, isActivityExact: false });
    const calls = targets.map(() => merge.next());
    expect(calls.map((call) => call?.maxRows)).toEqual([250, 250, 250, 250]);
    calls.forEach((call, index) => {
      if (!call) return;
      const more = index === 0 && { searchedBack: hit(500) };
      merge.answered(call, { hits: [], rows: index === 0 ? 250 : 10, ...more });
    });
    expect(merge.next()).toMatchObject({ conversationId: "c0", maxRows: 720 });
  });

  test("one that was refused is not missing, one that was not answered is", () => {
    const targets = many.slice(0, 3);
    const merge = new SearchMerge({ ...options, targets, isActivityExact: false });
    const [one, other] = [merge.next(), merge.next()];
    if (one) merge.refused(one);
    if (other) merge.unanswered(other);
    expect(merge.page()).toEqual({ hits: [], next: undefined, failed: ["c1", "c2"] });
  });
});
